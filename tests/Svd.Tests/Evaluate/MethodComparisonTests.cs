using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Tests.Audio;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Evaluate;

public class MethodComparisonTests
{
    // Of the reference's percentages; 776 excerpts, of which a few lie so near the class threshold that float32 decides.
    private const double ReferenceTolerance = 1;

    private static readonly MaskSize[] _sizes = [MaskSize.Threshold(0.6), MaskSize.Share(0.2)];

    /// <summary>
    /// Some of the rows in seconds; all of them: <c>svd evaluate --methods all --threshold 0.5,0.6,0.7,0.8 --start 5 --class-threshold 0.5</c> with the
    /// stand-ins.
    /// </summary>
    [FfmpegReferenceFact]
    public void TheReferencesControls()
    {
        string data = ReferenceData.PathOf("music");
        using TempFolder folder = new();
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet network = SvdNet.Load(backend, ReferenceData.PathOf("reference/svdnet_standin.npz"));
        using InversionNetwork inversion = InversionNetwork.Load(backend, ReferenceData.PathOf("reference/inverter_standin.npz"));
        BandStatistics statistics = BandStatistics.Read(ReferenceData.PathOf("reference/standin_meanstd.npz"));
        using BandNormalizer normalizer = statistics.On(backend);
        using LogMelExtractor extractor = new(backend);
        SpectrogramCache cache = SpectrogramCache.Open(data, folder.Folder);
        ExcerptSampling sampling = new(5, ExcerptSampling.PublishedCount, 1);
        ComparedSong[] songs = [.. Corpus.Open(data).Split("test").Select((song, i) =>
        {
            float[] logMel = cache.LogMel(extractor, song.AudioPath);
            return new ComparedSong(normalizer.NormalizeSong(logMel), sampling.StartsOf(i, logMel.Length / Bands));
        })];
        using MethodComparison comparison = new(
            backend, network, inversion, null, null, statistics, songs, [MaskSize.Threshold(0.8)], [MaskFill.Zero], 0.5, 1, (_, _) => { });
        Assert.Equal(776, comparison.Count);
        Dictionary<string, string> rows = new() { ["inversion"] = "inversion", ["loudest"] = "loudest_bins_normalised", ["average"] = "average_inversion" };
        foreach ((string name, string row) in rows)
        {
            string[] expected = File.ReadLines(ReferenceData.PathOf("reference/standin_controls.csv"))
                .Select(line => line.Split(',')).Single(cells => cells[1] == "0.8" && cells[3] == row);
            MethodScores[] scores = [.. songs.Select((_, i) => comparison.Measure(comparison.Create(name), i, _ => { }))];
            double Percent(MaskMeasure measure) => 100 * scores.SelectMany(song => song[measure, 0].ToArray()).Average();
            Assert.Equal(double.Parse(expected[2]), Percent(MaskMeasure.Area), ReferenceTolerance / 10);
            Assert.Equal(double.Parse(expected[4]), Percent(MaskMeasure.KeptAlone), ReferenceTolerance);
        }
    }

    [Fact]
    public void TheSameBitsAtAnyThreadCount()
    {
        Dictionary<string, double[][]> one = Scores(1), two = Scores(2);
        Assert.Equal(ExplanationMethods.Names, one.Keys);
        Assert.All(one, method => Assert.Equal(method.Value, two[method.Key]));
    }

    [Fact]
    public void MeasuresAreWhatTheyAreCalled()
    {
        using Setting setting = new(2);
        MethodScores scores = setting.Comparison.Measure(setting.Comparison.Create("blob"), 0, _ => { });
        for (int n = 0; n < scores.Count; n++)
        {
            // A blob is one piece; at a size that is a share its area is that share.
            Assert.Equal(1840.0 / ExcerptLength, scores[MaskMeasure.Area, 1][n]);
            Assert.Equal(1, scores[MaskMeasure.Components, 1][n]);
            Assert.Equal(1, scores[MaskMeasure.LargestShare, 1][n]);

            // Asked again by hand: the label of the excerpt, of what is kept, and of what is left without it.
            float[] excerpt = setting.Songs[0].Frames.AsSpan(setting.Songs[0].Starts[n] * Bands, ExcerptLength).ToArray(), mask = new float[ExcerptLength];
            float[] importance = ExplanationMethodTests.Explain(new RandomBlob(1), new ExplanationBatch(n, excerpt, [true]));
            ExplanationMethodTests.MaskOf(importance, 1840, mask);
            float[] kept = [.. excerpt.Zip(mask, (x, m) => x * m)], removed = [.. excerpt.Zip(mask, (x, m) => x * (1 - m))], logits = new float[3];
            using ExcerptDetector detector = new(setting.Backend, setting.Network);
            detector.Logits([.. excerpt, .. kept, .. removed], logits);
            Assert.Equal(logits[1] >= 0 != logits[0] >= 0 ? 1 : 0, scores[MaskMeasure.KeptAlone, 1][n]);
            Assert.Equal(logits[2] >= 0 != logits[0] >= 0 ? 1 : 0, scores[MaskMeasure.KeptRemoved, 1][n]);
        }
    }

    /// <summary>The same detector as a second judge says the same; another filling asks something else, with the same masks.</summary>
    [Fact]
    public void EveryJudgeIsAskedWithEveryFilling()
    {
        using Setting setting = new(2, MaskFills.All, judge: true);
        Assert.Equal(6, setting.Comparison.Questions.Count);
        MethodScores scores = setting.Comparison.Measure(setting.Comparison.Create("random"), 1, _ => { });
        for (int question = 0; question < 3; question++)
        {
            foreach (MaskMeasure measure in (MaskMeasure[])[MaskMeasure.KeptAlone, MaskMeasure.KeptRemoved])
            for (int size = 0; size < _sizes.Length; size++)
            {
                Assert.Equal(scores[measure, size, question].ToArray(), scores[measure, size, question + 3].ToArray());
            }
        }

        using Setting alone = new(2);
        MethodScores zero = alone.Comparison.Measure(alone.Comparison.Create("random"), 1, _ => { });
        Assert.Equal(zero[MaskMeasure.KeptAlone, 1].ToArray(), scores[MaskMeasure.KeptAlone, 1].ToArray());
        Assert.Equal(zero[MaskMeasure.Components, 1].ToArray(), scores[MaskMeasure.Components, 1, 5].ToArray());
    }

    [Fact]
    public void ARunGoesOnWhereItStopped()
    {
        using Setting setting = new(2);
        using TempFolder folder = new();
        string[] methods = ["random", "other"], names = ["a", "b"];
        MethodRun<MethodScores> RunOf(params double[] identity) =>
            new(setting.Comparison, setting.Comparison, names, _ => identity, folder.Folder, Shard.Whole);
        int reports = 0;
        IReadOnlyList<(string Name, IReadOnlyList<MethodScores> Songs)> first = RunOf(1, 2).Run(methods, (_, _) => reports++);
        Assert.Equal(4, reports);
        DateTime written = File.GetLastWriteTimeUtc(folder.PathOf("other/a.npz"));

        // One file is lost and one damaged: these two are done again, and all is as it was.
        File.Delete(folder.PathOf("random/a.npz"));
        File.WriteAllBytes(folder.PathOf("other/b.npz"), [1, 2, 3]);
        reports = 0;
        IReadOnlyList<(string Name, IReadOnlyList<MethodScores> Songs)> again = RunOf(1, 2).Run(methods, (done, all) =>
        {
            // One excerpt of song a, then two of song b.
            reports++;
            Assert.Equal(reports == 1 ? 1 / 3.0 : 1, done / all!.Value, 9);
        });
        Assert.Equal(2, reports);
        Assert.Equal(written, File.GetLastWriteTimeUtc(folder.PathOf("other/a.npz")));
        foreach ((IReadOnlyList<MethodScores> before, IReadOnlyList<MethodScores> after) in first.Zip(again, (x, y) => (x.Songs, y.Songs)))
        {
            Assert.Equal(before.SelectMany(song => song.Values), after.SelectMany(song => song.Values));
        }

        // Other settings, all anew.
        reports = 0;
        RunOf(1, 3).Run(methods, (_, _) => reports++);
        Assert.Equal(4, reports);
    }

    [Fact]
    public void TheTableHasDifferencesFromRandom()
    {
        // Three excerpts of one song at one size; only sufficiency differs, on the third excerpt.
        MethodScores ScoresOf(double third) => new(3, [[0.5, 0.5, 0.5], [1, 0, third], [0, 1, 0], [2, 4, 6], [1, 0.5, 0.75]], 0.006);
        MaskSize[] sizes = [MaskSize.Share(0.5)];
        IReadOnlyList<MethodRow> rows = MethodTable.Of(
            sizes, [default], [("random", [ScoresOf(1)]), ("blob", [ScoresOf(0)])], [0, 0, 0], [[true, true, false]], 1);
        Assert.Equal(["random", "blob"], rows.Select(row => row.Method));
        MethodRow blob = rows[1];
        Assert.Null(rows[0].SufficiencyLessRandom);
        Assert.Equal(50, blob.Area);
        Assert.Equal(100 / 3.0, blob.Sufficiency.Mean, 9);
        Assert.Equal(-100 / 3.0, blob.SufficiencyLessRandom!.Value.Mean, 9);
        Assert.Equal(0, blob.SufficiencyLessRandom.Value.High);
        Assert.Equal(new Estimate(0, 0, 0), blob.NecessityLessRandom);
        Assert.Equal(4, blob.Components.Mean, 9);
        Assert.Equal(4, blob.MedianComponents);
        Assert.Equal(75, blob.LargestShare.Mean, 9);
        Assert.Equal(2, blob.Milliseconds, 9);
        Assert.Equal((50, 0, 50, 0), (blob.SungSufficiency, blob.UnsungSufficiency, blob.SungNecessity, blob.UnsungNecessity));
        Assert.Equal(100, rows[0].UnsungSufficiency);
        string[] lines = MethodTable.ToCsv(rows).TrimEnd('\n').Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.All(lines, line => Assert.Equal(MethodTable.Header.Split(',').Length, line.Split(',').Length));
        Assert.StartsWith("itself,zero,area 0.5,blob,50.0000,33.3333,", lines[2], StringComparison.Ordinal);
    }

    private static Dictionary<string, double[][]> Scores(int threads)
    {
        using Setting setting = new(threads);
        return ExplanationMethods.Names.ToDictionary(
            name => name, name => setting.Songs.SelectMany((_, song) => setting.Comparison.Measure(setting.Comparison.Create(name), song, _ => { }).Values)
                .ToArray());
    }

    /// <summary>The bundled weights on two songs of noise with an excerpt and two.</summary>
    internal sealed class Setting : IDisposable
    {
        public Setting(int threads, IReadOnlyList<MaskFill>? fills = null, bool judge = false)
        {
            string weights = Path.Combine(ReferenceData.Repository, "weights");
            Backend = Backends.CreateCpu(threads);
            Network = SvdNet.Load(Backend, Path.Combine(weights, "svdnet.npz"));
            Inversion = InversionNetwork.Load(Backend, Path.Combine(weights, "inverter.npz"));
            Mask = MaskNetwork.Load(Backend, Path.Combine(weights, "masker.npz"));
            float[] frames = ExplanationMethodTests.Numbers(5, 2 * ExcerptLength);
            Songs = [new ComparedSong(frames, [7]), new ComparedSong(frames, [0, 40])];
            Comparison = new MethodComparison(
                Backend, Network, Inversion, Mask, judge ? Network : null, BandStatistics.Read(Path.Combine(weights, "meanstd.npz")), Songs, _sizes,
                fills ?? [MaskFill.Zero], 0.5, 1, (_, _) => { });
        }

        public IBackend Backend { get; }

        public SvdNet Network { get; }

        public InversionNetwork Inversion { get; }

        public MaskNetwork Mask { get; }

        public ComparedSong[] Songs { get; }

        public MethodComparison Comparison { get; }

        public void Dispose()
        {
            Comparison.Dispose();
            Mask.Dispose();
            Inversion.Dispose();
            Network.Dispose();
            Backend.Dispose();
        }
    }
}
