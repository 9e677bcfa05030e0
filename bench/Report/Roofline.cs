using Engine.Svd.Figures;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Engine.Bench.Report;

/// <summary>
/// The kernels that arithmetic bounds under this machine's roofline: GFLOP/s over FLOPs a byte that must move, both logarithmic; the roof is the lower of
/// the measured memory bandwidth and the measured peak.
/// </summary>
internal static class Roofline
{
    private const int Width = 1600, Height = 1000;
    private const int Left = 150, Top = 130, Right = 1180, Bottom = 880;

    private static readonly (string Kernel, string Colour, MarkerShape Shape)[] Series =
    [
        ("Conv2d", "#1F5FA8", MarkerShape.FilledCircle), ("Conv2dBackwardData", "#1F5FA8", MarkerShape.FilledTriangleUp),
        ("Conv2dBackwardFilter", "#1F5FA8", MarkerShape.FilledSquare), ("ConvMaxPool2d", "#0F8B8D", MarkerShape.FilledCircle),
        ("ConvMaxPool2dBackwardData", "#0F8B8D", MarkerShape.FilledTriangleUp), ("ConvMaxPool2dBackwardFilter", "#0F8B8D", MarkerShape.FilledSquare),
        ("ConvConvMaxPool2d", "#0F8B8D", MarkerShape.OpenCircle), ("ConvTranspose2d", "#C2571A", MarkerShape.FilledCircle),
        ("ConvTranspose2dBackwardData", "#C2571A", MarkerShape.FilledTriangleUp),
        ("ConvTranspose2dBackwardFilter", "#C2571A", MarkerShape.FilledSquare), ("Dense", "#2E7D4F", MarkerShape.FilledCircle),
        ("DenseBackwardData", "#2E7D4F", MarkerShape.FilledTriangleUp), ("DenseBackwardFilter", "#2E7D4F", MarkerShape.FilledSquare),
        ("RealFft", "#8A2E7D", MarkerShape.FilledDiamond),
    ];

    /// <summary>Draws the figure and returns it as a PNG.</summary>
    public static byte[] RenderPng(ReportData data)
    {
        Row[] rows = [.. data.Rows.Where(row => row.Intensity > 0)];
        double peak = data.Setting.PeakGflops, bandwidth = data.Setting.BandwidthGbs;
        double left = Math.Log10(0.1), right = Math.Log10(Math.Max(1000, rows.Select(row => row.Intensity).DefaultIfEmpty().Max()));
        double bottom = Math.Floor(Math.Log10(rows.Select(row => row.Rate).DefaultIfEmpty(1).Min()));
        double top = Math.Log10(2 * Math.Max(peak, rows.Select(row => row.Rate).DefaultIfEmpty().Max()));

        Plot plot = FigureStyle.NewPlot();
        double ridge = Math.Log10(peak / bandwidth), highest = Math.Log10(peak);
        ScottPlot.Plottables.Scatter roof = plot.Add.ScatterLine(
            new double[] { left, ridge, right }, new double[] { Math.Log10(bandwidth) + left, highest, highest }, FigureStyle.Ink);
        roof.LineWidth = 3;
        foreach ((string kernel, string colour, MarkerShape shape) in Series)
        {
            Row[] points = [.. rows.Where(row => row.Kernel == kernel)];
            if (points.Length == 0) continue;
            double[] x = [.. points.Select(row => Math.Log10(row.Intensity))], y = [.. points.Select(row => Math.Log10(row.Rate))];
            ScottPlot.Plottables.Scatter markers = plot.Add.ScatterPoints(x, y, Color.FromHex(colour).WithAlpha(0.75));
            (markers.MarkerShape, markers.MarkerSize) = (shape, 15);
        }

        plot.Axes.SetLimits(left, right, bottom, top);
        plot.Axes.Bottom.TickGenerator = Decades(left, right);
        plot.Axes.Left.TickGenerator = Decades(bottom, top);
        plot.XLabel("FLOPs of the plain definition a byte that must move");
        plot.YLabel("GFLOP/s");
        return FigureStyle.RenderPng(Width, Height, canvas =>
        {
            FigureStyle.DrawText(canvas, "Kernels under the roofline", Left, 55, FigureStyle.HeadingSize, FigureStyle.Ink, Width - 2 * Left);
            FigureStyle.DrawText(
                canvas, $"{data.Setting.Measured}: {peak:F0} GFLOP/s, {bandwidth:F1} GB/s. Points above the roof do fewer operations than the definition "
                    + "(Winograd), or find their arrays in a cache.",
                Left, 95, FigureStyle.LabelSize, FigureStyle.PaleInk, Width - 2 * Left);
            FigureStyle.DrawPlot(canvas, plot, new SKRectI(Left, Top, Right, Bottom));
            DrawLegend(canvas, rows);
        });
    }

    private static void DrawLegend(SKCanvas canvas, Row[] rows)
    {
        int y = Top + 20;
        foreach ((string kernel, string colour, MarkerShape shape) in Series.Where(series => rows.Any(row => row.Kernel == series.Kernel)))
        {
            using Paint marker = Paint.NewDisposablePaint();
            Drawing.DrawMarker(canvas, marker, new Pixel(Right + 40, y), new MarkerStyle(shape, 15, Color.FromHex(colour)));
            FigureStyle.DrawText(canvas, kernel, Right + 62, y + 8, FigureStyle.TickSize, FigureStyle.Ink, Width - Right - 80);
            y += 40;
        }
    }

    private static NumericManual Decades(double from, double to)
    {
        int first = (int)Math.Ceiling(from - 1e-9), count = (int)Math.Floor(to + 1e-9) - first + 1;
        double[] at = [.. Enumerable.Range(first, count).Select(exponent => (double)exponent)];
        return new NumericManual(at, [.. at.Select(exponent => Math.Pow(10, exponent).ToString("0.###"))]);
    }
}
