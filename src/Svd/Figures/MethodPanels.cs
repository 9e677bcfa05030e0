using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>One measure of a comparison of methods.</summary>
/// <param name="Title">The text above the panel.</param>
/// <param name="Label">The text below the panel, with the unit.</param>
/// <param name="ValueOf">Gives the measure of a row.</param>
internal sealed record MethodPanel<TRow>(string Title, string Label, Func<TRow, Estimate> ValueOf)
    where TRow : class, IMethodRow
{
    /// <summary>Where the axis has numbers; it ends at the first and the last. Default: from 0 to 100.</summary>
    public (double Position, string Label)[] Ticks { get; init; } = [.. Enumerable.Range(0, 6).Select(i => (20.0 * i, $"{20 * i}"))];

    /// <summary>Whether the measure depends on the size. If not, a method has one point, in a neutral colour.</summary>
    public bool DependsOnSize { get; init; } = true;

    /// <summary>The value of chance at a size, drawn as a dashed line; null if it is not known.</summary>
    public Func<MaskSize, double?> Chance { get; init; } = _ => null;
}

/// <summary>
/// Comparisons of explanation methods as a figure, with one line per method and one panel per measure, side by side. Each size of the masks has a colour.
/// Bars are 95 % intervals.
/// </summary>
internal static class MethodPanels
{
    /// <summary>Pixels left of the first panel.</summary>
    public const int LeftEdge = 285;

    /// <summary>Pixels from one panel to the next.</summary>
    public const int ColumnWidth = PanelWidth + ColumnGap;

    private const int TopEdge = 225, PanelWidth = 380, ColumnGap = 45, BottomMargin = 100;

    // The points of one method lie under each other, one per size.
    private const int RowGap = 26, PointHeight = 20;
    private const float LineWidth = 3, MarkerSize = 11;

    private static readonly Color _stripe = Color.FromHex("#F3F4F6");

    // Areas are ordered, so their colours are: the larger, the darker.
    private static readonly ScottPlot.Colormaps.Viridis _colours = new();

    /// <summary>Height of a figure of these rows in pixels.</summary>
    public static int HeightOf(IReadOnlyList<IMethodRow> rows) => TopEdge + PanelHeight(rows) + BottomMargin;

    /// <summary>Draws the figure. Its width is <see cref="LeftEdge"/> plus <see cref="ColumnWidth"/> for each panel.</summary>
    public static void Draw<TRow>(SKCanvas canvas, IReadOnlyList<TRow> rows, string heading, string subheading, IReadOnlyList<MethodPanel<TRow>> panels)
        where TRow : class, IMethodRow
    {
        int textWidth = panels.Count * ColumnWidth - ColumnGap;
        FigureStyle.DrawText(canvas, heading, LeftEdge, 50, FigureStyle.HeadingSize, FigureStyle.Ink, textWidth);
        FigureStyle.DrawText(canvas, subheading, LeftEdge, 90, FigureStyle.LabelSize, FigureStyle.PaleInk, textWidth);
        DrawLegend(canvas, rows);
        for (int i = 0; i < panels.Count; i++) DrawPanel(canvas, rows, i, panels[i]);
    }

    private static MaskSize[] SizesOf(IReadOnlyList<IMethodRow> rows) => [.. rows.Select(row => row.Size).Distinct()];

    // The inversion mask's own area where there is one: a borrowed mask brings its own.
    private static IMethodRow RowOf(IReadOnlyList<IMethodRow> rows, MaskSize size) =>
        rows.Where(row => row.Size == size).MinBy(row => row.Method == "inversion" ? 0 : 1)!;

    private static Dictionary<MaskSize, Color> ColoursOf(IReadOnlyList<IMethodRow> rows)
    {
        const double Brightest = 0.8; // What is brighter is hard to see on white.
        MaskSize[] sizes = [.. SizesOf(rows).OrderByDescending(size => RowOf(rows, size).Area)];
        return sizes.Index().ToDictionary(size => size.Item, size => _colours.GetColor(Brightest * size.Index / Math.Max(1, sizes.Length - 1)));
    }

    private static string[] MethodsOf(IReadOnlyList<IMethodRow> rows) => [.. rows.Select(row => row.Method).Distinct()];

    private static int RowHeight(IReadOnlyList<IMethodRow> rows) => SizesOf(rows).Length * PointHeight + RowGap;

    private static int PanelHeight(IReadOnlyList<IMethodRow> rows) => MethodsOf(rows).Length * RowHeight(rows);

    private static void DrawPanel<TRow>(SKCanvas canvas, IReadOnlyList<TRow> rows, int index, MethodPanel<TRow> panel)
        where TRow : class, IMethodRow
    {
        const double Margin = 0.03;
        (double Position, string Label)[] ticks = panel.Ticks;
        string[] methods = MethodsOf(rows);
        MaskSize[] sizes = SizesOf(rows);
        Dictionary<MaskSize, Color> colourOf = ColoursOf(rows);
        int rowHeight = RowHeight(rows), height = PanelHeight(rows);
        double from = ticks[0].Position, to = ticks[^1].Position, margin = Margin * (to - from);
        SKRectI area = SKRectI.Create(LeftEdge + index * ColumnWidth, TopEdge, PanelWidth, height);
        for (int i = 1; i < methods.Length; i += 2)
        {
            FigureStyle.Fill(canvas, SKRectI.Create(area.Left, area.Top + i * rowHeight, area.Width, rowHeight), _stripe);
        }

        // The vertical axis counts pixels from the top, so a method's points lie one below the other.
        using Plot plot = FigureStyle.NewPlot();
        plot.Axes.SetLimits(from - margin, to + margin, height, 0);
        plot.Axes.Bottom.TickGenerator = new NumericManual([.. ticks.Select(tick => tick.Position)], [.. ticks.Select(tick => tick.Label)]);
        plot.Axes.Bottom.Label.Text = panel.Label;
        plot.Axes.Left.TickGenerator = new NumericManual([.. methods.Select((_, i) => (i + 0.5) * rowHeight)], methods);
        plot.Axes.Left.TickLabelStyle.IsVisible = index == 0;
        foreach (IGrouping<double?, MaskSize> chance in sizes.GroupBy(panel.Chance).Where(chance => chance.Key is not null))
        {
            Color colour = chance.Count() == 1 && sizes.Length > 1 ? colourOf[chance.First()] : FigureStyle.PaleInk;
            plot.Add.Line(chance.Key!.Value, 0, chance.Key.Value, height).LineStyle = new LineStyle { Color = colour, Width = 2, Pattern = LinePattern.Dashed };
        }

        foreach (TRow row in rows.Where(row => panel.DependsOnSize || row.Size == sizes[0]))
        {
            int size = Array.IndexOf(sizes, row.Size);
            double place = panel.DependsOnSize ? size + 0.5 : sizes.Length / 2.0;
            double y = Array.IndexOf(methods, row.Method) * rowHeight + RowGap / 2.0 + place * PointHeight;
            Estimate value = panel.ValueOf(row);
            Color colour = panel.DependsOnSize ? colourOf[row.Size] : FigureStyle.Ink;
            plot.Add.Line(value.Low, y, value.High, y).LineStyle = new LineStyle { Color = colour, Width = LineWidth };
            plot.Add.Marker(value.Mean, y, MarkerShape.FilledCircle, MarkerSize, colour);
        }

        FigureStyle.DrawPlot(canvas, plot, area);
        FigureStyle.DrawText(canvas, panel.Title, area.Left, area.Top - 14, FigureStyle.TitleSize, FigureStyle.Ink, PanelWidth);
    }

    private static void DrawLegend(SKCanvas canvas, IReadOnlyList<IMethodRow> rows)
    {
        const int Middle = 135, Step = 330, Gap = 14;
        MaskSize[] sizes = SizesOf(rows);
        Dictionary<MaskSize, Color> colourOf = ColoursOf(rows);
        using Paint paint = Paint.NewDisposablePaint();
        for (int i = 0; i < sizes.Length; i++)
        {
            IMethodRow row = RowOf(rows, sizes[i]);
            int left = LeftEdge + i * Step;
            Color colour = colourOf[sizes[i]];
            Drawing.DrawMarker(canvas, paint, new Pixel(left + MarkerSize, Middle), new MarkerStyle(MarkerShape.FilledCircle, MarkerSize, colour));
            FigureStyle.DrawText(
                canvas, sizes[i].Rule != MaskRule.Share ? $"{sizes[i]}, {row.Area:F1} % of the bins" : $"{row.Area:F1} % of the bins", left + MarkerSize + Gap,
                Middle + FigureStyle.TickSize / 3, FigureStyle.TickSize, FigureStyle.Ink, Step - 2 * Gap);
        }
    }
}
