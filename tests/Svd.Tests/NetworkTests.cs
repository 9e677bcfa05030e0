using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Tests.Audio;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

public class NetworkTests
{
    // Float32 sums of up to 4928 terms through nine layers, against float64.
    private const double LayerTolerance = 1e-4;

    // The sigmoid at the end flattens what is left of the error.
    private const double ProbabilityTolerance = 1e-5;

    // Both forms sum the same terms in different orders.
    private const double SlidingTolerance = 1e-5;

    // Decoding by another version of ffmpeg included.
    private const double SongTolerance = 1e-4;

    // A bin this near the threshold may fall either way in float32.
    private const double ThresholdTolerance = 1e-4;

    private static readonly string Classifier = Path.Combine(ReferenceData.Repository, "weights", "svdnet.npz");
    private static readonly string Inverter = Path.Combine(ReferenceData.Repository, "weights", "inverter.npz");

    public static TheoryData<string> Devices => Golden.Devices;

    [ReferenceTheory]
    [MemberData(nameof(Devices))]
    public void EveryLayerOfSvdNet(string device)
    {
        using IBackend backend = Golden.Create(device);
        using SvdNet network = SvdNet.Load(backend, ReferenceData.PathOf("reference/svdnet_standin.npz"));
        using Tensor input = Excerpts(backend, Golden.ReadSingle("svdnet_golden.npz", "input"));
        HashSet<string> seen = [];
        using Tensor features = network.Features(input, (name, output) =>
        {
            // The file holds the convolutions and pools of the first excerpt only, which comes first.
            if (name.EndsWith(".dropout", StringComparison.Ordinal) || !seen.Add(name)) return;
            double[] expected = Golden.Read("svdnet_golden.npz", name);
            Golden.AssertRelative(expected, output.ToArray().AsSpan(0, expected.Length), LayerTolerance, name);
        });
        Assert.Equal(["conv1", "conv2", "mp3", "conv4", "conv5", "mp6", "fc7", "fc8"], seen);
        using Tensor probability = network.Probability(features);
        Golden.AssertAbsolute(Golden.Read("svdnet_golden.npz", "fc9"), probability.ToArray(), ProbabilityTolerance, "fc9");
    }

    /// <summary>Prepared plans: features and probabilities of batches of any size, a song's block, an inversion, the front end.</summary>
    [Fact]
    public void WarmedUpInferenceAllocatesNothing()
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet network = SvdNet.Load(backend, Classifier);
        using InversionNetwork inverter = InversionNetwork.Load(backend, Inverter);
        using LogMelExtractor extractor = new(backend);
        using Tensor five = Excerpts(backend, new float[5 * ExcerptLength]), one = Excerpts(backend, new float[ExcerptLength]);
        using Tensor song = Tensor.From(backend, new Shape(1, 1, ExcerptFrames + 20, Bands), new float[(ExcerptFrames + 20) * Bands]);
        float[] samples = new float[FrameLength + 10 * Hop];
        Allocation.AssertNone(() =>
        {
            foreach (Tensor excerpts in (ReadOnlySpan<Tensor>)[five, one])
            {
                using Tensor features = network.Features(excerpts);
                using Tensor probability = network.Probability(features);
                using Tensor inverted = inverter.Forward(features);
            }

            using Tensor probabilities = network.ProbabilityOfEveryFrame(song);
            using Tensor logMel = extractor.Transform(samples);
        });
    }

    /// <summary>A plan takes no tensor away from who still holds it.</summary>
    [Fact]
    public void WhatWasInferredBeforeStays()
    {
        using IBackend backend = Backends.CreateCpu(2);
        using SvdNet network = SvdNet.Load(backend, Classifier);
        using Tensor silence = Excerpts(backend, new float[ExcerptLength]);
        using Tensor ramp = Excerpts(backend, [.. Enumerable.Range(0, ExcerptLength).Select(i => i / (float)ExcerptLength)]);
        using Tensor first = network.Features(silence);
        float[] expected = first.ToArray();
        using Tensor second = network.Features(ramp);
        Assert.NotEqual(expected, second.ToArray());
        Assert.Equal(expected, first.ToArray());
    }

    [ReferenceTheory]
    [MemberData(nameof(Devices))]
    public void ThePublishedInversionNetwork(string device)
    {
        using IBackend backend = Golden.Create(device);
        using InversionNetwork network = InversionNetwork.Load(backend, ReferenceData.PathOf("reference/inverter_fc8_published.npz"));
        Assert.Same(InversionArchitecture.Published, network.Architecture);
        Assert.Equal(131_201, network.ParameterCount);
        using Tensor features = Tensor.From(
            backend, new Shape(8, SvdNet.FeatureCount), Golden.ReadSingle("inverter_fc8_published_golden.npz", "features"));
        using Tensor inverted = network.Forward(features);
        Golden.AssertAbsolute(Golden.Read("inverter_fc8_published_golden.npz", "output"), inverted.ToArray(), LayerTolerance, "output");
    }

    [Fact]
    public void TableOneCountsAsThePaperSays()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using InversionNetwork network = InversionNetwork.Load(backend, Inverter);
        Assert.Same(InversionArchitecture.Paper, network.Architecture);
        Assert.Equal(31_887, network.ParameterCount);
        using SvdNet classifier = SvdNet.Load(backend, Classifier);
        Assert.Equal(1_408_225, classifier.ParameterCount);
    }

    [ReferenceTheory]
    [MemberData(nameof(Devices))]
    public void Explanations(string device)
    {
        using IBackend backend = Golden.Create(device);
        using SvdNet network = SvdNet.Load(backend, ReferenceData.PathOf("reference/svdnet_standin.npz"));
        using InversionNetwork inversion = InversionNetwork.Load(backend, ReferenceData.PathOf("reference/inverter_standin.npz"));
        using ExcerptDetector detector = new(backend, network);
        const double threshold = 0.6;
        IReadOnlyList<Explanation> explanations = new Explainer(detector, NetworkMethod.Of(detector, inversion))
            .Explain(Golden.ReadSingle("svdnet_golden.npz", "input"), MaskSize.Threshold(threshold));

        const string file = "standin_explain_golden.npz";
        Golden.AssertAbsolute(Golden.Read(file, "inverted"), [.. explanations.SelectMany(e => e.Importance)], LayerTolerance, "inverted");
        Golden.AssertAbsolute(Golden.Read(file, "probability"), [.. explanations.Select(e => e.Probability)], ProbabilityTolerance, "probability");
        byte[] expectedMask = Golden.ReadBytes(file, "mask");
        double[] scaled = Golden.Read(file, "normalised");
        float[] mask = [.. explanations.SelectMany(e => e.Mask)];
        int undecided = 0;
        for (int i = 0; i < mask.Length; i++)
        {
            bool near = Math.Abs(scaled[i] - threshold) <= ThresholdTolerance;
            undecided += near ? 1 : 0;
            Assert.True(near || mask[i] == expectedMask[i], $"mask bin {i}: {mask[i]} at {scaled[i]}");
        }

        // Were many bins near the threshold, the comparison above would say little.
        Assert.InRange(undecided, 0, mask.Length / 1000);
        double[] expectedMasked = Golden.Read(file, "probability_masked");
        int compared = 0;
        for (int n = 0; n < explanations.Count; n++)
        {
            if (explanations[n].Mask.AsSpan().SequenceEqual(Array.ConvertAll(expectedMask[(n * ExcerptLength)..((n + 1) * ExcerptLength)], b => (float)b)))
            {
                Assert.Equal(expectedMasked[n], explanations[n].ProbabilityMasked, ProbabilityTolerance);
                compared++;
            }
        }

        // Where one bin near the threshold fell the other way, the masked excerpt is another one; that must stay the exception.
        Assert.InRange(compared, explanations.Count / 2, explanations.Count);
    }

    [FfmpegReferenceFact]
    public void EveryFrameOfASong()
    {
        using IBackend backend = Backends.CreateCpu();
        float[] probabilities = PredictSong(
            backend, ReferenceData.PathOf("reference/svdnet_standin.npz"), ReferenceData.PathOf("reference/standin_meanstd.npz"),
            ReferenceData.PathOf("music/audio/joshua_morin_on_the_run.ogg"));
        double[] expected = Golden.Read("song_golden.npz", "probability");
        Assert.Equal(20_177, expected.Length);
        Golden.AssertAbsolute(expected, probabilities, SongTolerance, "probability");
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void TheWholeSongFormIsTheSlidingWindow(string device)
    {
        using IBackend backend = Golden.Create(device);
        using SvdNet network = SvdNet.Load(backend, Classifier);
        const int excerpts = 5;
        float[] song = new float[(ExcerptFrames + excerpts - 1) * Bands];
        Random random = new(7);
        for (int i = 0; i < song.Length; i++) song[i] = (float)(random.NextDouble() * 4 - 2);
        using Tensor stretch = Tensor.From(backend, new Shape(1, 1, ExcerptFrames + excerpts - 1, Bands), song);
        using Tensor whole = network.ProbabilityOfEveryFrame(stretch);
        using Tensor windows = Excerpts(
            backend, [.. Enumerable.Range(0, excerpts).SelectMany(i => song[(i * Bands)..(i * Bands + ExcerptLength)])]);
        using Tensor features = network.Features(windows);
        using Tensor slid = network.Probability(features);
        Golden.AssertAbsolute(Array.ConvertAll(slid.ToArray(), p => (double)p), whole.ToArray(), SlidingTolerance, "probability");
    }

    [Fact]
    public void BlocksOfASongJoinWithoutASeam()
    {
        using IBackend backend = Backends.CreateCpu();
        string sample = Path.Combine(ReferenceData.Repository, "samples", "sample.wav");
        string statistics = Path.Combine(ReferenceData.Repository, "weights", "meanstd.npz");

        // The sample is longer than a block, so its frames come from several.
        float[] inBlocks = PredictSong(backend, Classifier, statistics, sample);
        BandStatistics bands = BandStatistics.Read(statistics);
        List<float> frames = [];
        for (int i = 0; i < ContextFrames; i++) frames.AddRange(bands.Silence);
        using (LogMelExtractor extractor = new(backend))
        using (BandNormalizer normalizer = bands.On(backend))
        using (AudioStream audio = AudioStream.Open(sample))
        {
            LogMelReader reader = new(audio, extractor, normalizer);
            float[] block = new float[LogMelReader.BlockFrames * Bands];
            for (int count; (count = reader.Read(block)) > 0;) frames.AddRange(block.AsSpan(0, count * Bands));
        }

        for (int i = 0; i < ContextFrames; i++) frames.AddRange(bands.Silence);
        using SvdNet network = SvdNet.Load(backend, Classifier);
        using Tensor song = Tensor.From(backend, new Shape(1, 1, frames.Count / Bands, Bands), [.. frames]);
        using Tensor atOnce = network.ProbabilityOfEveryFrame(song);
        Golden.AssertAbsolute(Array.ConvertAll(atOnce.ToArray(), p => (double)p), inBlocks, SlidingTolerance, "probability");
    }

    private static Tensor Excerpts(IBackend backend, float[] values) =>
        Tensor.From(backend, new Shape(values.Length / ExcerptLength, 1, ExcerptFrames, Bands), values);

    private static float[] PredictSong(IBackend backend, string classifier, string statisticsPath, string song)
    {
        BandStatistics statistics = BandStatistics.Read(statisticsPath);
        using SvdNet network = SvdNet.Load(backend, classifier);
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = statistics.On(backend);
        using AudioStream audio = AudioStream.Open(song);
        List<float> probabilities = [];
        long frames = new SongPredictor(backend, network, statistics)
            .Predict(new LogMelReader(audio, extractor, normalizer).Read, (first, block, _) =>
            {
                Assert.Equal(probabilities.Count, first);
                probabilities.AddRange(block);
            });
        Assert.Equal(probabilities.Count, frames);
        return [.. probabilities];
    }
}
