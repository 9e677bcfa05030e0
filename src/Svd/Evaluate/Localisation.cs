using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>How well a region of an excerpt covers the bins in which the voice dominates.</summary>
/// <param name="Area">The region's bins / all bins.</param>
/// <param name="Recall">Of the voice-dominated bins, the share in the region.</param>
/// <param name="Precision">Of the region's bins, the share that is voice-dominated; 0 of an empty region.</param>
public readonly record struct Localisation(double Area, double Recall, double Precision)
{
    /// <summary>
    /// How far below the loudest of the voice's bins in the excerpt a bin of the voice may lie, in dB, to count as voice: what is quieter is nothing that one
    /// hears, but noise of the recording and rounding, which would dominate wherever the accompaniment pauses.
    /// </summary>
    public const double RangeDecibels = 40;

    // Mel bands hold magnitudes, of which 20 dB are a factor of ten; their logarithm is natural.
    private static readonly double _range = RangeDecibels / 20 * Math.Log(10);

    /// <summary>
    /// The voice-dominated bins: those in which the voice alone has more energy than the accompaniment alone and at most <see cref="RangeDecibels"/> less
    /// than in its loudest bin of the excerpt.
    /// </summary>
    /// <param name="voice">Log-mel of the voice, 115×80, not normalised.</param>
    /// <param name="music">Of the accompaniment.</param>
    public static bool[] VoiceBins(ReadOnlySpan<float> voice, ReadOnlySpan<float> music)
    {
        double floor = float.NegativeInfinity;
        foreach (float value in voice) floor = Math.Max(floor, value - _range);
        bool[] bins = new bool[ExcerptLength];
        for (int i = 0; i < ExcerptLength; i++) bins[i] = voice[i] > music[i] && voice[i] >= floor;
        return bins;
    }

    /// <summary>Whether the voice sounds in an excerpt: it dominates in some band for at least half of the time.</summary>
    public static bool Sounds(ReadOnlySpan<bool> voiceBins)
    {
        int frames = 0;
        for (int frame = 0; frame < ExcerptFrames; frame++) frames += voiceBins.Slice(frame * Bands, Bands).Contains(true) ? 1 : 0;
        return 2 * frames >= ExcerptFrames;
    }

    /// <summary>Measures a region.</summary>
    /// <param name="voiceBins">The voice-dominated bins, 115×80, at least one.</param>
    /// <param name="region">1 in the region and 0 elsewhere.</param>
    public static Localisation Of(ReadOnlySpan<bool> voiceBins, ReadOnlySpan<float> region)
    {
        int voice = voiceBins.Count(true), kept = region.Length - region.Count(0), both = 0;
        for (int i = 0; i < region.Length; i++) both += voiceBins[i] && region[i] != 0 ? 1 : 0;
        return new Localisation((double)kept / region.Length, (double)both / voice, kept > 0 ? (double)both / kept : 0);
    }
}
