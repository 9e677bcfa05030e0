using Engine.Svd.FrontEnd;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>A panel of <see cref="LayersFigure"/>: an excerpt, 115 × 80, and the line above it.</summary>
public sealed record LayerPanel(string Title, float[] Values);

/// <summary>
/// What is left of an excerpt in the layers of the detector: the input, and what the inversion networks make of each layer's output. Time goes to the right
/// and frequency upwards. All panels have the colours of the input, from its minimum to its maximum.
/// </summary>
public static class LayersFigure
{
    // The panels are so low that 200 Hz would lie on 100 Hz.
    private static readonly double[] _ticksHz = [.. MelAxis.TicksHz.Where(hz => hz != 200)];

    /// <summary>Width of the figure in pixels.</summary>
    public const int Width = LeftEdge + Columns * PanelWidth + (Columns - 1) * ColumnGap + BarRoom;

    private const int Columns = 3;
    private const int Frames = FrontEndSettings.ExcerptFrames, Bands = MelAxis.Bands;

    // Pixels. A bin is a whole number of pixels, so all bins are equally large.
    private const int BinWidth = 4, BinHeight = 4, PanelWidth = Frames * BinWidth, PanelHeight = Bands * BinHeight;
    private const int LeftEdge = 135, TopEdge = 190, ColumnGap = 40, RowGap = 80, BarGap = 36, BarThickness = 26, BarRoom = 185, BottomMargin = 100;

    /// <summary>Height of a figure of so many panels in pixels.</summary>
    public static int HeightOf(int panels) => PanelTop((panels - 1) / Columns) + PanelHeight + BottomMargin;

    /// <summary>Draws the panels, three in a row, and returns the figure as a PNG.</summary>
    /// <param name="excerpt">The input, which is the first panel, and the lines above.</param>
    /// <param name="layers">The other panels.</param>
    public static byte[] RenderPng(ExplainedExcerpt excerpt, IReadOnlyList<LayerPanel> layers)
    {
        LayerPanel[] panels = [new("Input", excerpt.Input), .. layers];
        double min = excerpt.Input.Min(), max = excerpt.Input.Max();
        return FigureStyle.RenderPng(Width, HeightOf(panels.Length), canvas =>
        {
            FigureStyle.DrawText(canvas, excerpt.Heading, LeftEdge, 50, FigureStyle.HeadingSize, FigureStyle.Ink, Width - LeftEdge);
            FigureStyle.DrawText(canvas, excerpt.Prediction, LeftEdge, 92, FigureStyle.LabelSize, FigureStyle.Ink, Width - LeftEdge);
            for (int i = 0; i < panels.Length; i++)
            {
                (int row, int column) = Math.DivRem(i, Columns);
                SKRectI area = SKRectI.Create(LeftEdge + column * (PanelWidth + ColumnGap), PanelTop(row), PanelWidth, PanelHeight);
                float[] values = panels[i].Values;
                FigureStyle.DrawCells(
                    canvas, area, Frames, Bands, (frame, band) => FigureStyle.ColourOf(Math.Clamp(values[frame * Bands + band], min, max), min, max));
                FigureStyle.DrawText(canvas, panels[i].Title, area.Left, area.Top - 14, FigureStyle.LabelSize, FigureStyle.Ink, PanelWidth);
                DrawAxes(canvas, area, column == 0, i + Columns >= panels.Length, excerpt.StartSeconds);
            }

            int right = LeftEdge + Columns * (PanelWidth + ColumnGap) - ColumnGap;
            DrawBar(canvas, SKRectI.Create(right + BarGap, PanelTop(0), BarThickness, PanelHeight), min, max);
        });
    }

    private static int PanelTop(int row) => TopEdge + row * (PanelHeight + RowGap);

    private static void DrawAxes(SKCanvas canvas, SKRectI area, bool isFirstColumn, bool isLowest, double startSeconds)
    {
        double endSeconds = startSeconds + (double)Frames / FrontEndSettings.FramesPerSecond;
        using Plot plot = FigureStyle.NewPlot();
        plot.Axes.SetLimits(startSeconds, endSeconds, -0.5, Bands - 0.5);
        plot.Axes.Bottom.TickGenerator = FigureStyle.TicksEvery(0.5, startSeconds, endSeconds);
        plot.Axes.Left.TickGenerator = new NumericManual(
            [.. _ticksHz.Select(MelAxis.PositionOf)], [.. _ticksHz.Select(hz => hz.ToString())]);
        plot.Axes.Left.Label.Text = "Frequency (Hz)";
        plot.Axes.Left.Label.IsVisible = plot.Axes.Left.TickLabelStyle.IsVisible = isFirstColumn;
        plot.Axes.Bottom.Label.Text = "Time in the song (s)";
        plot.Axes.Bottom.Label.IsVisible = plot.Axes.Bottom.TickLabelStyle.IsVisible = isLowest;
        FigureStyle.DrawPlot(canvas, plot, area);
    }

    private static void DrawBar(SKCanvas canvas, SKRectI bar, double min, double max)
    {
        FigureStyle.DrawCells(canvas, bar, 1, bar.Height, (_, y) => FigureStyle.ColourOf(y, 0, bar.Height - 1));
        (double from, double to) = max > min ? (min, max) : (min - 0.5, min + 0.5);
        using Plot plot = FigureStyle.NewPlot();
        plot.Axes.Right.Min = from;
        plot.Axes.Right.Max = to;
        plot.Axes.Right.TickGenerator = FigureStyle.TicksEvery(FigureStyle.RoundStep(to - from), from, to);
        plot.Axes.Right.Label.Text = "Deviations from the band's mean";
        FigureStyle.DrawPlot(canvas, plot, bar);
    }
}
