using Engine.Svd.Figures;
using ScottPlot;
using SkiaSharp;

namespace Engine.Svd.Tests;

public class ExplanationFigureTests
{
    private const int Frames = 115, Bands = 80;

    [Fact]
    public void ThePngHasThePromisedSize()
    {
        byte[] png = ExplanationFigure.RenderPng(Noise());
        using SKBitmap bitmap = SKBitmap.Decode(png);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], png[..4]);
        Assert.Equal((ExplanationFigure.Width, ExplanationFigure.Height), (bitmap.Width, bitmap.Height));
    }

    [Fact]
    public void TheSamePanelsGiveTheSameBytes() =>
        Assert.Equal(ExplanationFigure.RenderPng(Noise()), ExplanationFigure.RenderPng(Noise()));

    [Fact]
    public void TimeRunsRightAndFrequencyUp()
    {
        float[] input = new float[Frames * Bands];
        input[0] = 1; // frame 0, band 0
        using SKBitmap figure = Draw(Noise() with { Input = input });

        SKRectI first = ExplanationFigure.BinRect(0, 0, 0), last = ExplanationFigure.BinRect(0, Frames - 1, Bands - 1);
        Assert.True(first.Left < last.Left && first.Top > last.Top);
        Assert.True(last.Right < ExplanationFigure.BinRect(1, 0, 0).Left && first.Bottom < ExplanationFigure.BinRect(2, 0, Bands - 1).Top);
        AssertColour(Mapped(1), figure, first);
        AssertColour(Mapped(0), figure, last);
        AssertColour(Mapped(0), figure, ExplanationFigure.BinRect(0, 0, Bands - 1));
        AssertColour(Mapped(0), figure, ExplanationFigure.BinRect(0, 1, 0));
    }

    [Fact]
    public void EveryBinOfEveryPanelHasItsColour()
    {
        ExplanationPanels panels = Noise();
        Color[] input = Mapped(panels.Input), inverted = Mapped(panels.Importance);
        using SKBitmap figure = Draw(panels);
        for (int frame = 0; frame < Frames; frame++)
        {
            for (int band = 0; band < Bands; band++)
            {
                int i = frame * Bands + band;
                AssertColour(input[i], figure, ExplanationFigure.BinRect(0, frame, band));
                AssertColour(inverted[i], figure, ExplanationFigure.BinRect(1, frame, band));
                AssertColour(Mapped(panels.Mask[i]), figure, ExplanationFigure.BinRect(2, frame, band));
                AssertColour(panels.Mask[i] == 0 ? FigureStyle.NoValue : input[i], figure, ExplanationFigure.BinRect(3, frame, band));
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void AConstantMaskIsDrawnAsWhatItIs(float kept)
    {
        float[] mask = new float[Frames * Bands];
        Array.Fill(mask, kept);
        ExplanationPanels panels = Noise();
        using SKBitmap figure = Draw(panels with { Mask = mask, Explanation = kept == 0 ? mask : panels.Input });
        AssertColour(Mapped(kept), figure, ExplanationFigure.BinRect(2, 50, 40));
        AssertColour(kept == 0 ? FigureStyle.NoValue : Mapped(panels.Input)[50 * Bands + 40], figure, ExplanationFigure.BinRect(3, 50, 40));
    }

    [Fact]
    public void AConstantInputHasTheColourOfZero()
    {
        float[] silence = new float[Frames * Bands];
        Array.Fill(silence, -3f);
        using SKBitmap figure = Draw(Noise() with { Input = silence });
        AssertColour(Mapped(0), figure, ExplanationFigure.BinRect(0, 50, 40));
    }

    [Fact]
    public void NothingTouchesTheEdgeOfTheFigure()
    {
        string wide = new('W', 200);
        using SKBitmap figure = Draw(Noise() with { StartSeconds = 3599.9, Heading = wide, Subheading = wide });
        const int Margin = 10;
        SKRectI inside = SKRectI.Inflate(figure.Info.Rect, -Margin, -Margin);
        SKColor[] pixels = figure.Pixels;
        int touching = Enumerable.Range(0, pixels.Length)
            .Count(i => pixels[i] != SKColors.White && !inside.Contains(i % figure.Width, i / figure.Width));
        Assert.Equal(0, touching);
    }

    [Fact]
    public void AnArrayOfAnotherSizeIsRefused()
    {
        float[] other = new float[Bands * Bands];
        ExplanationPanels right = Noise();
        Assert.All(
            [
                right with { Input = other }, right with { Importance = other },
                right with { Mask = other }, right with { Explanation = other },
            ],
            wrong => Assert.Contains("6400", Assert.Throws<ArgumentException>(() => ExplanationFigure.RenderPng(wrong)).Message));
    }

    private static ExplanationPanels Noise()
    {
        Random random = new(1);
        float[] input = Normal(), inverted = Normal();
        float[] mask = [.. inverted.Select(value => value > 0 ? 1f : 0f)];
        return new(input, inverted, "Inverted", mask, [.. input.Zip(mask, (x, m) => m * x)], 6.2, "noise", "kept where the other noise is positive");

        float[] Normal() => [.. Enumerable.Range(0, Frames * Bands).Select(_ => random.NextSingle() * 4 - 2)];
    }

    private static Color[] Mapped(float[] values)
    {
        double min = values.Min(), max = values.Max();
        return [.. values.Select(value => Mapped((value - min) / (max - min)))];
    }

    private static Color Mapped(double value) => FigureStyle.ColourMap.GetColor(value);

    private static SKBitmap Draw(ExplanationPanels panels) => SKBitmap.Decode(ExplanationFigure.RenderPng(panels));

    private static void AssertColour(Color expected, SKBitmap figure, SKRectI bin) =>
        Assert.Equal(expected.ToSKColor(), figure.GetPixel(bin.MidX, bin.MidY));
}
