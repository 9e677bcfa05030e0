using System.Text;
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

    // The last figure's pixels, for the next one of its size: the operating system takes a while to hand out so much memory.
    private static SKSurface? _spare;

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

    /// <summary>Ticks at the multiples of an interval between two ends, labelled with one decimal, or more where the interval is finer.</summary>
    public static ITickGenerator TicksEvery(double interval, double from, double to)
    {
        // The slack and the clamp keep a tick that rounding would put just outside an end.
        const double Slack = 1e-6;
        int first = (int)Math.Ceiling(from / interval - Slack), last = (int)Math.Floor(to / interval + Slack);
        double[] at = [.. Enumerable.Range(first, last - first + 1).Select(i => Math.Clamp(i * interval, from, to))];
        string format = "0.0" + new string('#', Math.Max(0, (int)Math.Ceiling(-Math.Log10(interval)) - 1));
        return new NumericManual(at, [.. at.Select(value => value.ToString(format))]);
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

    /// <summary>Fills an area with equally large cells, which have sharp edges: columns to the right, rows upwards.</summary>
    public static void DrawCells(SKCanvas canvas, SKRectI area, int columns, int rows, Func<int, int, Color> colourAt)
    {
        using SKBitmap cells = new(columns, rows, SKColorType.Rgba8888, SKAlphaType.Opaque);

        // SetPixel would make a canvas for each pixel, and draw a point on it.
        Span<byte> pixels = cells.GetPixelSpan();
        for (int row = rows - 1; row >= 0; row--)
        {
            for (int column = 0; column < columns; column++)
            {
                Color colour = colourAt(column, row);
                (pixels[0], pixels[1], pixels[2], pixels[3]) = (colour.R, colour.G, colour.B, byte.MaxValue);
                pixels = pixels[4..];
            }
        }

        using SKImage image = SKImage.FromBitmap(cells);
        canvas.DrawImage(image, area, new SKSamplingOptions(SKFilterMode.Nearest));
    }

    /// <summary>The colour of a value between two ends; where they are equal, the colour of the lower one.</summary>
    public static Color ColourOf(double value, double min, double max) => ColourMap.GetColor(max > min ? (value - min) / (max - min) : 0);

    /// <summary>The round distance (1, 2 or 5 times a power of ten) that puts about five ticks on an axis.</summary>
    public static double RoundStep(double range)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(range / 5)));
        return (range / power) switch { <= 7 => power, <= 14 => 2 * power, <= 35 => 5 * power, _ => 10 * power };
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
        SKImageInfo size = new(width, height, SKColorType.Rgba8888, SKAlphaType.Premul);
        SKSurface? surface = Interlocked.Exchange(ref _spare, null);
        if (surface?.Canvas.DeviceClipBounds.Size != size.Size)
        {
            surface?.Dispose();
            surface = SKSurface.Create(size);
        }

        SKCanvas canvas = surface.Canvas;
        int state = canvas.Save();
        canvas.Clear(SKColors.White);
        draw(canvas);
        canvas.RestoreToCount(state);
        using SKPixmap pixels = surface.PeekPixels()!;

        // Areas of one colour are smallest, and quickest to write, without the format's filters.
        using SKData png = pixels.Encode(new SKPngEncoderOptions(SKPngEncoderFilterFlags.None, zLibLevel: 4))!;
        Interlocked.Exchange(ref _spare, surface)?.Dispose();
        return png.ToArray();
    }

    /// <summary>Draws on a white canvas of <paramref name="width"/> × <paramref name="height"/> pixels and returns it as an SVG.</summary>
    /// <remarks>It scales, and it contains the font of its text.</remarks>
    public static byte[] RenderSvg(int width, int height, Action<SKCanvas> draw)
    {
        using MemoryStream svg = new();
        using (SKCanvas canvas = SKSvgCanvas.Create(new SKRect(0, 0, width, height), svg))
        {
            canvas.Clear(SKColors.White);
            draw(canvas);
        }

        return Encoding.UTF8.GetBytes(Complete(Encoding.UTF8.GetString(svg.GetBuffer(), 0, (int)svg.Length), width, height));
    }

    // Skia writes neither what makes an SVG scale nor the font.
    private static string Complete(string svg, int width, int height)
    {
        int end = svg.IndexOf('>', svg.IndexOf("<svg", StringComparison.Ordinal));
        string font = Convert.ToBase64String(FontFile());
        return $"{svg[..end]} viewBox=\"0 0 {width} {height}\">\n<style>@font-face {{ font-family: Roboto; src: url(data:font/ttf;base64,{font}) }}</style>"
            + svg[(end + 1)..].Replace("font-family=\"Roboto\"", "font-family=\"Roboto, Helvetica, Arial, sans-serif\"", StringComparison.Ordinal);
    }

    private static SKTypeface LoadTypeface()
    {
        using SKData font = SKData.CreateCopy(FontFile());
        return SKTypeface.FromData(font)!;
    }

    private static byte[] FontFile()
    {
        using Stream resource = typeof(FigureStyle).Assembly.GetManifestResourceStream("Roboto-Regular.ttf")!;
        using MemoryStream font = new();
        resource.CopyTo(font);
        return font.ToArray();
    }
}
