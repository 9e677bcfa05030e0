using Engine.Kernels;
using ScottPlot;
using ScottPlot.AxisPanels;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Engine.Svd.Figures;

/// <summary>
/// What all figures share: the font, the sizes (in pixels), the colours, and the way from a canvas to a PNG. The font is a resource of this assembly, so a
/// figure's text is the same on every machine, even without fonts.
/// </summary>
public static class FigureStyle
{
    /// <summary>Height of a figure's heading.</summary>
    public const float HeadingSize = 34;

    /// <summary>Height of the title of one panel.</summary>
    public const float TitleSize = 28;

    /// <summary>Height of axis labels and of the line under the heading.</summary>
    public const float LabelSize = 24;

    /// <summary>Height of the numbers at the ticks.</summary>
    public const float TickSize = 22;

    /// <summary>The colour of lines and of the most important text.</summary>
    public static readonly Color Ink = Color.FromHex("#1B1B1F");

    /// <summary>The colour of secondary text.</summary>
    public static readonly Color PaleInk = Color.FromHex("#5A5A62");

    /// <summary>The colour of bins without a value: a grey, which the colour map does not contain.</summary>
    public static readonly Color NoValue = Color.FromHex("#C9CCD1");

    /// <summary>The colour map of values in [0, 1]: dark to bright, perceptually uniform.</summary>
    public static readonly IColormap ColourMap = new ScottPlot.Colormaps.Magma();

    /// <summary>The font of all text: Roboto Regular, from this assembly.</summary>
    public static readonly SKTypeface Typeface = LoadTypeface();

    // A typeface rather than a name in ScottPlot's list of fonts, because an installed font of the same name would take precedence.
    static FigureStyle() => Fonts.DefaultFontStyle = Typeface;

    /// <summary>An empty plot in the shared style: a frame without ticks, no grid, nothing painted behind it.</summary>
    public static Plot NewPlot()
    {
        Plot plot = new();
        plot.HideGrid();
        plot.FigureBackground.Color = plot.DataBackground.Color = Colors.Transparent;
        plot.RenderManager.ClearCanvasBeforeEachRender = false;
        plot.Axes.Color(Ink);
        plot.Axes.FrameWidth(2);
        foreach (AxisBase axis in plot.Axes.GetAxes().Cast<AxisBase>())
        {
            axis.TickGenerator = new EmptyTickGenerator();
            axis.TickLabelStyle.FontSize = TickSize;
            axis.MajorTickStyle.Length = 8;
            axis.MajorTickStyle.Width = 2;
            axis.LabelStyle.FontSize = LabelSize;
            // ScottPlot leaves room for the tick labels but not for the ticks.
            axis.PaddingBetweenTickAndAxisLabels = new PixelPadding(14, 8);
        }

        return plot;
    }

    /// <summary>Ticks at the multiples of an interval between two ends, labelled with one decimal.</summary>
    public static ITickGenerator TicksEvery(double interval, double from, double to)
    {
        // The slack and the clamp keep a tick that rounding would put just outside an end.
        const double Slack = 1e-6;
        int first = (int)Math.Ceiling(from / interval - Slack), last = (int)Math.Floor(to / interval + Slack);
        double[] at = [.. Enumerable.Range(first, last - first + 1).Select(i => Math.Clamp(i * interval, from, to))];
        return new NumericManual(at, [.. at.Select(value => value.ToString("0.0"))]);
    }

    /// <summary>Draws a plot so that its frame is the edge of <paramref name="area"/>, in pixels; what is inside stays visible.</summary>
    public static void DrawPlot(SKCanvas canvas, Plot plot, SKRectI area)
    {
        // A plot makes ticks only on axes that hold data; ours may frame what is already on the canvas.
        using Paint paint = Paint.NewDisposablePaint();
        foreach (IAxis axis in plot.Axes.GetAxes()) axis.RegenerateTicks(axis.IsVertical() ? area.Height : area.Width, paint);
        plot.Layout.Fixed(new PixelRect(area.Left, area.Right, area.Bottom, area.Top));
        plot.Render(canvas, canvas.DeviceClipBounds.Width, canvas.DeviceClipBounds.Height);
    }

    /// <summary>Fills pixels with one colour.</summary>
    public static void Fill(SKCanvas canvas, SKRectI area, Color colour)
    {
        using SKPaint paint = new() { Color = colour.ToSKColor() };
        canvas.DrawRect(area, paint);
    }

    /// <summary>
    /// Writes one line of text with its baseline at (<paramref name="x"/>, <paramref name="y"/>). Text wider than
    /// <paramref name="maxWidth"/> pixels is written smaller, so that nothing is cut off. Control characters, which no font has and which make an SVG
    /// invalid, are escaped.
    /// </summary>
    public static void DrawText(SKCanvas canvas, string text, float x, float y, float size, Color colour, float maxWidth)
    {
        text = MessageText.Line(text);
        using SKFont font = new(Typeface, size) { Subpixel = true, Edging = SKFontEdging.Antialias, Hinting = SKFontHinting.None };
        using SKPaint paint = new() { Color = colour.ToSKColor(), IsAntialias = true };
        font.Size *= Math.Min(1, maxWidth / font.MeasureText(text));
        canvas.DrawText(text, x, y, SKTextAlign.Left, font, paint);
    }

    /// <summary>Draws on a white canvas of <paramref name="width"/> × <paramref name="height"/> pixels and returns it as a PNG.</summary>
    public static byte[] RenderPng(int width, int height, Action<SKCanvas> draw)
    {
        using SKSurface surface = SKSurface.Create(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul));
        surface.Canvas.Clear(SKColors.White);
        draw(surface.Canvas);
        using SKImage image = surface.Snapshot();
        using SKData png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    /// <summary>Draws on a white canvas of <paramref name="width"/> × <paramref name="height"/> pixels and returns it as an SVG.</summary>
    /// <remarks>The text refers to Roboto; a viewer without that font shows it in another.</remarks>
    public static byte[] RenderSvg(int width, int height, Action<SKCanvas> draw)
    {
        using MemoryStream svg = new();
        using (SKCanvas canvas = SKSvgCanvas.Create(new SKRect(0, 0, width, height), svg))
        {
            canvas.Clear(SKColors.White);
            draw(canvas);
        }

        return svg.ToArray();
    }

    private static SKTypeface LoadTypeface()
    {
        using Stream font = typeof(FigureStyle).Assembly.GetManifestResourceStream("Roboto-Regular.ttf")!;
        return SKTypeface.FromStream(font);
    }
}
