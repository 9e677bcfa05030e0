using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>The figure of a comparison of explanation methods at equal area: sufficiency, necessity, contiguity and time.</summary>
public static class MethodFigure
{
    /// <summary>Width of the figure in pixels.</summary>
    public const int Width = MethodPanels.LeftEdge + 4 * MethodPanels.ColumnWidth;

    /// <summary>Height of a figure of these rows in pixels.</summary>
    public static int HeightOf(IReadOnlyList<MethodRow> rows) => MethodPanels.HeightOf(rows);

    /// <summary>Draws the figure and returns it as a PNG of <see cref="Width"/> × <see cref="HeightOf"/> pixels.</summary>
    /// <param name="rows">At least one row; each size has the same methods.</param>
    /// <param name="heading">The line above the panels.</param>
    /// <param name="subheading">The smaller line under it.</param>
    public static byte[] RenderPng(IReadOnlyList<MethodRow> rows, string heading, string subheading) =>
        FigureStyle.RenderPng(Width, HeightOf(rows), canvas => Draw(canvas, rows, heading, subheading));

    /// <summary>Draws the same figure as an SVG.</summary>
    public static byte[] RenderSvg(IReadOnlyList<MethodRow> rows, string heading, string subheading) =>
        FigureStyle.RenderSvg(Width, HeightOf(rows), canvas => Draw(canvas, rows, heading, subheading));

    private static void Draw(SKCanvas canvas, IReadOnlyList<MethodRow> rows, string heading, string subheading) => MethodPanels.Draw(
        canvas, rows, heading, subheading,
        [
            new("(A) Only the mask is kept", "Label changed (% of excerpts)", row => row.Sufficiency) { Chance = Chance(rows, row => row.Sufficiency) },
            new("(B) Only the mask is removed", "Label changed (% of excerpts)", row => row.Necessity) { Chance = Chance(rows, row => row.Necessity) },
            new("(C) Largest piece of the mask", "Share of kept bins (%)", row => row.LargestShare),
            new("(D) Time", "Milliseconds per explanation", row => Logarithm(row.Milliseconds)) { Ticks = TimeTicks(rows) },
        ]);

    // The value of random bins, if they are compared.
    private static Func<MaskSize, double?> Chance(IReadOnlyList<MethodRow> rows, Func<MethodRow, Estimate> valueOf) => size =>
        rows.FirstOrDefault(row => row.Method == ExplanationMethods.Random && row.Size == size) is { } random ? valueOf(random).Mean : null;

    // Less than a hundredth of a millisecond counts as that.
    private static Estimate Logarithm(double milliseconds)
    {
        double value = Math.Log10(Math.Max(milliseconds, 0.01));
        return new Estimate(value, value, value);
    }

    // The powers of ten that enclose all times.
    private static (double Position, string Label)[] TimeTicks(IReadOnlyList<MethodRow> rows)
    {
        int from = (int)Math.Floor(rows.Min(row => Logarithm(row.Milliseconds).Mean));
        int to = (int)Math.Ceiling(rows.Max(row => Logarithm(row.Milliseconds).Mean));
        return [.. Enumerable.Range(from, Math.Max(1, to - from) + 1).Select(power => ((double)power, $"{Math.Pow(10, power):0.##}"))];
    }
}
