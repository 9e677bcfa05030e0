using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Audio;
using Engine.Svd.Data;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Predict;

namespace Engine.Svd;

/// <summary>
/// The singing-voice detector as a library: finds singing in songs and explains what it goes by. One thread at a time may use it.
/// </summary>
/// <example>
/// <code>
/// using Detector detector = Detector.LoadBundled();
/// foreach (Segment segment in detector.Predict("song.mp3").Segments) Console.WriteLine($"{segment.StartSeconds:F2} s: {segment.Singing}");
/// </code>
/// </example>
public sealed class Detector : IDisposable
{
    private const double DefaultClassThreshold = 0.5, MaskThreshold = 0.6;

    private readonly IBackend _backend;
    private readonly BandStatistics _statistics;
    private readonly SvdNet _network;
    private readonly InversionNetwork _inversion;
    private readonly LogMelExtractor _extractor;
    private readonly BandNormalizer _normalizer;
    private readonly SongPredictor _predictor;
    private readonly ExcerptDetector _excerpts;
    private readonly Explainer _explainer;

    private Detector(IBackend backend, string classifier, string statistics, string inverter)
    {
        _backend = backend;
        _statistics = BandStatistics.Read(statistics);
        WeightFile weights = WeightFile.Read(classifier);
        _network = SvdNet.Load(backend, weights);
        _inversion = InversionNetwork.Load(backend, WeightFile.Read(inverter));
        ClassThreshold = WeightNotes.Of(weights)?.ClassThreshold ?? DefaultClassThreshold;
        (_extractor, _normalizer) = (new LogMelExtractor(backend), _statistics.On(backend));
        _predictor = new SongPredictor(backend, _network, _statistics);
        _excerpts = new ExcerptDetector(backend, _network);
        _explainer = new Explainer(_excerpts, NetworkMethod.Of(_excerpts, _inversion));
    }

    /// <summary>A probability of at least this counts as singing: what was tuned for these weights, or 0.5.</summary>
    public double ClassThreshold { get; }

    /// <summary>Loads the weights that come with the library, on the processor.</summary>
    /// <param name="threads">How many threads compute; all processors by default.</param>
    /// <exception cref="EngineException">The weights are not beside the program.</exception>
    public static Detector LoadBundled(int? threads = null) =>
        Load(BundledFiles.Classifier, BundledFiles.Statistics, BundledFiles.Inverter, threads);

    /// <summary>Loads a detector, the statistics it was trained with, and an inversion network that was trained on it.</summary>
    /// <param name="classifier">SVDNet's weights (.npz).</param>
    /// <param name="statistics">The mean and standard deviation of the mel bands (.npz).</param>
    /// <param name="inverter">The inversion network's weights (.npz).</param>
    /// <param name="threads">How many threads compute; all processors by default.</param>
    /// <exception cref="EngineException">A file cannot be read or holds something else; the message names it.</exception>
    public static Detector Load(string classifier, string statistics, string inverter, int? threads = null)
    {
        IBackend backend = Backends.CreateCpu(threads);
        try
        {
            return new Detector(backend, classifier, statistics, inverter);
        }
        catch (EngineException)
        {
            backend.Dispose();
            throw;
        }
    }

    /// <summary>The probability of singing in every frame of a song, 70 a second, and the segments with and without singing.</summary>
    /// <exception cref="EngineException">The song cannot be decoded, is shorter than 1.64 s, or is silent.</exception>
    public SongPrediction Predict(string song)
    {
        using AudioStream audio = AudioStream.Open(song);
        LogMelReader reader = new(audio, _extractor, _normalizer);
        List<float> probabilities = [];
        _predictor.Predict(reader.Read, (_, block, _) => probabilities.AddRange(block));
        reader.RequireUsable(song);
        float[] values = [.. probabilities];
        return new SongPrediction(values, Segments.Find(values, ClassThreshold), audio.Warnings);
    }

    /// <summary>Explains 1.64 s of a song by the paper's method: the mask holds what stands out when the detector's features are inverted.</summary>
    /// <param name="song">The song.</param>
    /// <param name="atSeconds">Where the excerpt starts; by default, where the detector is most certain of singing.</param>
    /// <exception cref="EngineException">The song cannot be decoded, is silent, or has no excerpt there.</exception>
    public SongExplanation Explain(string song, double? atSeconds = null)
    {
        using AudioStream audio = AudioStream.Open(song);
        LogMelReader reader = new(audio, _extractor, _normalizer);
        (long start, float[] excerpt) = atSeconds is { } seconds
            ? ExcerptFinder.At(reader, seconds, song)
            : ExcerptFinder.MostCertain(reader, _predictor, song, () => { });
        return new SongExplanation(
            (double)start / FrontEndSettings.FramesPerSecond, _explainer.Explain(excerpt, MaskSize.Threshold(MaskThreshold))[0], ClassThreshold);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _excerpts.Dispose();
        _normalizer.Dispose();
        _extractor.Dispose();
        _inversion.Dispose();
        _network.Dispose();
        _backend.Dispose();
    }
}

/// <summary>What the detector says about a song.</summary>
/// <param name="Probabilities">P(singing) of every frame, 70 a second.</param>
/// <param name="Segments">The segments with and without singing, after a running median over 56 frames; they cover the song.</param>
/// <param name="Warnings">What is doubtful about the recording.</param>
public sealed record SongPrediction(float[] Probabilities, IReadOnlyList<Segment> Segments, IReadOnlyList<string> Warnings);

/// <summary>An explained excerpt of a song.</summary>
/// <param name="StartSeconds">Where the excerpt starts.</param>
/// <param name="Explanation">Its input, mask and probabilities.</param>
/// <param name="ClassThreshold">A probability of at least this counts as singing.</param>
public sealed record SongExplanation(double StartSeconds, Explanation Explanation, double ClassThreshold)
{
    /// <summary>Whether the detector says the same about what the mask keeps as about the whole excerpt.</summary>
    public bool LabelStays => Explanation.Probability >= ClassThreshold == Explanation.ProbabilityMasked >= ClassThreshold;
}
