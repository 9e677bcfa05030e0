using Engine.Svd.Figures;
using ScottPlot;
using SkiaSharp;

namespace Engine.Svd.Tests;

public class FigureStyleTests
{
    [Fact]
    public void TheFontIsTheOneInTheAssembly()
    {
        Assert.Equal("Roboto", FigureStyle.Typeface.FamilyName);
        Assert.True(FigureStyle.Typeface.ContainsGlyphs("Frequency (Hz), P = 0.98, 38 % é ü α ≥ – ·"));
    }

    [Fact]
    public void PlotsUseNoOtherFont()
    {
        using Plot plot = FigureStyle.NewPlot();
        Assert.All(plot.Axes.GetAxes(), axis =>
        {
            Assert.Same(FigureStyle.Typeface, axis.Label.Font);
            Assert.Same(FigureStyle.Typeface, axis.TickLabelStyle.Font);
        });
    }

    [Fact]
    public void TheColourMapDoesNotContainTheColourOfNoValue()
    {
        const int Least = 40; // of 255 in some channel: told apart at a glance
        for (double value = 0; value <= 1; value += 1 / 255.0)
        {
            Color colour = FigureStyle.ColourMap.GetColor(value), none = FigureStyle.NoValue;
            int difference = Math.Max(Math.Abs(colour.R - none.R), Math.Max(Math.Abs(colour.G - none.G), Math.Abs(colour.B - none.B)));
            Assert.True(difference >= Least, $"value {value}: {colour} and {none}");
        }
    }

    [Theory]
    [InlineData(6.2, 7.842, new[] { "6.2", "6.4", "6.6", "6.8", "7.0", "7.2", "7.4", "7.6", "7.8" })]
    [InlineData(0, 1, new[] { "0.0", "0.2", "0.4", "0.6", "0.8", "1.0" })]
    [InlineData(-0.3, 0.3, new[] { "-0.2", "0.0", "0.2" })]
    public void TicksAreTheMultiplesFromEndToEnd(double from, double to, string[] expected)
    {
        ITickGenerator ticks = FigureStyle.TicksEvery(0.2, from, to);
        using Paint paint = Paint.NewDisposablePaint();
        ticks.Regenerate(new CoordinateRange(from, to), Edge.Bottom, 100, paint, new LabelStyle());
        Assert.Equal(expected, ticks.Ticks.Select(tick => tick.Label));
    }

    [Fact]
    public void TextThatIsTooWideIsWrittenSmaller()
    {
        using SKBitmap bitmap = new(400, 60);
        using SKCanvas canvas = new(bitmap);
        canvas.Clear(SKColors.White);
        FigureStyle.DrawText(canvas, new string('W', 100), 10, 40, FigureStyle.HeadingSize, FigureStyle.Ink, 300);

        SKColor[] pixels = bitmap.Pixels;
        int right = Enumerable.Range(0, pixels.Length).Where(i => pixels[i] != SKColors.White).Max(i => i % bitmap.Width);
        Assert.InRange(right, 300, 315);
    }
}
