using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

/// <summary>A whole song explained at once says what its excerpts explained one by one say.</summary>
public class SongExplainerTests
{
    // Float32 sums of thousands of terms in another order. Two bins of nearly the same importance may change places.
    private const double ProbabilityTolerance = 1e-4;
    private const int BinsThatMayDiffer = 2;

    private static readonly string _weights = Path.Combine(ReferenceData.Repository, "weights");
    private static readonly string _sample = Path.Combine(ReferenceData.Repository, "samples", "sample.wav");

    [Fact]
    public void SaysWhatTheExplainerSays()
    {
        using Networks networks = new(2);
        float[] frames = networks.Frames()[..(1091 * Bands)];
        MaskShares shares = new(0.15);
        (SongExcerpt[] excerpts, float[] probabilities) = networks.Explain(frames, shares, every: 90);
        Assert.Equal([0, 90, 180, 270, 360, 450, 540, 630, 720, 810, 900, 976], excerpts.Select(excerpt => excerpt.StartFrame));
        IEnumerable<SongExcerpt> asked = excerpts.Where(excerpt => excerpt.Methods[0].ProbabilityMasked is not null);
        Assert.Equal([0, 270, 540, 810, 976], asked.Select(excerpt => excerpt.StartFrame));
        foreach ((SongExcerpt excerpt, int method) in excerpts.SelectMany(excerpt => (IEnumerable<(SongExcerpt, int)>)[(excerpt, 0), (excerpt, 1)]))
        {
            ReadOnlySpan<float> input = frames.AsSpan((int)excerpt.StartFrame * Bands, ExcerptLength);
            ExcerptLevels said = excerpt.Methods[method];
            for (int k = 0; k < shares.All.Count; k++)
            {
                Explanation one = networks.Explainer(method).Explain(input, MaskSize.Share(shares.All[k]))[0];
                int different = Enumerable.Range(0, ExcerptLength).Count(i => one.Mask[i] != (said.Levels[i] <= k ? 1 : 0));
                Assert.InRange(different, 0, BinsThatMayDiffer);
                Assert.Equal(one.Probability, excerpt.Probability, ProbabilityTolerance);
                if (k == shares.Asked && said.ProbabilityMasked is { } masked) Assert.Equal(one.ProbabilityMasked, masked, ProbabilityTolerance);
            }
        }

        Golden.AssertAbsolute(Array.ConvertAll(networks.Predict(frames), p => (double)p), probabilities, ProbabilityTolerance, "probability");
    }

    // Stretches of 1024 frames: excerpts and the last one at, before and after their borders.
    [Theory]
    [InlineData(115)]
    [InlineData(116)]
    [InlineData(125)]
    [InlineData(1024)]
    [InlineData(1082)]
    [InlineData(1083)]
    [InlineData(1100)]
    public void EveryFrameIsInAnExcerptOfTheSong(int length)
    {
        using Networks networks = new(2);
        SongExcerpt[] excerpts = networks.Explain(networks.Frames()[..(length * Bands)], new MaskShares(0.2), every: 50).Excerpts;
        int last = length - ExcerptFrames;
        IEnumerable<long> expected = Enumerable.Range(0, last / 50 + 1).Select(i => i * 50L);
        Assert.Equal(last % 50 == 0 ? expected : expected.Append(last), excerpts.Select(excerpt => excerpt.StartFrame));
    }

    [Fact]
    public void TheSameBitsOnAnyNumberOfThreadsAndExplainers()
    {
        using Networks one = new(1), two = new(2);

        // Three stretches and a part of a fourth.
        float[] sample = one.Frames(), frames = [.. sample, .. sample, .. sample];
        SongExcerpt[] a = one.Explain(frames, new MaskShares(0.2), every: 100).Excerpts, b = two.Explain(frames, new MaskShares(0.2), every: 100).Excerpts;
        AssertSame(a, b);
        AssertSame(a, one.Explain(frames, new MaskShares(0.2), every: 100, two).Excerpts);
    }

    private static void AssertSame(SongExcerpt[] a, SongExcerpt[] b)
    {
        Assert.Equal(a.Length, b.Length);
        foreach ((SongExcerpt x, SongExcerpt y) in a.Zip(b))
        {
            Assert.Equal((x.StartFrame, x.Probability), (y.StartFrame, y.Probability));
            Assert.Equal(x.Methods.Select(method => method.ProbabilityMasked), y.Methods.Select(method => method.ProbabilityMasked));
            Assert.Equal(x.Methods.SelectMany(method => method.Levels), y.Methods.SelectMany(method => method.Levels));
        }
    }

    [Fact]
    public void LevelsAreTheFirstMaskThatKeepsABin()
    {
        Random random = new(1);

        // Few different values, so that many are equal; both zeros, and both signs.
        float[] importance = [.. Enumerable.Range(0, ExcerptLength).Select(_ => random.Next(-200, 200) * 0.37f)];
        (importance[5], importance[700], importance[900]) = (-0f, float.MaxValue, float.MinValue);
        int[] byHand = [.. Enumerable.Range(0, ExcerptLength).OrderByDescending(i => importance[i])];
        MaskShares shares = new(0.123);
        Assert.Equal(0.123, shares.All[shares.Asked]);
        byte[] levels = new byte[ExcerptLength];
        ImportanceOrder order = new();
        order.Sort(importance);
        order.Levels(shares.Counts, levels);
        for (int rank = 0; rank < ExcerptLength; rank++)
        {
            int level = shares.All.ToList().FindIndex(share => rank < (int)Math.Round(share * ExcerptLength));
            Assert.Equal(level, levels[byHand[rank]]);
        }

        float[] mask = new float[ExcerptLength], expected = new float[ExcerptLength];
        shares.Mask(levels, mask);
        MaskSize.Share(0.123).Mask(importance, expected);
        Assert.Equal(expected, mask);
    }

    private sealed class Networks : IDisposable
    {
        private readonly IBackend _backend;
        private readonly SvdNet _network;
        private readonly InversionNetwork _inversion;
        private readonly MaskNetwork _mask;
        private readonly BandStatistics _statistics = BandStatistics.Read(Path.Combine(_weights, "meanstd.npz"));
        private readonly ExcerptDetector _detector;

        public Networks(int threads)
        {
            _backend = Backends.CreateCpu(threads);
            _network = SvdNet.Load(_backend, Path.Combine(_weights, "svdnet.npz"));
            _inversion = InversionNetwork.Load(_backend, Path.Combine(_weights, "inverter.npz"));
            _mask = MaskNetwork.Load(_backend, Path.Combine(_weights, "masker.npz"));
            _detector = new ExcerptDetector(_backend, _network);
        }

        public float[] Frames()
        {
            using AudioStream audio = AudioStream.Open(_sample);
            using LogMelExtractor extractor = new(_backend);
            using BandNormalizer normalizer = _statistics.On(_backend);
            return new LogMelReader(audio, extractor, normalizer).ReadToEnd(_sample);
        }

        public Explainer Explainer(int method) =>
            new(_detector, method == 0 ? NetworkMethod.Of(_detector, _mask) : NetworkMethod.Of(_detector, _inversion));

        public float[] Predict(float[] frames) => new SongPredictor(_backend, _network, _statistics).Predict(frames);

        public (SongExcerpt[] Excerpts, float[] Probabilities) Explain(float[] frames, MaskShares shares, int every, params Networks[] others)
        {
            StretchExplainer[] team = [.. others.Prepend(this).Select(member => new StretchExplainer(
                member._backend, member._network, member._inversion, member._mask, shares, every))];
            SongExplainer explainer = new(team, _statistics);
            List<SongExcerpt> excerpts = [];
            List<float> probabilities = [];
            int position = 0;
            explainer.WarmUp();
            long count = explainer.Explain(
                destination =>
                {
                    int take = Math.Min(256 * Bands, frames.Length - position);
                    frames.AsSpan(position, take).CopyTo(destination);
                    position += take;
                    return take / Bands;
                },
                (first, block) =>
                {
                    Assert.Equal(probabilities.Count, first);
                    probabilities.AddRange(block);
                },
                excerpts.Add);
            Assert.Equal(frames.Length / Bands, count);
            return ([.. excerpts], [.. probabilities]);
        }

        public void Dispose()
        {
            _detector.Dispose();
            _mask.Dispose();
            _inversion.Dispose();
            _network.Dispose();
            _backend.Dispose();
        }
    }
}
