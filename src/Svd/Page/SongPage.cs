using System.Runtime.InteropServices;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Data;
using Engine.Svd.Explain;
using Engine.Svd.FrontEnd;
using Engine.Svd.Predict;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Page;

/// <summary>Makes the page of a song: reads and explains the song once, and writes while it goes.</summary>
internal sealed class SongPage(SongExplainer explainer, LogMelExtractor extractor, BandNormalizer normalizer, BandStatistics statistics, PageSettings settings)
{
    private const string Markup = "song.html";
    private const int StripLength = 200;

    // From here on all explainers have something to do, and a warm-up pays.
    private const int LongSongSeconds = 60;

    // The spectrogram's darkest and brightest colours: this share of its bins is darker, and this one brighter.
    private const double DarkestShare = 0.25, BrightestShare = 0.999;

    private static readonly string[] _scripts = ["data.js", "fourier.js", "sound.js", "player.js", "picture.js", "moment.js", "song.js"];

    /// <summary>Writes the page.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="song">The song's file.</param>
    /// <param name="labels">Its label file; null where there is none.</param>
    /// <param name="progress">Told how many seconds of how many are done.</param>
    /// <exception cref="EngineException">The song cannot be read, is shorter than an excerpt, or silent.</exception>
    public SongSummary Write(Stream stream, string song, string? labels, Action<double, double?> progress)
    {
        SongSummary? summary = null;
        PageWriter.Write(stream, Markup, _scripts, writer => summary = WriteData(writer, song, labels, progress));
        return summary!;
    }

    private SongSummary WriteData(PageWriter writer, string song, string? labels, Action<double, double?> progress)
    {
        Fingerprint fingerprint = new();
        using AudioStream audio = new SoundTap(AudioStream.Open(song, settings.Channel, settings.Decoder), fingerprint.Add);
        if (audio.DurationSeconds > LongSongSeconds) explainer.WarmUp();
        LogMelReader reader = new(audio, extractor, normalizer);
        PageTiles tiles = new(writer, statistics);
        List<float> probabilities = [], answers = [];
        explainer.Explain(
            destination =>
            {
                int count = reader.Read(destination);
                tiles.Add(destination[..(count * Bands)]);
                return count;
            },
            (_, block) =>
            {
                probabilities.AddRange(block);
                progress(reader.Seconds, audio.DurationSeconds);
            },
            excerpt =>
            {
                tiles.Add(excerpt);
                answers.Add(excerpt.Probability);
                answers.AddRange(excerpt.Methods.Select(method => method.ProbabilityMasked ?? float.NaN));
            });
        reader.RequireUsable(song);
        tiles.End();
        List<string> warnings = [.. audio.Warnings];
        Prediction prediction = PredictionOf(CollectionsMarshal.AsSpan(probabilities), labels, warnings);
        (string sound, int blocks) = PageSound.Write(
            writer, song, settings.Channel, audio, fingerprint.SongSamples, Environment.GetEnvironmentVariable("PATH"));
        Numbers(writer, "probability", CollectionsMarshal.AsSpan(probabilities));
        Numbers(writer, "smoothed", prediction.Smoothed);
        Numbers(writer, "answers", CollectionsMarshal.AsSpan(answers));
        writer.Bytes("fingerprint", PageWriter.Deflate(fingerprint.Bytes));
        writer.Json("song", DataOf(song, tiles, fingerprint, prediction, sound, blocks, warnings), PageContext.Default.PageData);
        Segment[] sung = [.. prediction.Segments.Where(segment => segment.Singing)];
        double seconds = (double)tiles.FrameCount / FramesPerSecond;
        return new SongSummary(
            seconds, sung.Sum(segment => segment.EndSeconds - segment.StartSeconds) / seconds, prediction.Error, sung.Length, sound,
            StripOf(prediction.Smoothed), warnings);
    }

    private Prediction PredictionOf(ReadOnlySpan<float> probabilities, string? labels, List<string> warnings)
    {
        float[] smoothed = Segments.Median(probabilities);
        IReadOnlyList<Segment> segments = Segments.Find(probabilities, settings.ClassThreshold);
        if (labels is null) return new Prediction(smoothed, segments, null, null);
        try
        {
            LabelTrack track = LabelTrack.Read(labels);
            float[] truth = track.ForFrames(smoothed.Length, warnings.Add);
            double? error = DetectionScores.Of(smoothed, truth, settings.ClassThreshold).Error;
            return new Prediction(smoothed, segments, [.. track.Segments.Where(segment => segment.Singing)], error);
        }
        catch (EngineException failure)
        {
            // The page is worth having without labels.
            warnings.Add($"{failure.Message} The page shows no labels.");
            return new Prediction(smoothed, segments, null, null);
        }
    }

    private PageData DataOf(
        string song, PageTiles tiles, Fingerprint fingerprint, Prediction prediction, string sound, int blocks, List<string> warnings) => new()
    {
        Name = Path.GetFileName(song),
        Version = settings.Version,
        FrameCount = tiles.FrameCount,
        FramesPerSecond = FramesPerSecond,
        FrameLength = FrameLength,
        Hop = Hop,
        SampleRate = SampleRate,
        Bands = Bands,
        ExcerptFrames = ExcerptFrames,
        TileFrames = PageTiles.Frames,
        Every = settings.Every,
        AskedEvery = settings.Every * SongExplainer.AskedOfExplained,
        Methods = SongExplainer.Methods,
        Shares = settings.Shares.All,
        AskedShare = settings.Shares.Asked,
        ClassThreshold = settings.ClassThreshold,
        ClassThresholdFrom = settings.ClassThresholdFrom,
        Card = settings.Card,
        Spectrogram = new SpectrogramData(
            PageTiles.Lowest, PageTiles.Step, ByteOf(tiles.Histogram, DarkestShare), ByteOf(tiles.Histogram, BrightestShare), statistics.Mean,
            statistics.Std),
        CornersHz = [.. MelFilterbank.CornersHz.Select(hz => Math.Round(hz, 3))],
        Gains = [.. BinMask.Rows().Select(row => (double[])[row.FirstBand, .. row.Weights.Select(weight => Math.Round(weight, 7))])],
        Sound = new SoundData(sound, blocks, settings.Channel.ToString().ToLowerInvariant(), fingerprint.SongSamples, fingerprint.Start),
        Segments = Pairs(prediction.Segments.Where(segment => segment.Singing)),
        Labels = prediction.Labels is null ? null : Pairs(prediction.Labels),
        Error = prediction.Error,
        Lab = Segments.ToLab(prediction.Segments),
        Warnings = [.. warnings.Select(MessageText.Line)],
    };

    private static double[][] Pairs(IEnumerable<Segment> segments) =>
        [.. segments.Select(segment => (double[])[Math.Round(segment.StartSeconds, 4), Math.Round(segment.EndSeconds, 4)])];

    private static void Numbers(PageWriter writer, string id, ReadOnlySpan<float> numbers) =>
        writer.Bytes(id, PageWriter.Deflate(MemoryMarshal.AsBytes(numbers)));

    // The byte that a share of all bins does not exceed.
    private static int ByteOf(long[] histogram, double share)
    {
        long below = 0, wanted = (long)(share * histogram.Sum());
        int value = 0;
        while (value < histogram.Length - 1 && (below += histogram[value]) <= wanted) value++;
        return value;
    }

    private static int[] StripOf(float[] smoothed) =>
    [
        .. Enumerable.Range(0, StripLength).Select(i =>
        {
            int from = (int)((long)i * smoothed.Length / StripLength), to = Math.Max(from + 1, (int)((i + 1L) * smoothed.Length / StripLength));
            return (int)Math.Round(100 * smoothed.AsSpan(from, to - from).ToArray().Average());
        }),
    ];

    private sealed record Prediction(float[] Smoothed, IReadOnlyList<Segment> Segments, IReadOnlyList<Segment>? Labels, double? Error);
}
