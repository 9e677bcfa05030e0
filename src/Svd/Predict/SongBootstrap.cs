using Engine.Nn;

namespace Engine.Svd.Predict;

/// <summary>
/// 95 % intervals of scores over songs. Frames of one song are alike, so the bootstrap draws whole songs with replacement, as many as there are, and scores
/// their frames together. The interval contains all but the 25 lowest and the 25 highest of 1000 such scores.
/// </summary>
public static class SongBootstrap
{
    private const int Resamples = 1000;
    private const int Tail = Resamples / 40;

    /// <summary>The bounds of a score's interval; null if a drawn set has no such score. The draws are always the same.</summary>
    /// <param name="songs">Each song's scores.</param>
    /// <param name="score">A score that follows from counts, such as <see cref="DetectionScores.Error"/>.</param>
    public static (double Low, double High)? Interval(IReadOnlyList<DetectionScores> songs, Func<DetectionScores, double?> score)
    {
        if (songs.Count == 0) return null;
        double[] values = new double[Resamples];
        DetectionScores[] drawn = new DetectionScores[songs.Count];
        for (int resample = 0; resample < Resamples; resample++)
        {
            RandomSource random = new(0, (ulong)resample);
            for (int i = 0; i < drawn.Length; i++) drawn[i] = songs[random.NextInt(songs.Count)];
            if (score(DetectionScores.Sum(drawn)) is not { } value) return null;
            values[resample] = value;
        }

        Array.Sort(values);
        return (values[Tail], values[^(Tail + 1)]);
    }
}
