using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using ScottPlot;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>
/// The figure of an evaluation after Fig. 5 of the paper: explanation loss above, relative area below, both over the masking threshold. Each case has a
/// colour, and each data set has a line style and a marker.
/// </summary>
public static class EvaluationFigure
{
    /// <summary>Width of the figure in pixels.</summary>
    public const int Width = LeftEdge + PanelWidth + 430;

    /// <summary>Height of the figure in pixels.</summary>
    public const int Height = TopEdge + 2 * PanelHeight + RowGap + 100;

    private const int PanelWidth = 900, PanelHeight = 480;
    private const int LeftEdge = 135, TopEdge = 170, RowGap = 70;
    private const float LineWidth = 3, MarkerSize = 11;

    // The colours of Okabe and Ito, which the colour-blind can tell apart.
    private static readonly Color[] CaseColours = [Color.FromHex("#0072B2"), Color.FromHex("#D55E00"), Color.FromHex("#009E73")];

    private static readonly (LinePattern Line, MarkerShape Marker)[] DatasetStyles =
    [
        (LinePattern.Solid, MarkerShape.FilledCircle), (LinePattern.Dashed, MarkerShape.OpenSquare), (LinePattern.Dotted, MarkerShape.OpenTriangleUp),
        (LinePattern.DenselyDashed, MarkerShape.OpenDiamond),
    ];

    /// <summary>Draws the figure and returns it as a PNG of <see cref="Width"/> × <see cref="Height"/> pixels.</summary>
    /// <param name="points">The points of this evaluation.</param>
    /// <param name="compared">Curves to draw beside them, or none.</param>
    /// <param name="heading">The line above the panels.</param>
    /// <param name="subheading">The smaller line under it.</param>
    public static byte[] RenderPng(
        IReadOnlyList<EvaluationPoint> points, IReadOnlyList<EvaluationPoint> compared, string heading, string subheading) =>
        FigureStyle.RenderPng(Width, Height, canvas => Draw(canvas, points, compared, heading, subheading));

    /// <summary>Draws the same figure as an SVG.</summary>
    public static byte[] RenderSvg(
        IReadOnlyList<EvaluationPoint> points, IReadOnlyList<EvaluationPoint> compared, string heading, string subheading) =>
        FigureStyle.RenderSvg(Width, Height, canvas => Draw(canvas, points, compared, heading, subheading));

    private static void Draw(
        SKCanvas canvas, IReadOnlyList<EvaluationPoint> points, IReadOnlyList<EvaluationPoint> compared, string heading, string subheading)
    {
        FigureStyle.DrawText(canvas, heading, LeftEdge, 50, FigureStyle.HeadingSize, FigureStyle.Ink, Width - LeftEdge);
        FigureStyle.DrawText(canvas, subheading, LeftEdge, 90, FigureStyle.LabelSize, FigureStyle.PaleInk, Width - LeftEdge);
        Curve[] curves = [.. CurvesOf(points, 0), .. CurvesOf(compared, 1)];
        DrawPanel(canvas, 0, "(A) Explanation loss", "Label changed (% of excerpts)", curves, point => point.ExplanationLossPercent);
        DrawPanel(canvas, 1, "(B) Relative area", "Shown to the detector (% of bins)", curves, point => point.RelativeAreaPercent);
        for (int i = 0; i < curves.Length; i++) DrawLegend(canvas, i, curves[i]);
    }

    private static IEnumerable<Curve> CurvesOf(IReadOnlyList<EvaluationPoint> points, int firstStyle) =>
        points.Select(point => point.Dataset).Distinct().SelectMany((dataset, i) => MaskingCase.Evaluated
            .Select((masking, number) => new Curve(
                $"{masking.Name}, {dataset}", CaseColours[number], DatasetStyles[Math.Min(firstStyle + i, DatasetStyles.Length - 1)],
                [.. points.Where(point => point.Dataset == dataset && point.Case == masking.Name)]))
            .Where(curve => curve.Points.Length > 0));

    private static void DrawPanel(
        SKCanvas canvas, int panel, string title, string label, Curve[] curves, Func<EvaluationPoint, double> valueOf)
    {
        const double Margin = 0.03;
        double from = curves.Min(curve => curve.Points.Min(point => point.Threshold)), to = curves.Max(curve => curve.Points.Max(point => point.Threshold));
        using Plot plot = FigureStyle.NewPlot();

        // The first curves lie on top. Of equal curves, such as the areas of M1 and M2_paper, the lower ones are wider and stay visible.
        for (int i = curves.Length - 1; i >= 0; i--)
        {
            Curve curve = curves[i];
            double[] values = [.. curve.Points.Select(valueOf)];
            int above = curves.Take(i).Count(other => other.Points.Select(valueOf).SequenceEqual(values));
            ScottPlot.Plottables.Scatter scatter = plot.Add.Scatter(curve.Points.Select(point => point.Threshold).ToArray(), values, curve.Colour);
            (scatter.LinePattern, scatter.MarkerShape) = curve.Style;
            (scatter.LineWidth, scatter.MarkerSize, scatter.MarkerLineWidth) = (LineWidth + 6 * above, MarkerSize + 8 * above, LineWidth);
        }

        plot.Axes.SetLimits(from - Margin, to + Margin, -100 * Margin, 100 + 100 * Margin);
        plot.Axes.Bottom.TickGenerator = FigureStyle.TicksEvery(0.1, from, to);
        plot.Axes.Left.TickGenerator = new ScottPlot.TickGenerators.NumericManual(
            [0, 20, 40, 60, 80, 100], ["0", "20", "40", "60", "80", "100"]);
        plot.Axes.Left.Label.Text = label;
        plot.Axes.Bottom.Label.Text = "Masking threshold";
        plot.Axes.Bottom.Label.IsVisible = plot.Axes.Bottom.TickLabelStyle.IsVisible = panel == 1;
        SKRectI area = SKRectI.Create(LeftEdge, TopEdge + panel * (PanelHeight + RowGap), PanelWidth, PanelHeight);
        FigureStyle.DrawPlot(canvas, plot, area);
        FigureStyle.DrawText(canvas, title, area.Left, area.Top - 14, FigureStyle.TitleSize, FigureStyle.Ink, PanelWidth);
    }

    private static void DrawLegend(SKCanvas canvas, int row, Curve curve)
    {
        const int Left = LeftEdge + PanelWidth + 35, LineLength = 70, RowHeight = 40, Gap = 14;
        int middle = TopEdge + RowHeight / 2 + row * RowHeight;
        using Paint paint = Paint.NewDisposablePaint();
        Drawing.DrawLine(
            canvas, paint, new PixelLine(Left, middle, Left + LineLength, middle),
            new LineStyle { Color = curve.Colour, Pattern = curve.Style.Line, Width = LineWidth });
        Drawing.DrawMarker(
            canvas, paint, new Pixel(Left + LineLength / 2, middle),
            new MarkerStyle(curve.Style.Marker, MarkerSize, curve.Colour) { LineColor = curve.Colour, LineWidth = LineWidth });
        FigureStyle.DrawText(
            canvas, curve.Name, Left + LineLength + Gap, middle + FigureStyle.TickSize / 3, FigureStyle.TickSize, FigureStyle.Ink,
            Width - Left - LineLength - 2 * Gap);
    }

    private sealed record Curve(string Name, Color Colour, (LinePattern Line, MarkerShape Marker) Style, EvaluationPoint[] Points);
}
