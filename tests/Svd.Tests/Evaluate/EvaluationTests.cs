using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Evaluate;

/// <summary>The paper's evaluation against numbers made with PyTorch, against its definition, and by hand.</summary>
public sealed class EvaluationTests : IDisposable
{
    // Percentage points. An excerpt whose probability lies within rounding of the class threshold may fall on the other side; four of 776 are as many.
    private const double PointTolerance = 0.5;

    // Sums of thousands of float32 terms in another order: other batches, other tiles.
    private const double ProbabilityTolerance = 1e-5;

    private static readonly string Weights = Path.Combine(AppContext.BaseDirectory, "weights");

    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    /// <summary>All 776 excerpts of both songs at three of the thresholds, of which those at both ends need no prediction.</summary>
    [ReferenceFact]
    public void GivesTheReferenceCurves()
    {
        string Reference(string name) => ReferenceData.PathOf($"reference/{name}");
        string classifier = Reference("svdnet_standin.npz"), inverter = Reference("inverter_standin.npz"), statisticsFile = Reference("standin_meanstd.npz");
        using IBackend backend = Backends.CreateCpu();
        BandStatistics statistics = BandStatistics.Read(statisticsFile);
        using SvdNet network = SvdNet.Load(backend, classifier);
        using InversionNetwork inversion = InversionNetwork.Load(backend, inverter);
        using ExcerptDetector detector = new(backend, network);
        SongEvaluator evaluator = new(detector, NetworkMethod.Of(detector, inversion), statistics, [0, 0.6, 1.1]);
        EvaluationRun run = new(
            backend, evaluator, statistics, [classifier, inverter, statisticsFile], SpectrogramCache.Open("", _temp.PathOf("cache")), _temp.Folder);
        IReadOnlyList<SongEvaluation> songs = run.Evaluate(
            Corpus.Open(ReferenceData.PathOf("music")).Split("test"), new ExcerptSampling(5, ExcerptSampling.PublishedCount, 1), Shard.Whole, (_, _) => { });
        IReadOnlyList<EvaluationPoint> points = EvaluationCurves.Of("standin", songs, 0.5);
        Assert.Equal(3 * evaluator.Thresholds.Length, points.Count);
        IReadOnlyList<EvaluationPoint> all = EvaluationCurves.Read(Reference("standin_fig5.csv"));
        Assert.All(points, point =>
        {
            EvaluationPoint expected = all.Single(other => (other.Case, other.Threshold) == (point.Case, point.Threshold));
            Assert.Equal(expected.Excerpts, point.Excerpts);
            Assert.Equal(expected.ExplanationLossPercent, point.ExplanationLossPercent, PointTolerance);
            Assert.Equal(expected.RelativeAreaPercent, point.RelativeAreaPercent, PointTolerance);
        });
    }

    /// <summary>Every threshold and case one by one, with masks and inputs made as the definition has them.</summary>
    [Fact]
    public void PredictsWhatTheDefinitionAsksFor()
    {
        double[] thresholds = [0, 0.3, 0.55, 0.56, 0.560001, 1, 1.1];
        using IBackend backend = Backends.CreateCpu();
        BandStatistics statistics = BandStatistics.Read(Path.Combine(Weights, "meanstd.npz"));
        using SvdNet network = SvdNet.Load(backend, Path.Combine(Weights, "svdnet.npz"));
        using InversionNetwork inversion = InversionNetwork.Load(backend, Path.Combine(Weights, "inverter.npz"));
        float[] frames = Noise(ExcerptFrames + 40);
        int[] starts = [0, 7, 40];
        using ExcerptDetector detector = new(backend, network);
        SongEvaluator evaluator = new(detector, NetworkMethod.Of(detector, inversion), statistics, thresholds);
        SongEvaluation song = evaluator.Evaluate(frames, starts, _ => { });

        // Two thresholds lie so close together that they give the same masks.
        Assert.InRange(evaluator.Predictions, 1, 3 + 4 * 3 * starts.Length);
        for (int n = 0; n < starts.Length; n++)
        {
            float[] x = frames[(starts[n] * Bands)..((starts[n] + ExcerptFrames) * Bands)];
            Assert.Equal(Probability(x), song.Probability[n], ProbabilityTolerance);
            for (int t = 0; t < thresholds.Length; t++)
            {
                float[] mask = new Explainer(detector, NetworkMethod.Of(detector, inversion)).Explain(x, MaskSize.Threshold(thresholds[t]))[0].Mask;
                Assert.Equal(mask.Average(), song.RelativeArea[song.IndexOf(t, n)], ProbabilityTolerance);
                for (int masking = 0; masking < MaskingCase.Evaluated.Count; masking++)
                {
                    float[] shown = [.. x.Select((value, i) => (MaskingCase.Evaluated[masking].Name, mask[i]) switch
                    {
                        ("M1" or "M2_paper", 1) or ("M2_published", 0) => value,
                        ("M2_paper", _) => (float)(-statistics.Mean[i % Bands] / statistics.Std[i % Bands]),
                        _ => 0,
                    })];
                    Assert.Equal(Probability(shown), song.MaskedProbability[song.IndexOf(masking, t, n)], ProbabilityTolerance);
                }
            }
        }

        float Probability(float[] excerpt)
        {
            using Tensor input = Tensor.From(backend, new Shape(1, 1, ExcerptFrames, Bands), excerpt);
            using Tensor features = network.Features(input);
            using Tensor probability = network.Probability(features);
            return probability.ToArray()[0];
        }
    }

    [Fact]
    public void CountsChangedLabelsAndMeansAreas()
    {
        // Two songs of two excerpts and one, at one threshold.
        SongEvaluation two = new([0, 35], [0.6], [0.5f, 0.4f], [0.4f, 0.5f, 0.9f, 0.1f, 0.1f, 0.1f], [0.25f, 0.75f]);
        SongEvaluation one = new([9], [0.6], [0.8f], [0.6f, 0.2f, 0.3f], [0.5f]);
        EvaluationPoint Point(string masking, int changed, double area) => new("x", masking, 0.6, 3, changed, changed * 100.0 / 3, area);
        Assert.Equal(
            [Point("M1", 2, 50), Point("M2_paper", 1, 50), Point("M2_published", 2, 50)],
            EvaluationCurves.Of("x", [two, one], 0.5));
    }

    [Fact]
    public void CurvesSurviveTheirFile()
    {
        EvaluationPoint[] points = [new("a b", "M1", 0.05, 12, 3, 25, 61.25), new("ü", "M2_published", 1.1, 1, 0, 0, 100)];
        string path = _temp.PathOf("evaluation.csv");
        File.WriteAllText(path, EvaluationCurves.ToCsv(points));
        Assert.Equal(points, EvaluationCurves.Read(path));
        Assert.Contains("\na b,M1,0.05,12,3,25.00,61.25\n", File.ReadAllText(path), StringComparison.Ordinal);
    }

    [Fact]
    public void SamplesAsThePublishedCode()
    {
        ExcerptSampling sampling = new(5, ExcerptSampling.PublishedCount, 1);
        Assert.Equal(Enumerable.Range(0, 401).Select(i => 350 + 35 * i), sampling.StartsOf(0, 20_177));

        // The last excerpt leaves room for the 31 behind it in the published code's batch.
        const int last = 350 + 35 * 3;
        Assert.Equal(4, sampling.StartsOf(0, last + ExcerptFrames + 31).Length);
        Assert.Equal(3, sampling.StartsOf(0, last + ExcerptFrames + 30).Length);
        Assert.Empty(sampling.StartsOf(0, 100));
        Assert.Equal([350, 385], (sampling with { Most = 2 }).StartsOf(0, 20_177));
        Assert.Equal([350, 1050, 1750], (sampling with { Most = 3, IntervalSeconds = 10 }).StartsOf(0, 20_177));

        // Random starts are whole seconds, the same for the same seed and song.
        int[][] songs = [.. Enumerable.Range(0, 200).Select(song => (sampling with { StartSeconds = null }).StartsOf(song, 20_177))];
        Assert.All(songs, starts => Assert.Equal(401, starts.Length));
        Assert.Equal(Enumerable.Range(5, 15).Select(second => second * FramesPerSecond), songs.Select(starts => starts[0]).Distinct().Order());
        Assert.Equal(songs[7], (sampling with { StartSeconds = null }).StartsOf(7, 20_177));
    }

    private static float[] Noise(int frames)
    {
        Random random = new(1);
        return [.. Enumerable.Range(0, frames * Bands).Select(_ => random.NextSingle() * 4 - 2)];
    }
}
