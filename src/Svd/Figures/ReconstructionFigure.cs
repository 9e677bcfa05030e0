using Engine.Svd.Evaluate;
using Engine.Svd.Model;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>Errors by layer, drawn as one line.</summary>
/// <param name="Name">What the legend calls it.</param>
/// <param name="Points">Layers and their errors.</param>
public sealed record ReconstructionCurve(string Name, IReadOnlyList<(string Layer, Estimate Error)> Points);

/// <summary>The normalised reconstruction error by layer of the detector, from the input on. Bars are 95 % intervals.</summary>
public static class ReconstructionFigure
{
    /// <summary>Width of the figure in pixels.</summary>
    public const int Width = LeftEdge + PanelWidth + 430;

    /// <summary>Height of the figure in pixels.</summary>
    public const int Height = TopEdge + PanelHeight + 110;

    private const int PanelWidth = 900, PanelHeight = 560, LeftEdge = 135, TopEdge = 140;
    private const float LineWidth = 3, MarkerSize = 11;

    // The colours of Okabe and Ito, which the colour-blind can tell apart.
    private static readonly Color[] Colours = [.. new[] { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00" }.Select(Color.FromHex)];

    private static readonly MarkerShape[] Markers =
    [
        MarkerShape.FilledCircle, MarkerShape.OpenSquare, MarkerShape.OpenTriangleUp, MarkerShape.OpenDiamond, MarkerShape.FilledSquare,
        MarkerShape.OpenCircle,
    ];

    /// <summary>Draws the figure and returns it as a PNG of <see cref="Width"/> × <see cref="Height"/> pixels.</summary>
    /// <param name="curves">At least one.</param>
    /// <param name="heading">The line above the panel.</param>
    /// <param name="subheading">The smaller line under it.</param>
    public static byte[] RenderPng(IReadOnlyList<ReconstructionCurve> curves, string heading, string subheading) =>
        FigureStyle.RenderPng(Width, Height, canvas => Draw(canvas, curves, heading, subheading));

    /// <summary>Draws the same figure as an SVG.</summary>
    public static byte[] RenderSvg(IReadOnlyList<ReconstructionCurve> curves, string heading, string subheading) =>
        FigureStyle.RenderSvg(Width, Height, canvas => Draw(canvas, curves, heading, subheading));

    private static void Draw(SKCanvas canvas, IReadOnlyList<ReconstructionCurve> curves, string heading, string subheading)
    {
        const double margin = 0.5, room = 1.08;
        FigureStyle.DrawText(canvas, heading, LeftEdge, 50, FigureStyle.HeadingSize, FigureStyle.Ink, Width - LeftEdge);
        FigureStyle.DrawText(canvas, subheading, LeftEdge, 90, FigureStyle.LabelSize, FigureStyle.PaleInk, Width - LeftEdge);
        string[] layers = [.. SvdNetLayer.All.Select(layer => layer.Name)];
        double top = room * curves.Max(curve => curve.Points.Max(point => point.Error.High));
        using Plot plot = FigureStyle.NewPlot();
        for (int i = 0; i < curves.Count; i++)
        {
            (Color colour, MarkerShape marker) = StyleOf(i);
            (double X, Estimate Error)[] points =
                [.. curves[i].Points.Select(point => ((double)Array.IndexOf(layers, point.Layer), point.Error)).OrderBy(point => point.Item1)];
            ScottPlot.Plottables.Scatter line = plot.Add.Scatter(
                points.Select(point => point.X).ToArray(), points.Select(point => point.Error.Mean).ToArray(), colour);
            (line.LineWidth, line.MarkerSize, line.MarkerShape, line.MarkerLineWidth) = (LineWidth, MarkerSize, marker, LineWidth);
            foreach ((double x, Estimate error) in points)
            {
                plot.Add.Line(x, error.Low, x, error.High).LineStyle = new LineStyle { Color = colour, Width = LineWidth };
            }
        }

        plot.Axes.SetLimits(-margin, layers.Length - margin, 0, top);
        plot.Axes.Bottom.TickGenerator = new NumericManual([.. layers.Select((_, i) => (double)i)], layers);
        plot.Axes.Bottom.Label.Text = "Layer of the detector";
        plot.Axes.Left.TickGenerator = FigureStyle.TicksEvery(FigureStyle.RoundStep(top), 0, top);
        plot.Axes.Left.Label.Text = "Normalised reconstruction error";
        FigureStyle.DrawPlot(canvas, plot, SKRectI.Create(LeftEdge, TopEdge, PanelWidth, PanelHeight));
        for (int i = 0; i < curves.Count; i++) DrawLegend(canvas, i, curves[i].Name);
    }

    private static (Color Colour, MarkerShape Marker) StyleOf(int curve) => (Colours[curve % Colours.Length], Markers[curve % Markers.Length]);

    private static void DrawLegend(SKCanvas canvas, int row, string name)
    {
        const int left = LeftEdge + PanelWidth + 35, lineLength = 70, rowHeight = 40, gap = 14;
        (Color colour, MarkerShape marker) = StyleOf(row);
        int middle = TopEdge + rowHeight / 2 + row * rowHeight;
        using Paint paint = Paint.NewDisposablePaint();
        Drawing.DrawLine(
            canvas, paint, new PixelLine(left, middle, left + lineLength, middle), new LineStyle { Color = colour, Width = LineWidth });
        Drawing.DrawMarker(
            canvas, paint, new Pixel(left + lineLength / 2, middle),
            new MarkerStyle(marker, MarkerSize, colour) { LineColor = colour, LineWidth = LineWidth });
        FigureStyle.DrawText(
            canvas, name, left + lineLength + gap, middle + FigureStyle.TickSize / 3, FigureStyle.TickSize, FigureStyle.Ink,
            Width - left - lineLength - 2 * gap);
    }
}
