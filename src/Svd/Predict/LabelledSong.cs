using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;

namespace Engine.Svd.Predict;

/// <summary>The predictions and the labels of a song's frames.</summary>
/// <param name="Name">The song's name.</param>
/// <param name="Probabilities">The probabilities of singing after a running median over 56 frames.</param>
/// <param name="Labels">1 if sung, else 0: <see cref="LabelTrack.ForFrames"/>.</param>
public sealed record LabelledSong(string Name, float[] Probabilities, float[] Labels)
{
    /// <summary>Predicts songs after it has read all their label files. The last argument gets how many songs are done, and how many there are.</summary>
    /// <exception cref="EngineException">
    /// A label file is malformed or does not fit its song, or a song cannot be decoded or is shorter than an excerpt.
    /// </exception>
    public static LabelledSong[] PredictAll(
        IBackend backend, SvdNet network, BandStatistics statistics, SpectrogramCache cache, IReadOnlyList<Song> songs, Action<double, double?> progress) =>
        [.. PredictPart(backend, network, statistics, cache, songs, null, progress).OfType<LabelledSong>()];

    /// <summary>The same where other machines predict some of the songs: null stands for those that are not finished yet.</summary>
    /// <inheritdoc cref="PredictAll"/>
    internal static LabelledSong?[] PredictPart(
        IBackend backend, SvdNet network, BandStatistics statistics, SpectrogramCache cache, IReadOnlyList<Song> songs, KeptPredictions? kept,
        Action<double, double?> progress)
    {
        LabelTrack[] labels = [.. songs.Select(song => LabelTrack.Read(song.LabelPath))];
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = statistics.On(backend);
        SongPredictor predictor = new(backend, network, statistics);
        LabelledSong?[] predicted = new LabelledSong?[songs.Count];
        for (int i = 0; i < predicted.Length; i++)
        {
            float[]? probabilities = kept?.TryRead(songs[i]);
            if (probabilities is null && kept?.IsOthers(i) != true)
            {
                probabilities = Predict(songs[i]);
                kept?.Write(songs[i], probabilities);
            }

            if (probabilities is not null) predicted[i] = new LabelledSong(songs[i].Name, probabilities, labels[i].ForFrames(probabilities.Length, cache.Warn));
            progress(i + 1, predicted.Length);
        }

        return predicted;

        float[] Predict(Song song)
        {
            float[] logMel = cache.LogMel(extractor, song.AudioPath);
            return Segments.Median(predictor.Predict(normalizer.NormalizeSong(logMel)));
        }
    }

    /// <summary>The frames of all songs, one after the other.</summary>
    public static LabelledSong Together(IReadOnlyCollection<LabelledSong> songs) =>
        new("all", [.. songs.SelectMany(song => song.Probabilities)], [.. songs.SelectMany(song => song.Labels)]);

    /// <summary>The threshold with the fewest errors on these frames: <see cref="ClassThreshold.Tune"/>.</summary>
    public double TuneThreshold() => ClassThreshold.Tune(Probabilities, Labels);

    /// <summary>The reliability curve of these frames.</summary>
    public ReliabilityCurve Reliability() => ReliabilityCurve.Of(Probabilities, Labels);

    /// <summary>The scores of these frames if those with at least this probability count as singing.</summary>
    public DetectionScores Scores(double threshold) => DetectionScores.Of(Probabilities, Labels, threshold);
}
