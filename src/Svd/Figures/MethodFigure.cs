using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>
/// The figure of a comparison of explanation methods at equal area: a line a method, and a panel each for sufficiency, necessity, contiguity and time. A size
/// of the masks has a colour; bars are 95 % intervals.
/// </summary>
public static class MethodFigure
{
    /// <summary>Width of the figure in pixels.</summary>
    public const int Width = LeftEdge + 4 * PanelWidth + 3 * ColumnGap + 45;

    private const int LeftEdge = 285, TopEdge = 225, PanelWidth = 380, ColumnGap = 45, BottomMargin = 100;

    // A size's points of one method lie under each other.
    private const int RowGap = 26, PointHeight = 20;
    private const float LineWidth = 3, MarkerSize = 11;

    private static readonly Color _stripe = Color.FromHex("#F3F4F6");

    // Okabe and Ito's, which remain distinct to the colour-blind.
    private static readonly Color[] _colours =
    [
        Color.FromHex("#0072B2"), Color.FromHex("#D55E00"), Color.FromHex("#009E73"), Color.FromHex("#CC79A7"), Color.FromHex("#E69F00"),
        Color.FromHex("#56B4E9"),
    ];

    /// <summary>Height of a figure of these rows in pixels.</summary>
    public static int HeightOf(IReadOnlyList<MethodRow> rows) => TopEdge + PanelHeight(rows) + BottomMargin;

    /// <summary>Draws the figure and returns it as a PNG of <see cref="Width"/> × <see cref="HeightOf"/> pixels.</summary>
    /// <param name="rows">At least one; each size has the same methods.</param>
    /// <param name="heading">The line above the panels.</param>
    /// <param name="subheading">The smaller line under it.</param>
    public static byte[] RenderPng(IReadOnlyList<MethodRow> rows, string heading, string subheading) =>
        FigureStyle.RenderPng(Width, HeightOf(rows), canvas => Draw(canvas, rows, heading, subheading));

    /// <summary>Draws the same figure as an SVG.</summary>
    public static byte[] RenderSvg(IReadOnlyList<MethodRow> rows, string heading, string subheading) =>
        FigureStyle.RenderSvg(Width, HeightOf(rows), canvas => Draw(canvas, rows, heading, subheading));

    private static void Draw(SKCanvas canvas, IReadOnlyList<MethodRow> rows, string heading, string subheading)
    {
        FigureStyle.DrawText(canvas, heading, LeftEdge, 50, FigureStyle.HeadingSize, FigureStyle.Ink, Width - LeftEdge);
        FigureStyle.DrawText(canvas, subheading, LeftEdge, 90, FigureStyle.LabelSize, FigureStyle.PaleInk, Width - LeftEdge);
        DrawLegend(canvas, rows);
        DrawPanel(canvas, rows, 0, "(A) Only the mask is kept", "Label changed (% of excerpts)", row => row.Sufficiency);
        DrawPanel(canvas, rows, 1, "(B) Only the mask is removed", "Label changed (% of excerpts)", row => row.Necessity);
        DrawPanel(canvas, rows, 2, "(C) Largest piece of the mask", "Share of kept bins (%)", row => row.LargestShare);
        DrawPanel(canvas, rows, 3, "(D) Time", "Milliseconds per explanation", row => Logarithm(row.Milliseconds), TimeTicks(rows));
    }

    private static MaskSize[] SizesOf(IReadOnlyList<MethodRow> rows) => [.. rows.Select(row => row.Size).Distinct()];

    private static string[] MethodsOf(IReadOnlyList<MethodRow> rows) => [.. rows.Select(row => row.Method).Distinct()];

    private static int RowHeight(IReadOnlyList<MethodRow> rows) => SizesOf(rows).Length * PointHeight + RowGap;

    private static int PanelHeight(IReadOnlyList<MethodRow> rows) => MethodsOf(rows).Length * RowHeight(rows);

    private static void DrawPanel(
        SKCanvas canvas, IReadOnlyList<MethodRow> rows, int panel, string title, string label, Func<MethodRow, Estimate> valueOf,
        (double Position, string Label)[]? ticks = null)
    {
        const double Margin = 0.03;
        ticks ??= [.. Enumerable.Range(0, 6).Select(i => (20.0 * i, $"{20 * i}"))];
        string[] methods = MethodsOf(rows);
        MaskSize[] sizes = SizesOf(rows);
        int rowHeight = RowHeight(rows), height = PanelHeight(rows);
        double from = ticks[0].Position, to = ticks[^1].Position, margin = Margin * (to - from);
        SKRectI area = SKRectI.Create(LeftEdge + panel * (PanelWidth + ColumnGap), TopEdge, PanelWidth, height);
        for (int i = 1; i < methods.Length; i += 2)
        {
            FigureStyle.Fill(canvas, SKRectI.Create(area.Left, area.Top + i * rowHeight, area.Width, rowHeight), _stripe);
        }

        // Pixels from the top down, so that a line has its methods' points one below the other.
        using Plot plot = FigureStyle.NewPlot();
        plot.Axes.SetLimits(from - margin, to + margin, height, 0);
        plot.Axes.Bottom.TickGenerator = new NumericManual([.. ticks.Select(tick => tick.Position)], [.. ticks.Select(tick => tick.Label)]);
        plot.Axes.Bottom.Label.Text = label;
        plot.Axes.Left.TickGenerator = new NumericManual([.. methods.Select((_, i) => (i + 0.5) * rowHeight)], methods);
        plot.Axes.Left.TickLabelStyle.IsVisible = panel == 0;
        foreach (MethodRow row in rows)
        {
            int size = Array.IndexOf(sizes, row.Size);
            double y = Array.IndexOf(methods, row.Method) * rowHeight + RowGap / 2.0 + (size + 0.5) * PointHeight;
            Estimate value = valueOf(row);
            Color colour = _colours[size % _colours.Length];
            plot.Add.Line(value.Low, y, value.High, y).LineStyle = new LineStyle { Color = colour, Width = LineWidth };
            plot.Add.Marker(value.Mean, y, MarkerShape.FilledCircle, MarkerSize, colour);
        }

        FigureStyle.DrawPlot(canvas, plot, area);
        FigureStyle.DrawText(canvas, title, area.Left, area.Top - 14, FigureStyle.TitleSize, FigureStyle.Ink, PanelWidth);
    }

    private static void DrawLegend(SKCanvas canvas, IReadOnlyList<MethodRow> rows)
    {
        const int Middle = 135, Step = 330, Gap = 14;
        MaskSize[] sizes = SizesOf(rows);
        using Paint paint = Paint.NewDisposablePaint();
        for (int i = 0; i < sizes.Length; i++)
        {
            // The inversion mask's own area where there is one: a borrowed mask brings its own.
            MethodRow row = rows.Where(row => row.Size == sizes[i]).MinBy(row => row.Method == "inversion" ? 0 : 1)!;
            int left = LeftEdge + i * Step;
            Color colour = _colours[i % _colours.Length];
            Drawing.DrawMarker(canvas, paint, new Pixel(left + MarkerSize, Middle), new MarkerStyle(MarkerShape.FilledCircle, MarkerSize, colour));
            FigureStyle.DrawText(
                canvas, sizes[i].IsThreshold ? $"{sizes[i]}, {row.Area:F1} % of the bins" : $"{row.Area:F1} % of the bins", left + MarkerSize + Gap,
                Middle + FigureStyle.TickSize / 3, FigureStyle.TickSize, FigureStyle.Ink, Step - 2 * Gap);
        }
    }

    // Less than a hundredth of a millisecond is as good as nothing.
    private static Estimate Logarithm(double milliseconds)
    {
        double value = Math.Log10(Math.Max(milliseconds, 0.01));
        return new Estimate(value, value, value);
    }

    // Powers of ten around all times.
    private static (double Position, string Label)[] TimeTicks(IReadOnlyList<MethodRow> rows)
    {
        int from = (int)Math.Floor(rows.Min(row => Logarithm(row.Milliseconds).Mean));
        int to = (int)Math.Ceiling(rows.Max(row => Logarithm(row.Milliseconds).Mean));
        return [.. Enumerable.Range(from, Math.Max(1, to - from) + 1).Select(power => ((double)power, $"{Math.Pow(10, power):0.##}"))];
    }
}
