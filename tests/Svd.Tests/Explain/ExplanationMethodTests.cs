using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Evaluate;
using Engine.Svd.Explain.Methods;
using Engine.Svd.FrontEnd;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

/// <summary>Every method against a detector whose answers are known.</summary>
public class ExplanationMethodTests
{
    // Float32 sums over a few dozen copies or steps.
    private const double RoundingTolerance = 1e-5;

    // The logit is a float32 sum of thousands of terms; differences of two lose digits.
    private const double LogitTolerance = 1e-4;

    private static readonly float[] _slope = Numbers(1, 2 * ExcerptLength)[ExcerptLength..];

    [Fact]
    public void TheGradientIsAbsolute() =>
        AssertNear(Array.ConvertAll(_slope, Math.Abs), Explain(new AbsoluteGradient(new ToyDetector(_slope)), Batch(2)), RoundingTolerance);

    [Fact]
    public void GradientTimesInputCountsTowardsThePrediction()
    {
        // Of two excerpts the first is singing and the second is not.
        ExplanationBatch batch = Batch(2);
        float[] importance = Explain(new GradientTimesInput(new ToyDetector(_slope)), batch);
        for (int i = 0; i < ExcerptLength; i++)
        {
            Assert.Equal(_slope[i] * batch[0][i], importance[i]);
            Assert.Equal(-_slope[i] * batch[1][i], importance[ExcerptLength + i]);
        }
    }

    [Theory]
    [InlineData(RectifierRule.Guided, "guided-backprop")]
    [InlineData(RectifierRule.Deconvolution, "deconvnet")]
    public void TheRulesOfRectifiersStartFromThePrediction(RectifierRule rule, string name)
    {
        // With a curvature, the value before the sign is dropped would tell another factor than ±1.
        ToyDetector detector = new(_slope, curvature: 0.5f);
        RectifiedGradient method = new(detector, rule);
        ExplanationBatch batch = Batch(2);
        float[] importance = Explain(method, batch);
        Assert.Equal((name, rule), (method.Name, detector.LastRule));
        for (int i = 0; i < importance.Length; i++) Assert.Equal(Math.Abs(_slope[i % ExcerptLength] + 0.5f * batch.Excerpts[i]), importance[i]);
    }

    [Fact]
    public void TheInversionsErrorAndProductWithTheInput()
    {
        ExplanationBatch batch = Batch(2);
        float[] inverted = Numbers(9, batch.Excerpts.Length);
        float[] error = Explain(new InversionError(new Named("inversion", inverted)), batch);
        float[] product = Explain(new InversionTimesInput(new Named("inversion", inverted)), batch);
        for (int i = 0; i < inverted.Length; i++)
        {
            Assert.Equal(-Math.Pow(batch.Excerpts[i] - inverted[i], 2), error[i], RoundingTolerance);
            Assert.Equal(batch.Excerpts[i] * inverted[i], product[i], RoundingTolerance);
        }
    }

    [Fact]
    public void SmoothGradOfALinearDetectorIsItsGradient() =>
        AssertNear(Array.ConvertAll(_slope, Math.Abs), Explain(new SmoothGrad(new ToyDetector(_slope), 1), Batch(1)), RoundingTolerance);

    [Fact]
    public void SmoothGradAveragesOverNoiseOfTheStatedSize()
    {
        // The derivative is the noisy x itself, so the mean over 32 copies strays by deviation/√32 from x. Values around 100 keep their sign.
        float[] excerpt = Array.ConvertAll(Numbers(2, ExcerptLength), value => 100 + value);
        double deviation = 0.15 * (excerpt.Max() - excerpt.Min());
        float[] importance = Explain(new SmoothGrad(new ToyDetector(new float[ExcerptLength], curvature: 1), 1), new ExplanationBatch(0, excerpt, [true]));
        double variance = importance.Zip(excerpt, (mean, x) => Math.Pow(mean - x, 2)).Average();
        Assert.InRange(Math.Sqrt(variance), 0.95 * deviation / Math.Sqrt(32), 1.05 * deviation / Math.Sqrt(32));
    }

    [Fact]
    public void IntegratedGradientsAreComplete()
    {
        // Of a parabola the midpoint rule is exact: each bin gets slope·x + curvature·x²/2.
        ToyDetector detector = new(_slope, curvature: 0.5f, offset: 3);
        ExplanationBatch batch = Batch(2);
        float[] importance = Explain(new IntegratedGradients(detector), batch), logits = new float[2], ofNothing = new float[1];
        detector.Logits(batch.Excerpts, logits);
        detector.Logits(new float[ExcerptLength], ofNothing);
        for (int n = 0; n < 2; n++)
        {
            double sum = importance.Skip(n * ExcerptLength).Take(ExcerptLength).Sum(value => (double)value);
            Assert.Equal(batch.Towards(n) * (logits[n] - ofNothing[0]), sum, LogitTolerance * Math.Abs(logits[n]));
            for (int i = 0; i < ExcerptLength; i++)
            {
                float x = batch[n][i];
                Assert.Equal(batch.Towards(n) * (_slope[i] * x + 0.25f * x * x), importance[n * ExcerptLength + i], RoundingTolerance * 10);
            }
        }
    }

    [Fact]
    public void OcclusionFindsTheBinThatDecides()
    {
        const int frame = 61, band = 37;
        float[] slope = new float[ExcerptLength];
        slope[frame * Bands + band] = 2;
        ExplanationBatch batch = Batch(2);
        float[] importance = Explain(new Occlusion(new ToyDetector(slope)), batch);
        for (int n = 0; n < 2; n++)
        {
            float share = batch.Towards(n) * 2 * batch[n][frame * Bands + band];
            ReadOnlySpan<float> one = importance.AsSpan(n * ExcerptLength, ExcerptLength);
            Assert.Equal(share, one[frame * Bands + band], LogitTolerance);
            Assert.Equal(0, one[0]);
            foreach (float value in one) Assert.InRange(value / share, -LogitTolerance, 1 + LogitTolerance);

            // Beyond a patch's size no patch covers both.
            Assert.Equal(0, one[(frame - 24) * Bands + band]);
            Assert.Equal(0, one[frame * Bands + band + 16]);
        }
    }

    [Fact]
    public void SoundLimeRecoversALinearModel()
    {
        // Over segments a linear detector is a linear model whose coefficients are the segments' shares of slope·x. Almost no ridge penalty pulls them in.
        ExplanationBatch batch = Batch(2);
        float[] importance = Explain(new SoundLime(new ToyDetector(_slope, offset: -2), 1, ridge: 1e-6), batch);
        for (int n = 0; n < 2; n++)
        {
            double[] share = new double[24];
            for (int i = 0; i < ExcerptLength; i++) share[SoundLime.SegmentOf(i / Bands, i % Bands)] += _slope[i] * batch[n][i];
            for (int i = 0; i < ExcerptLength; i++)
            {
                double expected = batch.Towards(n) * share[SoundLime.SegmentOf(i / Bands, i % Bands)];
                Assert.Equal(expected, importance[n * ExcerptLength + i], LogitTolerance * share.Max(Math.Abs));
            }
        }
    }

    [Fact]
    public void SoundLimesSegmentsAreThePublishedOnes()
    {
        Assert.Equal([0, 1, 2, 3], Enumerable.Range(0, 4).Select(i => SoundLime.SegmentOf(18, i * 20)));
        Assert.Equal([4, 7, 20, 23, 23], new[] { (19, 0), (37, 79), (95, 0), (95, 60), (114, 79) }.Select(bin => SoundLime.SegmentOf(bin.Item1, bin.Item2)));
    }

    [Fact]
    public void RidgeRegressionOfOneCoefficientIsKnown()
    {
        // Two samples x = 0, y = 1 and x = 1, y = 5 of weight 1 each: centred x is ∓½, y ∓2, so c = (½·2 + ½·2) / (½ + ridge).
        Assert.Equal(4, RidgeRegression.Fit([false, true], [1, 1], [1, 5], 0)[0], 12);
        Assert.Equal(2, RidgeRegression.Fit([false, true], [1, 1], [1, 5], 0.5)[0], 12);

        // A weight of 2 is the sample twice.
        Assert.Equal(
            RidgeRegression.Fit([false, true, true, true, false, false], [1, 1, 1], [1, 5, 2], 0.5),
            RidgeRegression.Fit([false, true, true, true, false, false, false, false], [1, 1, 0.5, 0.5], [1, 5, 2, 2], 0.5));
    }

    [Fact]
    public void TheLoudestBinsAreTheLargest()
    {
        ExplanationBatch batch = Batch(1);
        Assert.Equal(batch.Excerpts, Explain(new LoudestBins(), batch));
        double[] mean = [.. Enumerable.Range(0, Bands).Select(band => band - 40.0)], std = [.. Enumerable.Range(0, Bands).Select(band => 1 + band / 10.0)];
        float[] raw = Explain(new LoudestRawBins(new BandStatistics(mean, std)), batch);
        Assert.Equal(batch[0][3 * Bands + 7] * 1.7 - 33, raw[3 * Bands + 7], RoundingTolerance);
    }

    [Fact]
    public void RandomBinsAreARandomOrder()
    {
        float[] importance = Explain(new RandomBins(1), Batch(2));
        foreach (float[] one in importance.Chunk(ExcerptLength))
        {
            Assert.Equal(Enumerable.Range(0, ExcerptLength).Select(i => (float)i), one.Order());

            // The kept fifth falls evenly on both halves: 920 of a half within six deviations of a hypergeometric count.
            float[] mask = new float[ExcerptLength];
            MaskOf(one, ExcerptLength / 5, mask);
            Assert.InRange(mask.Take(ExcerptLength / 2).Sum(), 920 - 6 * 19, 920 + 6 * 19);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(37)]
    [InlineData(1840)]
    [InlineData(ExcerptLength)]
    public void ABlobIsOnePieceAtEverySize(int bins)
    {
        float[] importance = Explain(new RandomBlob(1), Batch(3)), mask = new float[ExcerptLength];
        HashSet<int> firsts = [];
        foreach (float[] one in importance.Chunk(ExcerptLength))
        {
            MaskOf(one, bins, mask);
            Assert.Equal(bins, mask.Sum());
            Assert.Equal(new Contiguity(1, 1), Contiguity.Of(mask));
            firsts.Add(Array.IndexOf(one, one.Max()));
        }

        Assert.Equal(3, firsts.Count);
    }

    [Fact]
    public void AnotherExcerptsMaskIsNeverItsOwn()
    {
        const int count = 40;
        float[][] inverted = [.. Enumerable.Range(0, count).Select(n => Numbers((ulong)n, ExcerptLength))];
        OtherInversion method = new(inverted, 1);
        int[] others = [.. Enumerable.Range(0, count).Select(method.SizedAs)];
        Assert.All(others, (other, excerpt) => Assert.NotEqual(excerpt, other));
        Assert.Equal(count, others.Distinct().Count());
        Assert.NotEqual(others, Enumerable.Range(0, count).Select(new OtherInversion(inverted, 2).SizedAs));
        ExplanationBatch batch = Batch(2) with { First = 5 };
        Assert.Equal([.. inverted[others[5]], .. inverted[others[6]]], Explain(method, batch));
    }

    [Fact]
    public void TheAverageInversionIsTheSameForAll()
    {
        float[][] inverted = [Numbers(1, ExcerptLength), Numbers(2, ExcerptLength)];
        float[] importance = Explain(new AverageInversion(inverted), Batch(2));
        Assert.Equal(importance[..ExcerptLength], importance[ExcerptLength..]);
        Assert.Equal((inverted[0][77] + inverted[1][77]) / 2, importance[77], RoundingTolerance);
    }

    [Fact]
    public void WhatIsRandomGoesByTheExcerptsNumberAndTheSeed()
    {
        ToyDetector detector = new(_slope, curvature: 0.5f);
        Func<ulong, IExplanationMethod>[] makers =
            [seed => new RandomBins(seed), seed => new RandomBlob(seed), seed => new SmoothGrad(detector, seed), seed => new SoundLime(detector, seed)];
        foreach (Func<ulong, IExplanationMethod> make in makers)
        {
            ExplanationBatch both = Batch(2), second = new(1, both[1].ToArray(), [both.IsSinging[1]]);
            float[] ofBoth = Explain(make(7), both);
            Assert.Equal(ofBoth[ExcerptLength..], Explain(make(7), second));
            Assert.NotEqual(ofBoth[ExcerptLength..], Explain(make(8), second));
            Assert.NotEqual(ofBoth[ExcerptLength..], Explain(make(7), second with { First = 2 }));
        }
    }

    [Fact]
    public void TiesAreKeptFromTheFirstBinOn()
    {
        float[] importance = new float[ExcerptLength], mask = new float[ExcerptLength];
        importance[0] = -1;
        importance[2] = -0f;
        importance[9000] = 1e-30f;
        importance[9001] = float.MaxValue;
        MaskOf(importance, 4, mask);
        Assert.Equal([1, 2, 9000, 9001], Enumerable.Range(0, ExcerptLength).Where(i => mask[i] == 1));
        MaskOf(importance, ExcerptLength - 1, mask);
        Assert.Equal([0], Enumerable.Range(0, ExcerptLength).Where(i => mask[i] == 0));
        MaskOf(importance, 0, mask);
        Assert.Equal(0, mask.Sum());
    }

    [Fact]
    public void ANameIsKnownOrTheKnownOnesAreListed()
    {
        Assert.Equal(["inversion", "random"], ExplanationMethods.Parse("random, inversion,random"));
        Assert.Equal(ExplanationMethods.Names, ExplanationMethods.Parse("all"));
        Failure.Says(() => ExplanationMethods.Parse("random,loud"), ["loud is not a method", .. ExplanationMethods.Names]);
        MethodIngredients ingredients = new(
            new ToyDetector(_slope), new Named("inversion"), new Named("optimise"), new Named("mask"), [new float[ExcerptLength]],
            new BandStatistics(new double[Bands], new double[Bands]), 1);
        Assert.All(ExplanationMethods.Names, name => Assert.Equal(name, ExplanationMethods.Create(name, ingredients).Name));
    }

    internal static void MaskOf(ReadOnlySpan<float> importance, int bins, Span<float> mask)
    {
        ImportanceOrder order = new();
        order.Sort(importance);
        order.Mask(bins, mask);
    }

    internal static float[] Explain(IExplanationMethod method, ExplanationBatch batch)
    {
        float[] importance = [.. Enumerable.Repeat(float.NaN, batch.Excerpts.Length)];
        method.Explain(batch, importance);
        return importance;
    }

    /// <summary>Numbers around zero with deviation 1.</summary>
    internal static float[] Numbers(ulong seed, int count)
    {
        RandomSource random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)random.NextGaussian())];
    }

    private sealed class Named(string name, float[]? says = null) : IExplanationMethod
    {
        public string Name => name;

        public int Passes => 0;

        public void Explain(ExplanationBatch batch, Span<float> importance) => (says ?? throw new NotSupportedException()).CopyTo(importance);
    }

    // The first is singing, the second not, and so on.
    private static ExplanationBatch Batch(int count) =>
        new(0, Numbers(3, count * ExcerptLength), [.. Enumerable.Range(0, count).Select(n => n % 2 == 0)]);

    // The same for every excerpt.
    private static void AssertNear(float[] expected, float[] actual, double tolerance)
    {
        for (int i = 0; i < actual.Length; i++) Assert.Equal(expected[i % ExcerptLength], actual[i], tolerance);
    }
}
