using Engine.Svd.Figures;
using ScottPlot;
using SkiaSharp;

namespace Engine.Svd.Tests;

public class ExplanationFigureTests
{
    private const int Frames = 115, Bands = 80;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void ThePngHasThePromisedSize(int explanations)
    {
        byte[] png = ExplanationFigure.RenderPng(Excerpt(), [.. Enumerable.Repeat(Noise(), explanations)]);
        using SKBitmap bitmap = SKBitmap.Decode(png);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], png[..4]);
        Assert.Equal((ExplanationFigure.Width, ExplanationFigure.HeightOf(explanations)), (bitmap.Width, bitmap.Height));
    }

    [Fact]
    public void TheSamePanelsGiveTheSameBytes() =>
        Assert.Equal(ExplanationFigure.RenderPng(Excerpt(), Noise()), ExplanationFigure.RenderPng(Excerpt(), Noise()));

    [Fact]
    public void TimeRunsRightAndFrequencyUp()
    {
        float[] input = new float[Frames * Bands];
        input[0] = 1; // frame 0, band 0
        using SKBitmap figure = Draw(Excerpt() with { Input = input }, Noise());

        SKRectI first = ExplanationFigure.BinRect(0, 0, 0, 0), last = ExplanationFigure.BinRect(0, 0, Frames - 1, Bands - 1);
        Assert.True(first.Left < last.Left && first.Top > last.Top);
        Assert.True(last.Right < ExplanationFigure.BinRect(1, 0, 0, 0).Left && first.Bottom < ExplanationFigure.BinRect(0, 1, 0, Bands - 1).Top);
        AssertColour(Mapped(1), figure, first);
        AssertColour(Mapped(0), figure, last);
        AssertColour(Mapped(0), figure, ExplanationFigure.BinRect(0, 0, 0, Bands - 1));
        AssertColour(Mapped(0), figure, ExplanationFigure.BinRect(0, 0, 1, 0));
    }

    [Fact]
    public void EveryBinOfEveryPanelHasItsColour()
    {
        ExplainedExcerpt excerpt = Excerpt();
        ExplanationPanels[] explanations = [Noise(), Noise(seed: 3)];
        Color[] input = Mapped(excerpt.Input);
        using SKBitmap figure = Draw(excerpt, explanations);
        for (int row = 0; row < explanations.Length; row++)
        {
            Color[] importance = Mapped(explanations[row].Importance);
            for (int frame = 0; frame < Frames; frame++)
            {
                for (int band = 0; band < Bands; band++)
                {
                    AssertColour(input[frame * Bands + band], figure, ExplanationFigure.BinRect(0, row, frame, band));
                    AssertColour(importance[frame * Bands + band], figure, ExplanationFigure.BinRect(1, row, frame, band));
                }
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void TheOutlineSurroundsWhatIsKept(int column)
    {
        // Two frames by three bands are kept.
        float[] mask = new float[Frames * Bands], flat = new float[Frames * Bands];
        for (int frame = 50; frame < 52; frame++) Array.Fill(mask, 1, frame * Bands + 40, 3);
        using SKBitmap figure = Draw(Excerpt() with { Input = flat }, Noise() with { Importance = flat, Mask = mask });
        SKRectI kept = ExplanationFigure.BinRect(column, 0, 50, 40);
        kept.Union(ExplanationFigure.BinRect(column, 0, 51, 42));
        foreach ((int x, int y) in new[] { (kept.Left, kept.MidY), (kept.Right, kept.MidY), (kept.MidX, kept.Top), (kept.MidX, kept.Bottom) })
        {
            Assert.Equal(SKColors.White, figure.GetPixel(x, y));
        }

        SKRectI between = ExplanationFigure.BinRect(column, 0, 51, 41), outside = ExplanationFigure.BinRect(column, 0, 70, 41);
        Assert.Equal(Mapped(0).ToSKColor(), figure.GetPixel(between.Left, between.MidY));
        Assert.Equal(Mapped(0).ToSKColor(), figure.GetPixel(outside.Left, outside.MidY));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void WhereAllOrNothingIsKeptThereIsNoOutline(float value)
    {
        float[] mask = new float[Frames * Bands];
        Array.Fill(mask, value);
        ExplainedExcerpt excerpt = Excerpt();
        using SKBitmap figure = Draw(excerpt, Noise() with { Mask = mask });
        SKRectI bin = ExplanationFigure.BinRect(0, 0, 50, 40);
        Assert.Equal(Mapped(excerpt.Input)[50 * Bands + 40].ToSKColor(), figure.GetPixel(bin.Left, bin.Top));
    }

    [Fact]
    public void AConstantInputHasTheColourOfZero()
    {
        float[] silence = new float[Frames * Bands];
        Array.Fill(silence, -3f);
        using SKBitmap figure = Draw(Excerpt() with { Input = silence }, Noise());
        AssertColour(Mapped(0), figure, ExplanationFigure.BinRect(0, 0, 50, 40));
    }

    [Fact]
    public void NothingTouchesTheEdgeOfTheFigure()
    {
        string wide = new('W', 200);
        using SKBitmap figure = Draw(
            Excerpt() with { StartSeconds = 3599.9, Heading = wide, Prediction = wide }, 
            Noise() with { Verdict = wide, Title = wide, Unit = "Deviations from the mean" });
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
        ExplainedExcerpt excerpt = Excerpt();
        Assert.All(
            ((ExplainedExcerpt, ExplanationPanels)[])
            [
                (excerpt with { Input = other }, Noise()), (excerpt, Noise() with { Importance = other }), (excerpt, Noise() with { Mask = other }),
            ],
            wrong => Assert.Contains("6400", Assert.Throws<ArgumentException>(() => ExplanationFigure.RenderPng(wrong.Item1, wrong.Item2)).Message));
    }

    private static ExplainedExcerpt Excerpt() => new(Normal(new Random(1)), 6.2, "noise", "Prediction: noise");

    private static ExplanationPanels Noise(int seed = 2)
    {
        float[] importance = Normal(new Random(seed));
        return new(importance, "Inverted", "Nothing", [.. importance.Select(value => value > 0 ? 1f : 0f)], "kept where the other noise is positive");
    }

    private static float[] Normal(Random random) => [.. Enumerable.Range(0, Frames * Bands).Select(_ => random.NextSingle() * 4 - 2)];

    private static Color[] Mapped(float[] values)
    {
        double min = values.Min(), max = values.Max();
        return [.. values.Select(value => Mapped((value - min) / (max - min)))];
    }

    private static Color Mapped(double value) => FigureStyle.ColourMap.GetColor(value);

    private static SKBitmap Draw(ExplainedExcerpt excerpt, params ExplanationPanels[] explanations) =>
        SKBitmap.Decode(ExplanationFigure.RenderPng(excerpt, explanations));

    private static void AssertColour(Color expected, SKBitmap figure, SKRectI bin) =>
        Assert.Equal(expected.ToSKColor(), figure.GetPixel(bin.MidX, bin.MidY));
}
