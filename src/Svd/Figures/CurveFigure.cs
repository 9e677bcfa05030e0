using Engine.Svd.Evaluate;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>The axes of a <see cref="CurveFigure"/>.</summary>
/// <param name="Horizontal">What the points are.</param>
/// <param name="Vertical">What the values are.</param>
/// <param name="Points">The points' names.</param>
/// <param name="From">The lowest value on the axis; null for the lowest of the curves.</param>
/// <param name="To">The highest value on the axis; null for the highest of the curves.</param>
/// <param name="Label">Every how manieth point has its name at the axis.</param>
public sealed record CurveAxes(string Horizontal, string Vertical, IReadOnlyList<string> Points, double? From, double? To, int Label = 1);

/// <summary>The curves of explanation methods: a small panel for each method, all with the same axes. Bands are 95 % intervals.</summary>
public static class CurveFigure
{
    private const int Columns = 4, LeftEdge = 130, TopEdge = 210, PanelWidth = 360, PanelHeight = 230, ColumnGap = 50, RowGap = 75, BottomMargin = 110;

    // Okabe and Ito's, which remain distinct to the colour-blind.
    private static readonly Color[] _colours = [Color.FromHex("#0072B2"), Color.FromHex("#D55E00"), Color.FromHex("#009E73")];

    /// <summary>Width and height of a figure of so many methods in pixels.</summary>
    public static (int Width, int Height) SizeOf(int methods)
    {
        int columns = Math.Min(Columns, methods), rows = (methods + Columns - 1) / Columns;
        return (Math.Max(900, LeftEdge + columns * (PanelWidth + ColumnGap)), TopEdge + rows * (PanelHeight + RowGap) - RowGap + BottomMargin);
    }

    /// <summary>Draws the figure and returns it as a PNG.</summary>
    /// <param name="rows">At least one, all with the same curves.</param>
    /// <param name="axes">The axes of all panels.</param>
    /// <param name="heading">The line above the panels.</param>
    /// <param name="subheading">The smaller line under it.</param>
    public static byte[] RenderPng(IReadOnlyList<CurveRow> rows, CurveAxes axes, string heading, string subheading)
    {
        (int width, int height) = SizeOf(rows.Count);
        return FigureStyle.RenderPng(width, height, canvas => Draw(canvas, rows, axes, heading, subheading, width));
    }

    /// <summary>Draws the same figure as an SVG.</summary>
    public static byte[] RenderSvg(IReadOnlyList<CurveRow> rows, CurveAxes axes, string heading, string subheading)
    {
        (int width, int height) = SizeOf(rows.Count);
        return FigureStyle.RenderSvg(width, height, canvas => Draw(canvas, rows, axes, heading, subheading, width));
    }

    private static void Draw(SKCanvas canvas, IReadOnlyList<CurveRow> rows, CurveAxes axes, string heading, string subheading, int width)
    {
        FigureStyle.DrawText(canvas, heading, LeftEdge, 50, FigureStyle.HeadingSize, FigureStyle.Ink, width - LeftEdge - 20);
        FigureStyle.DrawText(canvas, subheading, LeftEdge, 90, FigureStyle.LabelSize, FigureStyle.PaleInk, width - LeftEdge - 20);
        DrawLegend(canvas, rows[0].Curves);
        Estimate[] all = [.. rows.SelectMany(row => row.Curves).SelectMany(curve => curve.Values)];
        double from = axes.From ?? all.Min(value => value.Low), to = axes.To ?? all.Max(value => value.High);
        if (to <= from) to = from + 1;
        for (int i = 0; i < rows.Count; i++) DrawPanel(canvas, rows, i, axes, from, to);
    }

    private static void DrawLegend(SKCanvas canvas, IReadOnlyList<NamedCurve> curves)
    {
        const int middle = 135, step = 330, gap = 14;
        const float markerSize = 11;
        using Paint paint = Paint.NewDisposablePaint();
        for (int i = 0; i < curves.Count; i++)
        {
            int left = LeftEdge + i * step;
            Drawing.DrawMarker(canvas, paint, new Pixel(left + markerSize, middle), new MarkerStyle(MarkerShape.FilledCircle, markerSize, _colours[i]));
            FigureStyle.DrawText(
                canvas, curves[i].Name, left + markerSize + gap, middle + FigureStyle.TickSize / 3, FigureStyle.TickSize, FigureStyle.Ink, step - 2 * gap);
        }
    }

    private static void DrawPanel(SKCanvas canvas, IReadOnlyList<CurveRow> rows, int index, CurveAxes axes, double from, double to)
    {
        const double margin = 0.04;
        (int row, int column) = (index / Columns, index % Columns);
        SKRectI area = SKRectI.Create(
            LeftEdge + column * (PanelWidth + ColumnGap), TopEdge + row * (PanelHeight + RowGap), PanelWidth, PanelHeight);
        int last = axes.Points.Count - 1;
        double[] x = [.. Enumerable.Range(0, last + 1).Select(point => (double)point)];
        using Plot plot = FigureStyle.NewPlot();
        plot.Axes.SetLimits(-margin * Math.Max(1, last), last + margin * Math.Max(1, last), from - margin * (to - from), to + margin * (to - from));
        foreach ((int i, NamedCurve curve) in rows[index].Curves.Index())
        {
            ScottPlot.Plottables.FillY band = plot.Add.FillY(
                x, [.. curve.Values.Select(value => value.Low)], [.. curve.Values.Select(value => value.High)]);
            (band.FillColor, band.LineWidth) = (_colours[i].WithAlpha(0.2), 0);
            ScottPlot.Plottables.Scatter line = plot.Add.Scatter(x, curve.Values.Select(value => value.Mean).ToArray(), _colours[i]);
            (line.LineWidth, line.MarkerSize) = (3, last > 30 ? 0 : 7);
        }

        bool isLowest = index + Columns >= rows.Count;
        plot.Axes.Left.TickGenerator = FigureStyle.TicksEvery(FigureStyle.RoundStep(to - from), from, to);
        int[] labelled = [.. Enumerable.Range(0, last + 1).Where(point => point % axes.Label == 0)];
        plot.Axes.Bottom.TickGenerator = new NumericManual(
            [.. labelled.Select(point => (double)point)], [.. labelled.Select(point => axes.Points[point])]);
        plot.Axes.Left.Label.Text = axes.Vertical;
        plot.Axes.Left.Label.IsVisible = plot.Axes.Left.TickLabelStyle.IsVisible = column == 0;
        plot.Axes.Bottom.Label.Text = axes.Horizontal;
        plot.Axes.Bottom.Label.IsVisible = plot.Axes.Bottom.TickLabelStyle.IsVisible = isLowest;
        FigureStyle.DrawPlot(canvas, plot, area);
        FigureStyle.DrawText(canvas, rows[index].Method, area.Left, area.Top - 12, FigureStyle.LabelSize, FigureStyle.Ink, PanelWidth);
    }
}
