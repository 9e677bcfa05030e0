using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>The figure of a training, made of its log: the losses by epoch, and below what else the validation songs say.</summary>
public static class TrainingFigure
{
    /// <summary>Width of the figure in pixels.</summary>
    public const int Width = LeftEdge + PanelWidth + LegendWidth;

    private const int LeftEdge = 165, TopEdge = 170, PanelWidth = 900, PanelHeight = 380, RowGap = 75, LegendWidth = 300;
    private const string Loss = "loss", ValidationLoss = "valid_loss", ValidationPrefix = "valid_";

    // Okabe and Ito's, which remain distinct to the colour-blind.
    private static readonly Color[] _colours =
    [
        Color.FromHex("#0072B2"), Color.FromHex("#D55E00"), Color.FromHex("#009E73"), Color.FromHex("#CC79A7"), Color.FromHex("#E69F00"),
        Color.FromHex("#56B4E9"),
    ];

    /// <summary>Draws the figure and returns it as a PNG, <see cref="Width"/> pixels wide.</summary>
    /// <param name="columns">The log's columns, epoch and loss among them.</param>
    /// <param name="rows">Its rows, at least one.</param>
    /// <param name="heading">The line above the panels.</param>
    /// <param name="subheading">The smaller line under it.</param>
    public static byte[] RenderPng(IReadOnlyList<string> columns, IReadOnlyList<double[]> rows, string heading, string subheading)
    {
        string[] losses = [.. columns.Where(name => name is Loss or ValidationLoss)];
        string[] others = [.. columns.Where(name => name.StartsWith(ValidationPrefix, StringComparison.Ordinal) && name != ValidationLoss)];
        int panels = others.Length > 0 ? 2 : 1;
        return FigureStyle.RenderPng(Width, TopEdge + panels * (PanelHeight + RowGap) + 30, canvas =>
        {
            FigureStyle.DrawText(canvas, heading, LeftEdge, 50, FigureStyle.HeadingSize, FigureStyle.Ink, Width - LeftEdge - 20);
            FigureStyle.DrawText(canvas, subheading, LeftEdge, 90, FigureStyle.LabelSize, FigureStyle.PaleInk, Width - LeftEdge - 20);
            DrawPanel(canvas, 0, panels == 1, "(A) Loss", losses, columns, rows);
            if (panels > 1) DrawPanel(canvas, 1, true, "(B) Validation songs", others, columns, rows);
        });
    }

    private static void DrawPanel(
        SKCanvas canvas, int panel, bool isLast, string title, string[] curves, IReadOnlyList<string> columns, IReadOnlyList<double[]> rows)
    {
        const double margin = 0.06;
        double[] epochs = [.. rows.Select(row => row[0])];
        double[][] values = [.. curves.Select(name => rows.Select(row => row[columns.ToList().IndexOf(name)]).ToArray())];
        (double low, double high) = (values.Min(curve => curve.Min()), values.Max(curve => curve.Max()));
        if (high <= low) (low, high) = (low - 0.5, high + 0.5);
        SKRectI area = SKRectI.Create(LeftEdge, TopEdge + panel * (PanelHeight + RowGap), PanelWidth, PanelHeight);
        using Plot plot = FigureStyle.NewPlot();
        using Paint paint = Paint.NewDisposablePaint();
        for (int i = 0; i < curves.Length; i++)
        {
            Color colour = _colours[i % _colours.Length];
            ScottPlot.Plottables.Scatter scatter = plot.Add.Scatter(epochs, values[i], colour);
            (scatter.LineWidth, scatter.MarkerSize, scatter.MarkerShape) = (3, 10, MarkerShape.FilledCircle);
            int middle = area.Top + 20 + 40 * i, left = area.Right + 30;
            Drawing.DrawMarker(canvas, paint, new Pixel(left, middle), new MarkerStyle(MarkerShape.FilledCircle, 11, colour));
            FigureStyle.DrawText(canvas, curves[i], left + 20, middle + FigureStyle.TickSize / 3, FigureStyle.TickSize, FigureStyle.Ink, LegendWidth - 70);
        }

        double slack = margin * (high - low);
        plot.Axes.SetLimits(0.5, epochs[^1] + 0.5, low - slack, high + slack);
        plot.Axes.Left.TickGenerator = FigureStyle.TicksEvery(FigureStyle.RoundStep(high - low), low - slack, high + slack);
        double step = Math.Max(1, FigureStyle.RoundStep(epochs[^1]));
        double[] ticks = [.. Enumerable.Range(1, (int)epochs[^1]).Where(epoch => epoch % step == 0).Select(epoch => (double)epoch)];
        plot.Axes.Bottom.TickGenerator = new NumericManual(ticks, [.. ticks.Select(epoch => $"{epoch:F0}")]);
        plot.Axes.Bottom.Label.Text = "Epoch";
        plot.Axes.Bottom.Label.IsVisible = plot.Axes.Bottom.TickLabelStyle.IsVisible = isLast;
        FigureStyle.DrawPlot(canvas, plot, area);
        FigureStyle.DrawText(canvas, title, area.Left, area.Top - 14, FigureStyle.TitleSize, FigureStyle.Ink, PanelWidth);
    }
}
