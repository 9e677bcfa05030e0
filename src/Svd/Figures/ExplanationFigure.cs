using Engine.Svd.FrontEnd;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>
/// The content of the figure of one explanation. The arrays are 115 × 80 (frame × mel band, lowest band first); the excerpt starts
/// <paramref name="StartSeconds"/> into the song.
/// </summary>
/// <param name="Input">The normalised log-mel excerpt x.</param>
/// <param name="Importance">Its inverted representation x* = G(Φ(x)), or another importance of its bins.</param>
/// <param name="ImportanceTitle">The title of its panel, for example <c>Inverted</c>.</param>
/// <param name="Mask">1 if a bin is important enough, else 0.</param>
/// <param name="Explanation">The explanation, mask ⊙ x.</param>
/// <param name="StartSeconds">Where the excerpt's first frame starts in the song, in seconds.</param>
/// <param name="Heading">The line above the panels, for example <c>sample.wav, 6.20 s: singing (P = 0.98)</c>.</param>
/// <param name="Subheading">The smaller line under it.</param>
public sealed record ExplanationPanels(
    float[] Input, float[] Importance, string ImportanceTitle, float[] Mask, float[] Explanation, double StartSeconds, string Heading, string Subheading);

/// <summary>
/// The figure of one explanation after Fig. 3 of the paper: (A) the input, (B) its inverted representation, (C) the mask, (D) the
/// explanation, each in [0, 1], with time to the right and frequency upwards. Two explanations of one excerpt can be drawn side by side.
/// </summary>
/// <remarks>
/// A and B are scaled by their own minimum and maximum. C is already 0 and 1. D takes the scale of A, so that a kept bin has the same colour in both, and
/// paints a dropped bin grey: the zero that replaces it stands for the band's mean, a value like any other, and the paper's darkest colour would look like a
/// quiet bin. Frame f covers the time from its own start to the next frame's.
/// </remarks>
public static class ExplanationFigure
{
    /// <summary>Width of the figure in pixels.</summary>
    public const int Width = RightEdge + 175;

    /// <summary>Height of the figure in pixels.</summary>
    public const int Height = TopEdge + 2 * (PanelHeight + RowGap) + BottomMargin;

    /// <summary>Height of a figure of two explanations in pixels.</summary>
    public const int PairHeight = TopEdge + 4 * (PanelHeight + RowGap) + BottomMargin;

    private const int Frames = FrontEndSettings.ExcerptFrames;
    private const int Bands = MelAxis.Bands;
    private const double SecondsPerFrame = 1.0 / FrontEndSettings.FramesPerSecond;

    // In pixels. A bin is a whole number of pixels, so all bins have the same size.
    private const int BinWidth = 6, BinHeight = 6;
    private const int PanelWidth = Frames * BinWidth, PanelHeight = Bands * BinHeight;
    private const int LeftEdge = 135, TopEdge = 170;
    private const int ColumnGap = 50, RowGap = 70, BottomMargin = 100 - RowGap;
    private const int TextWidth = 2 * PanelWidth + ColumnGap;
    private const int RightEdge = LeftEdge + TextWidth;

    /// <summary>Draws the figure and returns it as a PNG of <see cref="Width"/> × <see cref="Height"/> pixels.</summary>
    /// <exception cref="ArgumentException">An array does not have 115 × 80 values.</exception>
    public static byte[] RenderPng(ExplanationPanels panels)
    {
        RequireSizes(panels);
        return FigureStyle.RenderPng(Width, Height, canvas =>
        {
            FigureStyle.DrawText(canvas, panels.Heading, LeftEdge, 50, FigureStyle.HeadingSize, FigureStyle.Ink, TextWidth);
            FigureStyle.DrawText(canvas, panels.Subheading, LeftEdge, 90, FigureStyle.LabelSize, FigureStyle.PaleInk, TextWidth);
            DrawPanels(canvas, panels, panel => (panel % 2, panel / 2), lastRow: 1);
            DrawColourBar(canvas, rows: 2);
        });
    }

    /// <summary>
    /// Draws two explanations of one excerpt, one column each, under the heading of the first and the subheadings of both, and returns the figure as a PNG
    /// of <see cref="Width"/> × <see cref="PairHeight"/> pixels.
    /// </summary>
    /// <exception cref="ArgumentException">An array does not have 115 × 80 values.</exception>
    public static byte[] RenderPng(ExplanationPanels left, ExplanationPanels right)
    {
        RequireSizes(left);
        RequireSizes(right);
        return FigureStyle.RenderPng(Width, PairHeight, canvas =>
        {
            FigureStyle.DrawText(canvas, left.Heading, LeftEdge, 50, FigureStyle.HeadingSize, FigureStyle.Ink, TextWidth);
            foreach ((ExplanationPanels panels, int column) in new[] { (left, 0), (right, 1) })
            {
                FigureStyle.DrawText(canvas, panels.Subheading, PanelLeft(column), 90, FigureStyle.LabelSize, FigureStyle.PaleInk, PanelWidth);
                DrawPanels(canvas, panels, panel => (column, panel), lastRow: 3);
            }

            DrawColourBar(canvas, rows: 4);
        });
    }

    /// <summary>The pixels that one bin of a panel (0 to 3 for A to D) covers.</summary>
    internal static SKRectI BinRect(int panel, int frame, int band) => BinRect(panel % 2, panel / 2, frame, band);

    /// <summary>The pixels that one bin of the panel in a column and a row covers.</summary>
    internal static SKRectI BinRect(int column, int row, int frame, int band) => SKRectI.Create(
        PanelLeft(column) + frame * BinWidth, PanelTop(row) + (Bands - 1 - band) * BinHeight, BinWidth, BinHeight);

    private static int PanelLeft(int column) => LeftEdge + column * (PanelWidth + ColumnGap);

    private static int PanelTop(int row) => TopEdge + row * (PanelHeight + RowGap);

    // Draws the panels A to D.
    private static void DrawPanels(SKCanvas canvas, ExplanationPanels panels, Func<int, (int Column, int Row)> placeOf, int lastRow)
    {
        Func<float, Color> ofInput = ColoursOf(panels.Input), ofImportance = ColoursOf(panels.Importance);
        (string Title, Func<int, Color> ColourAt)[] all =
        [
            ("(A) Input", i => ofInput(panels.Input[i])),
            ($"(B) {panels.ImportanceTitle}", i => ofImportance(panels.Importance[i])),
            ("(C) Mask", i => FigureStyle.ColourMap.GetColor(panels.Mask[i])),
            ("(D) Explanation", i => panels.Mask[i] == 0 ? FigureStyle.NoValue : ofInput(panels.Explanation[i])),
        ];
        for (int panel = 0; panel < all.Length; panel++)
        {
            (int column, int row) = placeOf(panel);
            DrawPanel(canvas, column, row, row == lastRow, all[panel].Title, panels.StartSeconds, all[panel].ColourAt);
        }
    }

    /// <summary>Draws one panel; <paramref name="colourAt"/> gives the colour of each element of the 115 × 80 array.</summary>
    private static void DrawPanel(
        SKCanvas canvas, int column, int row, bool isLast, string title, double startSeconds, Func<int, Color> colourAt)
    {
        for (int frame = 0; frame < Frames; frame++)
        {
            for (int band = 0; band < Bands; band++)
                FigureStyle.Fill(canvas, BinRect(column, row, frame, band), colourAt(frame * Bands + band));
        }

        double endSeconds = startSeconds + Frames * SecondsPerFrame;
        using Plot plot = FigureStyle.NewPlot();
        plot.Axes.SetLimits(startSeconds, endSeconds, -0.5, Bands - 0.5);
        plot.Axes.Bottom.TickGenerator = FigureStyle.TicksEvery(0.2, startSeconds, endSeconds);
        plot.Axes.Left.TickGenerator = new NumericManual(
            [.. MelAxis.TicksHz.Select(MelAxis.PositionOf)], [.. MelAxis.TicksHz.Select(hz => hz.ToString())]);

        // The panels of a row share the labels on the left, and the panels of a column share those at the bottom.
        plot.Axes.Left.Label.Text = "Frequency (Hz)";
        plot.Axes.Left.Label.IsVisible = plot.Axes.Left.TickLabelStyle.IsVisible = column == 0;
        plot.Axes.Bottom.Label.Text = "Time in the song (s)";
        plot.Axes.Bottom.Label.IsVisible = plot.Axes.Bottom.TickLabelStyle.IsVisible = isLast;

        SKRectI area = SKRectI.Create(PanelLeft(column), PanelTop(row), PanelWidth, PanelHeight);
        FigureStyle.DrawPlot(canvas, plot, area);
        FigureStyle.DrawText(canvas, title, area.Left, area.Top - 14, FigureStyle.TitleSize, FigureStyle.Ink, PanelWidth);
    }

    /// <summary>Draws the colour bar at the right of the panels, and under it the colour of a dropped bin.</summary>
    private static void DrawColourBar(SKCanvas canvas, int rows)
    {
        const int Left = RightEdge + 35, Thickness = 30, DroppedHeight = 30, Gap = 30;
        int bottom = PanelTop(rows) - RowGap;
        SKRectI bar = new(Left, TopEdge, Left + Thickness, bottom - DroppedHeight - Gap);
        for (int y = bar.Top; y < bar.Bottom; y++)
        {
            double value = (bar.Bottom - 1 - y) / (bar.Height - 1.0);
            FigureStyle.Fill(canvas, SKRectI.Create(bar.Left, y, bar.Width, 1), FigureStyle.ColourMap.GetColor(value));
        }

        using Plot plot = FigureStyle.NewPlot();
        plot.Axes.Right.Min = 0;
        plot.Axes.Right.Max = 1;
        plot.Axes.Right.TickGenerator = FigureStyle.TicksEvery(0.2, 0, 1);
        plot.Axes.Right.Label.Text = "Value, scaled to [0, 1]";
        FigureStyle.DrawPlot(canvas, plot, bar);

        SKRectI dropped = new(bar.Left, bottom - DroppedHeight, bar.Right, bottom);
        FigureStyle.Fill(canvas, dropped, FigureStyle.NoValue);
        using Plot frame = FigureStyle.NewPlot();
        FigureStyle.DrawPlot(canvas, frame, dropped);
        FigureStyle.DrawText(
            canvas, "dropped", dropped.Right + 10, dropped.Bottom - 8, FigureStyle.TickSize, FigureStyle.Ink, Width - dropped.Right);
    }

    /// <summary>The colours of values between the array's minimum and maximum; a constant array has the colour of 0.</summary>
    private static Func<float, Color> ColoursOf(float[] values)
    {
        double min = values.Min(), range = values.Max() - min;
        return value => FigureStyle.ColourMap.GetColor(range > 0 ? (value - min) / range : 0);
    }

    private static void RequireSizes(ExplanationPanels panels)
    {
        ArgumentNullException.ThrowIfNull(panels);
        RequireSize(panels.Input, nameof(panels.Input));
        RequireSize(panels.Importance, nameof(panels.Importance));
        RequireSize(panels.Mask, nameof(panels.Mask));
        RequireSize(panels.Explanation, nameof(panels.Explanation));
    }

    private static void RequireSize(float[] values, string name)
    {
        if (values.Length != Frames * Bands)
            throw new ArgumentException($"{name} has {values.Length} values, an excerpt has {Frames} × {Bands} = {Frames * Bands}", name);
    }
}
