using Engine.Svd.FrontEnd;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>What a figure says about one excerpt, whichever method explains it.</summary>
/// <param name="Input">The normalised log-mel excerpt x, 115 × 80 (frame × mel band, lowest band first).</param>
/// <param name="StartSeconds">Where the excerpt's first frame starts in the song, in seconds.</param>
/// <param name="Heading">The line above the panels, for example <c>sample.wav, 6.20 s to 7.84 s</c>.</param>
/// <param name="Prediction">The line under it: what the detector says about the excerpt.</param>
public sealed record ExplainedExcerpt(float[] Input, double StartSeconds, string Heading, string Prediction);

/// <summary>One explanation of that excerpt. Both arrays are 115 × 80.</summary>
/// <param name="Importance">Its inverted representation x* = G(Φ(x)), or another importance of its bins.</param>
/// <param name="Title">What the panel with the importance is called, for example <c>Inverted</c>.</param>
/// <param name="Unit">What the importance is measured in, for its colour bar.</param>
/// <param name="Mask">1 where a bin is important enough, else 0.</param>
/// <param name="Verdict">The line above the panels: what the detector says about the explanation alone.</param>
public sealed record ExplanationPanels(float[] Importance, string Title, string Unit, float[] Mask, string Verdict);

/// <summary>
/// The figure of one explanation: (A) the input, in which an outline surrounds what the mask keeps, and (B) the importance of its bins, with the same
/// outline. Time goes to the right and frequency upwards. Or of two explanations of the same excerpt, one above the other.
/// </summary>
/// <remarks>
/// Each panel has a colour bar of its own, from its array's minimum to its maximum. The bar of (B) shows from which importance on a bin is kept. Frame f
/// covers the time from its own start to the next frame's.
/// </remarks>
public static class ExplanationFigure
{
    /// <summary>Width of the figure in pixels.</summary>
    public const int Width = LeftEdge + 2 * (PanelWidth + BarRoom) + ColumnGap;

    private const int Frames = FrontEndSettings.ExcerptFrames;
    private const int Bands = MelAxis.Bands;
    private const double SecondsPerFrame = 1.0 / FrontEndSettings.FramesPerSecond;

    // Pixels. A bin is a whole number of pixels, so all bins are equally large.
    private const int BinWidth = 6, BinHeight = 6;
    private const int PanelWidth = Frames * BinWidth, PanelHeight = Bands * BinHeight;
    private const int LeftEdge = 135, TopEdge = 215, BarGap = 36, BarThickness = 26, BarRoom = 185;
    private const int ColumnGap = 20, RowGap = 120, BottomMargin = 100;
    private const int TextWidth = Width - LeftEdge - 30;
    private const float OutlineWidth = 2, HaloWidth = 4;

    /// <summary>Height of a figure of so many explanations in pixels.</summary>
    public static int HeightOf(int explanations) => PanelTop(explanations - 1) + PanelHeight + BottomMargin;

    /// <summary>Draws one explanation or several of one excerpt and returns the figure as a PNG.</summary>
    /// <exception cref="ArgumentException">An array does not have 115 × 80 values, or there is no explanation.</exception>
    public static byte[] RenderPng(ExplainedExcerpt excerpt, params IReadOnlyList<ExplanationPanels> explanations)
    {
        ArgumentOutOfRangeException.ThrowIfZero(explanations.Count);
        RequireSize(excerpt.Input, nameof(excerpt.Input));
        foreach (ExplanationPanels panels in explanations)
        {
            RequireSize(panels.Importance, nameof(panels.Importance));
            RequireSize(panels.Mask, nameof(panels.Mask));
        }

        return FigureStyle.RenderPng(Width, HeightOf(explanations.Count), canvas =>
        {
            FigureStyle.DrawText(canvas, excerpt.Heading, LeftEdge, 50, FigureStyle.HeadingSize, FigureStyle.Ink, TextWidth);
            FigureStyle.DrawText(canvas, excerpt.Prediction, LeftEdge, 92, FigureStyle.LabelSize, FigureStyle.Ink, TextWidth);
            for (int row = 0; row < explanations.Count; row++) DrawRow(canvas, row, row == explanations.Count - 1, excerpt, explanations[row]);
        });
    }

    /// <summary>Draws an empty figure, once: what drawing needs is then loaded and compiled when the first figure is wanted.</summary>
    internal static void WarmUp()
    {
        float[] nothing = new float[Frames * Bands];
        RenderPng(new ExplainedExcerpt(nothing, 0, "0", "0"), new ExplanationPanels(nothing, "0", "0", [1, .. nothing[1..]], "0"));
    }

    /// <summary>The pixels that one bin of the panel in a column (0 input, 1 importance) and a row covers.</summary>
    internal static SKRectI BinRect(int column, int row, int frame, int band)
    {
        SKRectI panel = PanelRect(column, row);
        return SKRectI.Create(panel.Left + frame * BinWidth, panel.Bottom - (band + 1) * BinHeight, BinWidth, BinHeight);
    }

    private static int PanelTop(int row) => TopEdge + row * (PanelHeight + RowGap);

    private static SKRectI PanelRect(int column, int row) =>
        SKRectI.Create(LeftEdge + column * (PanelWidth + BarRoom + ColumnGap), PanelTop(row), PanelWidth, PanelHeight);

    private static void DrawRow(SKCanvas canvas, int row, bool isLast, ExplainedExcerpt excerpt, ExplanationPanels panels)
    {
        FigureStyle.DrawText(canvas, panels.Verdict, LeftEdge, PanelTop(row) - 60, FigureStyle.LabelSize, FigureStyle.PaleInk, TextWidth);
        float[] kept = [.. panels.Importance.Where((_, i) => panels.Mask[i] != 0)];
        float? threshold = kept.Length > 0 && kept.Length < panels.Mask.Length ? kept.Min() : null;
        (string Title, string Unit, float[] Values, float? Threshold)[] all =
        [
            ("(A) Input, and what the mask keeps of it", "Deviations from the band's mean", excerpt.Input, null),
            ($"(B) {panels.Title}", panels.Unit, panels.Importance, threshold),
        ];
        for (int column = 0; column < all.Length; column++)
        {
            (string title, string unit, float[] values, float? from) = all[column];
            SKRectI area = PanelRect(column, row);
            double min = values.Min(), max = values.Max();
            FigureStyle.DrawCells(canvas, area, Frames, Bands, (frame, band) => FigureStyle.ColourOf(values[frame * Bands + band], min, max));
            DrawOutline(canvas, area, panels.Mask);
            DrawAxes(canvas, area, column == 0, isLast, excerpt.StartSeconds);
            FigureStyle.DrawText(canvas, title, area.Left, area.Top - 14, FigureStyle.TitleSize, FigureStyle.Ink, PanelWidth);
            DrawBar(canvas, SKRectI.Create(area.Right + BarGap, area.Top, BarThickness, area.Height), min, max, unit, from);
        }
    }

    // Between bins of which one is kept and one is not: light, with a dark halo, so that it is seen on every colour.
    private static void DrawOutline(SKCanvas canvas, SKRectI area, float[] mask)
    {
        using SKPath outline = new();
        for (int frame = 0; frame < Frames; frame++)
        {
            for (int band = 0; band < Bands; band++)
            {
                bool isKept = mask[frame * Bands + band] != 0;
                int right = area.Left + (frame + 1) * BinWidth, top = area.Bottom - (band + 1) * BinHeight;
                if (frame + 1 < Frames && isKept != (mask[(frame + 1) * Bands + band] != 0)) AddLine(right, top, right, top + BinHeight);
                if (band + 1 < Bands && isKept != (mask[frame * Bands + band + 1] != 0)) AddLine(right - BinWidth, top, right, top);
            }
        }

        foreach ((Color colour, float width) in new[] { (FigureStyle.Ink, HaloWidth), (Colors.White, OutlineWidth) })
        {
            using SKPaint paint = new()
            {
                Color = colour.ToSKColor(), StrokeWidth = width, Style = SKPaintStyle.Stroke, StrokeCap = SKStrokeCap.Square, IsAntialias = true,
            };
            canvas.DrawPath(outline, paint);
        }

        void AddLine(int fromX, int fromY, int toX, int toY)
        {
            outline.MoveTo(fromX, fromY);
            outline.LineTo(toX, toY);
        }
    }

    private static void DrawAxes(SKCanvas canvas, SKRectI area, bool isFirstColumn, bool isLastRow, double startSeconds)
    {
        double endSeconds = startSeconds + Frames * SecondsPerFrame;
        using Plot plot = FigureStyle.NewPlot();
        plot.Axes.SetLimits(startSeconds, endSeconds, -0.5, Bands - 0.5);
        plot.Axes.Bottom.TickGenerator = FigureStyle.TicksEvery(0.2, startSeconds, endSeconds);
        plot.Axes.Left.TickGenerator = new NumericManual(
            [.. MelAxis.TicksHz.Select(MelAxis.PositionOf)], [.. MelAxis.TicksHz.Select(hz => hz.ToString())]);

        // The panels of a row share the labels on the left, the panels of a column those at the bottom.
        plot.Axes.Left.Label.Text = "Frequency (Hz)";
        plot.Axes.Left.Label.IsVisible = plot.Axes.Left.TickLabelStyle.IsVisible = isFirstColumn;
        plot.Axes.Bottom.Label.Text = "Time in the song (s)";
        plot.Axes.Bottom.Label.IsVisible = plot.Axes.Bottom.TickLabelStyle.IsVisible = isLastRow;
        FigureStyle.DrawPlot(canvas, plot, area);
    }

    // The colours of a panel's values, and beside them a line along those that are kept.
    private static void DrawBar(SKCanvas canvas, SKRectI bar, double min, double max, string unit, double? keptFrom)
    {
        FigureStyle.DrawCells(canvas, bar, 1, bar.Height, (_, y) => FigureStyle.ColourOf(y, 0, bar.Height - 1));
        (double from, double to) = max > min ? (min, max) : (min - 0.5, min + 0.5);
        using Plot plot = FigureStyle.NewPlot();
        plot.Axes.Right.Min = from;
        plot.Axes.Right.Max = to;
        plot.Axes.Right.TickGenerator = FigureStyle.TicksEvery(FigureStyle.RoundStep(to - from), from, to);
        plot.Axes.Right.Label.Text = unit;
        FigureStyle.DrawPlot(canvas, plot, bar);
        if (keptFrom is not { } least) return;
        float y = (float)(bar.Bottom - (least - from) / (to - from) * bar.Height), x = bar.Left - 7;
        using SKPaint paint = new() { Color = FigureStyle.Ink.ToSKColor(), StrokeWidth = 4 };
        canvas.DrawLine(x, y, x, bar.Top, paint);
        using (new SKAutoCanvasRestore(canvas))
        {
            canvas.RotateDegrees(-90, x, y);
            FigureStyle.DrawText(canvas, "kept", x, y - 6, FigureStyle.TickSize, FigureStyle.Ink, bar.Height);
        }
    }

    private static void RequireSize(float[] values, string name)
    {
        if (values.Length != Frames * Bands)
            throw new ArgumentException($"{name} has {values.Length} values, an excerpt has {Frames} × {Bands} = {Frames * Bands}", name);
    }
}
