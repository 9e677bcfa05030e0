using Engine.Svd.Evaluate;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>The figure of how well methods find the voice: recall, precision and the pointing game, with the values of chance.</summary>
public static class LocalisationFigure
{
    /// <summary>Width of the figure in pixels.</summary>
    public const int Width = MethodPanels.LeftEdge + 3 * MethodPanels.ColumnWidth;

    /// <summary>Height of a figure of these rows in pixels.</summary>
    public static int HeightOf(IReadOnlyList<LocalisationRow> rows) => MethodPanels.HeightOf(rows);

    /// <summary>Draws the figure and returns it as a PNG of <see cref="Width"/> × <see cref="HeightOf"/> pixels.</summary>
    /// <param name="rows">At least one row; each size has the same methods.</param>
    /// <param name="voicePercent">The share of voice-dominated bins, which is the value of chance.</param>
    /// <param name="heading">The line above the panels.</param>
    /// <param name="subheading">The smaller line under it.</param>
    public static byte[] RenderPng(IReadOnlyList<LocalisationRow> rows, double voicePercent, string heading, string subheading) =>
        FigureStyle.RenderPng(Width, HeightOf(rows), canvas => Draw(canvas, rows, voicePercent, heading, subheading));

    /// <summary>Draws the same figure as an SVG.</summary>
    public static byte[] RenderSvg(IReadOnlyList<LocalisationRow> rows, double voicePercent, string heading, string subheading) =>
        FigureStyle.RenderSvg(Width, HeightOf(rows), canvas => Draw(canvas, rows, voicePercent, heading, subheading));

    private static void Draw(SKCanvas canvas, IReadOnlyList<LocalisationRow> rows, double voicePercent, string heading, string subheading) =>
        MethodPanels.Draw(
            canvas, rows, heading, subheading,
            [
                new("(A) Recall", "Voice bins in the region (%)", row => row.Recall)
                {
                    // A region that knows nothing of the voice has as much of it as of everything.
                    Chance = size => rows.First(row => row.Size == size).Area,
                },
                new("(B) Precision", "Region's bins that are voice (%)", row => row.Precision) { Chance = _ => voicePercent },
                new("(C) Pointing game", "Most important bin is voice (%)", row => row.Pointing)
                {
                    Chance = _ => voicePercent, DependsOnSize = false,
                },
            ]);
}
