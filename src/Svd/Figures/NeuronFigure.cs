using Engine.Svd.FrontEnd;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>A panel of a <see cref="NeuronFigure"/>.</summary>
/// <param name="Excerpt">115×80, normalised.</param>
/// <param name="Title">The line above it.</param>
public sealed record NeuronPanel(float[] Excerpt, string Title);

/// <summary>
/// What activates neurons: for each neuron the excerpt that a search found, and beside it the one of a song. Each panel's colours go from its own minimum to
/// its own maximum.
/// </summary>
public static class NeuronFigure
{
    private const int BinSize = 4, PanelWidth = FrontEndSettings.ExcerptFrames * BinSize, PanelHeight = MelAxis.Bands * BinSize;
    private const int LeftEdge = 135, TopEdge = 190, ColumnGap = 30, RowGap = 70, BottomMargin = 100;
    private const double Seconds = (double)FrontEndSettings.ExcerptFrames / FrontEndSettings.FramesPerSecond;

    /// <summary>Width of the figure in pixels.</summary>
    public const int Width = LeftEdge + 2 * (PanelWidth + ColumnGap);

    /// <summary>Height of a figure of so many neurons in pixels.</summary>
    public static int HeightOf(int neurons) => TopEdge + neurons * (PanelHeight + RowGap) - RowGap + BottomMargin;

    /// <summary>Draws the figure and returns it as a PNG.</summary>
    public static byte[] RenderPng(IReadOnlyList<(NeuronPanel Found, NeuronPanel InSong)> neurons, string heading, string subheading) =>
        FigureStyle.RenderPng(Width, HeightOf(neurons.Count), canvas =>
        {
            FigureStyle.DrawText(canvas, heading, LeftEdge, 50, FigureStyle.HeadingSize, FigureStyle.Ink, Width - LeftEdge - 20);
            FigureStyle.DrawText(canvas, subheading, LeftEdge, 92, FigureStyle.LabelSize, FigureStyle.PaleInk, Width - LeftEdge - 20);
            for (int row = 0; row < neurons.Count; row++)
            {
                DrawPanel(canvas, row, 0, row == neurons.Count - 1, neurons[row].Found);
                DrawPanel(canvas, row, 1, row == neurons.Count - 1, neurons[row].InSong);
            }
        });

    private static void DrawPanel(SKCanvas canvas, int row, int column, bool isLast, NeuronPanel panel)
    {
        SKRectI area = SKRectI.Create(LeftEdge + column * (PanelWidth + ColumnGap), TopEdge + row * (PanelHeight + RowGap), PanelWidth, PanelHeight);
        double min = panel.Excerpt.Min(), max = panel.Excerpt.Max();
        FigureStyle.DrawCells(
            canvas, area, FrontEndSettings.ExcerptFrames, MelAxis.Bands,
            (frame, band) => FigureStyle.ColourOf(panel.Excerpt[frame * MelAxis.Bands + band], min, max));
        using Plot plot = FigureStyle.NewPlot();
        plot.Axes.SetLimits(0, Seconds, -0.5, MelAxis.Bands - 0.5);
        plot.Axes.Bottom.TickGenerator = FigureStyle.TicksEvery(0.5, 0, Seconds);
        plot.Axes.Left.TickGenerator = new NumericManual(
            [.. MelAxis.TicksHz.Select(MelAxis.PositionOf)], [.. MelAxis.TicksHz.Select(hz => hz.ToString())]);
        plot.Axes.Left.Label.Text = "Frequency (Hz)";
        plot.Axes.Left.Label.IsVisible = plot.Axes.Left.TickLabelStyle.IsVisible = column == 0;
        plot.Axes.Bottom.Label.Text = "Time (s)";
        plot.Axes.Bottom.Label.IsVisible = plot.Axes.Bottom.TickLabelStyle.IsVisible = isLast;
        FigureStyle.DrawPlot(canvas, plot, area);
        FigureStyle.DrawText(canvas, panel.Title, area.Left, area.Top - 12, FigureStyle.LabelSize, FigureStyle.Ink, PanelWidth);
    }
}
