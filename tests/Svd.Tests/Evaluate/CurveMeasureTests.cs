using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Figures;
using Engine.Svd.Model;
using Engine.Tests;
using SkiaSharp;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Evaluate;

/// <summary>The measures that are curves: region perturbation, sanity check and reconstruction.</summary>
public class CurveMeasureTests
{
    // Probabilities in %, from float32 with another batch.
    private const double ProbabilityTolerance = 1e-3;

    [Theory]
    [InlineData(5, 0.5)]
    [InlineData(7, 0.25)]
    [InlineData(1, 0.05)]
    public void RegionsAreRemovedInTheOrderOfTheirImportance(int size, double share)
    {
        using MethodComparisonTests.Setting setting = new(2);
        RegionPerturbation measure = new(setting.Comparison, size, MaskFill.M2);
        IExplanationMethod method = setting.Comparison.Create("loudest");
        MethodCurves curves = measure.Measure(method, 1, _ => { });
        int last = measure.Points.Count - 1, point = (int)(share * last);
        ExplanationBatch batch = setting.Comparison.BatchesOf(1).Single();
        for (int n = 0; n < 2; n++)
        {
            // Region by region, by hand: frames and bands from the lower corner on, the mean of the bins, and the most important first.
            List<int[]> regions = [];
            for (int frame = 0; frame < ExcerptFrames; frame += size)
            for (int band = 0; band < Bands; band += size)
            {
                regions.Add([
                    .. from t in Enumerable.Range(frame, Math.Min(size, ExcerptFrames - frame))
                       from f in Enumerable.Range(band, Math.Min(size, Bands - band))
                       select t * Bands + f,
                ]);
            }

            float[] excerpt = batch[n].ToArray();
            int[][] sorted = [.. regions.OrderByDescending(region => region.Average(bin => (double)excerpt[bin]))];
            int removed = point * sorted.Length / last;
            Assert.Equal(Probability(excerpt, n), curves.At(0, 0)[n], ProbabilityTolerance);
            Assert.Equal(Probability(excerpt, n), curves.At(1, 0)[n], ProbabilityTolerance);
            Assert.Equal(Probability(Without(sorted[..removed]), n), curves.At(0, point)[n], ProbabilityTolerance);
            Assert.Equal(Probability(Without(sorted[^removed..]), n), curves.At(1, point)[n], ProbabilityTolerance);
            Assert.Equal(Probability(Without(sorted), n), curves.At(0, last)[n], ProbabilityTolerance);
            Assert.Equal(Probability(Without(sorted), n), curves.At(1, last)[n], ProbabilityTolerance);

            float[] Without(int[][] gone)
            {
                float[] rest = [.. excerpt], filling = MaskFills.Of(MaskFill.M2, excerpt, setting.Comparison.Statistics);
                foreach (int bin in gone.SelectMany(region => region)) rest[bin] = filling[bin];
                return rest;
            }
        }

        double Probability(float[] excerpt, int n)
        {
            using DetectorAnswer answer = setting.Comparison.Detector.Ask(excerpt);
            return 100 * (batch.IsSinging[n] ? answer.Probabilities[0] : 1 - answer.Probabilities[0]);
        }
    }

    [Fact]
    public void TheAreaOverTheCurveIsTheMeanDrop()
    {
        using MethodComparisonTests.Setting setting = new(1);
        double[][] curves = [[90, 30, 0], [90, 80, 10]];
        double[] summaries = [.. new RegionPerturbation(setting.Comparison, 5, MaskFill.Zero).Summaries.Select(summary => summary.Of(curves))];
        Assert.Equal([50, 30, 20, 40, 60], summaries);
    }

    [Fact]
    public void AMethodThatExplainsTheSongDoesNotChange()
    {
        using MethodComparisonTests.Setting setting = new(2);
        using SanityCheck check = new(setting.Comparison, setting.Network, 1);
        foreach (string method in (string[])["loudest", "random", "other"])
        {
            MethodCurves curves = check.Measure(setting.Comparison.Create(method), 1, _ => { });
            if (method != "other") Assert.All(curves.Values.SelectMany(values => values), value => Assert.Equal(1, value, 1e-12));

            // Another excerpt's inversion is that of the randomised detector, too.
            else Assert.InRange(curves.At(0, 6)[0], -1, 0.99);
        }

        // fc8 feeds the inversion, so fc9 does not matter; the gradient changes with every layer.
        MethodCurves inversion = check.Measure(setting.Comparison.Create("inversion"), 1, _ => { });
        MethodCurves gradient = check.Measure(setting.Comparison.Create("gradient"), 1, _ => { });
        for (int n = 0; n < 2; n++)
        {
            Assert.Equal(1, inversion.At(0, 0)[n], 1e-12);
            Assert.Equal(1, inversion.At(1, 0)[n], 1e-12);
            Assert.InRange(inversion.At(0, 1)[n], -1, 0.95);
            Assert.InRange(gradient.At(0, 0)[n], -1, 0.999);
            Assert.InRange(gradient.At(0, 6)[n], -1, 0.8);
            Assert.InRange(gradient.At(1, 6)[n], 0, 0.8);
        }
    }

    [Fact]
    public void RandomWeightsGoFromTheTopDown()
    {
        using MethodComparisonTests.Setting setting = new(2);
        string[] names = [.. setting.Network.Layers.Parameters.Select(parameter => parameter.Name.Split('.')[0])];
        float[][] trained = Weights(setting.Network);
        for (int count = 0; count <= SvdNet.LayersFromTheTop.Count; count++)
        {
            using SvdNet one = setting.Network.WithRandomTop(count, layer => new Engine.Nn.RandomSource(3, (ulong)layer));
            using SvdNet same = setting.Network.WithRandomTop(count, layer => new Engine.Nn.RandomSource(3, (ulong)layer));
            float[][] changed = Weights(one);
            Assert.Equal(changed, Weights(same));
            string[] random = [.. names.Where((_, i) => !changed[i].AsSpan().SequenceEqual(trained[i])).Distinct()];
            Assert.Equal(SvdNet.LayersFromTheTop.Take(count).Reverse(), random);
        }

        Assert.Equal(trained, Weights(setting.Network));

        static float[][] Weights(SvdNet network) => [.. network.Layers.Parameters.Select(parameter => parameter.ToFileLayout())];
    }

    [Fact]
    public void OptimisationRestoresTheFeaturesBetterThanTheNetwork()
    {
        using MethodComparisonTests.Setting setting = new(2);
        InversionErrors measure = new(setting.Comparison, 1);
        MethodCurves network = measure.Measure(setting.Comparison.Create("inversion"), 1, _ => { });
        MethodCurves optimised = measure.Measure(setting.Comparison.Create("optimise"), 1, _ => { });
        int last = measure.Points.Count - 1;
        for (int n = 0; n < 2; n++)
        {
            Assert.Equal(network.At(0, 0)[n], network.At(0, last)[n]);
            Assert.InRange(optimised.At(0, last)[n], 0, network.At(0, last)[n] / 2);
            Assert.InRange(optimised.At(0, last)[n], 0, optimised.At(0, 0)[n]);
        }
    }

    [Fact]
    public void RanksShareTheirMeanWhereValuesAreEqual()
    {
        Assert.Equal([2.5, 1, 2.5, 0], RankCorrelation.RanksOf([3, 1, 3, 0]));
        double[] rising = [0, 1, 2, 3];
        Assert.Equal(1, RankCorrelation.Of(rising, rising), 12);
        Assert.Equal(-1, RankCorrelation.Of(rising, [3, 2, 1, 0]), 12);
        Assert.Equal(0.8, RankCorrelation.Of(rising, [0, 2, 1, 3]), 12);
        Assert.Equal(0, RankCorrelation.Of(rising, [1.5, 1.5, 1.5, 1.5]));
    }

    [Fact]
    public void AKeptFileIsBelievedOnlyIfItFits()
    {
        using MethodComparisonTests.Setting setting = new(2);
        using TempFolder folder = new();
        RegionPerturbation measure = new(setting.Comparison, 40, MaskFill.Zero);
        string file = folder.PathOf("a.npz");
        Assert.Null(measure.TryRead(file, [1], 1));
        MethodCurves curves = measure.Measure(setting.Comparison.Create("loudest"), 1, _ => { });
        measure.Write(curves, file, [1]);
        MethodCurves read = measure.TryRead(file, [1], 1)!;
        Assert.Equal((curves.Count, curves.Seconds), (read.Count, read.Seconds));
        Assert.Equal(curves.Values, read.Values);
        Assert.Null(measure.TryRead(file, [2], 1));
        Assert.Null(measure.TryRead(file, [1], 0));
        measure.Write(curves with { Seconds = double.NaN }, file, [1]);
        Assert.Null(measure.TryRead(file, [1], 1));
    }

    [Fact]
    public void TheTableAndTheFigureHaveEveryMethod()
    {
        using MethodComparisonTests.Setting setting = new(1);
        RegionPerturbation measure = new(setting.Comparison, 40, MaskFill.Zero);
        int points = measure.Points.Count;
        MethodCurves One(double value) => new(1, [[.. Enumerable.Repeat(value, points)], [.. Enumerable.Repeat(value / 2, points)]], 0.002);
        IReadOnlyList<CurveRow> rows = CurveTable.Of(measure, [("a", [One(80)]), ("b", [One(40)])], [0], 1);
        Assert.Equal(["a", "b"], rows.Select(row => row.Method));
        Assert.Equal(new Estimate(80, 80, 80), rows[0].Curves[0].Values[3]);
        Assert.Equal(20, rows[1].Summaries.Single(summary => summary.Name == "insertion").Value.Mean);
        Assert.Equal(2, rows[1].Milliseconds, 9);
        string[] lines = CurveTable.ToCsv(rows, measure.Points).TrimEnd('\n').Split('\n');
        Assert.Equal(1 + 2 * (measure.Summaries.Count + 2 * points), lines.Length);
        Assert.All(lines, line => Assert.Equal(CurveTable.Header.Split(',').Length, line.Split(',').Length));
        Assert.Contains("b,2.0000,least relevant first,25,20.0000,20.0000,20.0000", lines);

        using SKBitmap figure = SKBitmap.Decode(CurveFigure.RenderPng(rows, new CurveAxes("x", "y", measure.Points, 0, 100, 5), "Heading", "Subheading"));
        Assert.Equal(CurveFigure.SizeOf(2), (figure.Width, figure.Height));
        HashSet<SKColor> colours = [.. figure.Pixels];
        Assert.Contains(SKColor.Parse("#0072B2"), colours);
        Assert.Contains(SKColor.Parse("#D55E00"), colours);
    }
}
