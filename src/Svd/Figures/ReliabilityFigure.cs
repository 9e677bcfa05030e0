using Engine.Svd.Predict;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>The reliability curve of a detector: the share of sung frames over their probability, and below it the number of frames.</summary>
public static class ReliabilityFigure
{
    /// <summary>Width of the figure in pixels.</summary>
    public const int Width = LeftEdge + PanelSize + 45;

    /// <summary>Height of the figure in pixels.</summary>
    public const int Height = TopEdge + PanelSize + RowGap + CountsHeight + 100;

    private const int PanelSize = 760, CountsHeight = 200, LeftEdge = 135, TopEdge = 170, RowGap = 95;
    private const double Margin = 0.03;

    private static readonly Color _curve = Color.FromHex("#0072B2");

    /// <summary>Draws the figure and returns it as a PNG of <see cref="Width"/> × <see cref="Height"/> pixels.</summary>
    /// <param name="reliability">The curve. Bins without frames leave a gap.</param>
    /// <param name="heading">The line above the panels.</param>
    /// <param name="subheading">The smaller line under it.</param>
    public static byte[] RenderPng(ReliabilityCurve reliability, string heading, string subheading) =>
        FigureStyle.RenderPng(Width, Height, canvas => Draw(canvas, reliability, heading, subheading));

    /// <summary>Draws the same figure as an SVG.</summary>
    public static byte[] RenderSvg(ReliabilityCurve reliability, string heading, string subheading) =>
        FigureStyle.RenderSvg(Width, Height, canvas => Draw(canvas, reliability, heading, subheading));

    private static void Draw(SKCanvas canvas, ReliabilityCurve reliability, string heading, string subheading)
    {
        FigureStyle.DrawText(canvas, heading, LeftEdge, 50, FigureStyle.HeadingSize, FigureStyle.Ink, PanelSize);
        FigureStyle.DrawText(canvas, subheading, LeftEdge, 90, FigureStyle.LabelSize, FigureStyle.PaleInk, PanelSize);
        DrawCurve(canvas, reliability);
        DrawCounts(canvas, reliability);
    }

    private static void DrawCurve(SKCanvas canvas, ReliabilityCurve reliability)
    {
        ReliabilityBin[] bins = [.. reliability.Bins.Where(bin => bin.Frames > 0)];
        using Plot plot = FigureStyle.NewPlot();
        plot.Add.Line(0, 0, 1, 1).LineStyle = new LineStyle { Color = FigureStyle.PaleInk, Width = 2, Pattern = LinePattern.Dashed };
        ScottPlot.Plottables.Scatter scatter = plot.Add.Scatter(
            bins.Select(bin => bin.MeanProbability!.Value).ToArray(), bins.Select(bin => bin.SungShare!.Value).ToArray(), _curve);
        (scatter.LineWidth, scatter.MarkerSize, scatter.MarkerShape) = (3, 11, MarkerShape.FilledCircle);
        plot.Axes.SetLimits(-Margin, 1 + Margin, -Margin, 1 + Margin);
        plot.Axes.Bottom.TickGenerator = plot.Axes.Left.TickGenerator = FigureStyle.TicksEvery(0.2, 0, 1);
        plot.Axes.Left.Label.Text = "Share of the frames that is sung";
        SKRectI area = SKRectI.Create(LeftEdge, TopEdge, PanelSize, PanelSize);
        FigureStyle.DrawPlot(canvas, plot, area);
        FigureStyle.DrawText(canvas, "(A) Reliability; dashed: perfect", area.Left, area.Top - 14, FigureStyle.TitleSize, FigureStyle.Ink, PanelSize);
    }

    private static void DrawCounts(SKCanvas canvas, ReliabilityCurve reliability)
    {
        double all = Math.Max(1, reliability.Bins.Sum(bin => (double)bin.Frames)), most = reliability.Bins.Max(bin => bin.Frames) / all;
        using Plot plot = FigureStyle.NewPlot();
        foreach (ReliabilityBin bin in reliability.Bins)
        {
            plot.Add.Bar(new Bar
            {
                Position = (bin.From + bin.To) / 2, Value = 100 * bin.Frames / all, Size = bin.To - bin.From, FillColor = _curve, LineColor = Colors.White,
            });
        }

        int top = Math.Max(20, 20 * (int)Math.Ceiling(100 * most / 20));
        double[] ticks = [0, top / 2.0, top];
        plot.Axes.SetLimits(-Margin, 1 + Margin, 0, top * (1 + Margin));
        plot.Axes.Bottom.TickGenerator = FigureStyle.TicksEvery(0.2, 0, 1);
        plot.Axes.Left.TickGenerator = new NumericManual(ticks, [.. ticks.Select(tick => $"{tick:F0}")]);
        plot.Axes.Left.Label.Text = "%";
        plot.Axes.Bottom.Label.Text = "Probability of singing";
        SKRectI area = SKRectI.Create(LeftEdge, TopEdge + PanelSize + RowGap, PanelSize, CountsHeight);
        FigureStyle.DrawPlot(canvas, plot, area);
        FigureStyle.DrawText(canvas, "(B) Frames", area.Left, area.Top - 14, FigureStyle.TitleSize, FigureStyle.Ink, PanelSize);
    }
}
