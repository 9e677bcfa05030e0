using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>How well a region of an excerpt covers the bins in which the voice dominates.</summary>
/// <param name="Area">The region's bins / all bins.</param>
/// <param name="Recall">The share of the voice-dominated bins that lie in the region.</param>
/// <param name="Precision">The share of the region's bins that are voice-dominated; 0 for an empty region.</param>
public readonly record struct Localisation(double Area, double Recall, double Precision)
{
    /// <summary>
    /// How far below the voice's loudest bin of the excerpt a bin may lie, in dB, to count as voice. Anything quieter is inaudible: noise of the recording
    /// and rounding, which would dominate wherever the accompaniment pauses.
    /// </summary>
    public const double RangeDecibels = 40;

    // Mel bands hold natural logarithms of magnitudes, for which 20 dB are a factor of ten.
    private static readonly double _range = RangeDecibels / 20 * Math.Log(10);

    /// <summary>
    /// The voice-dominated bins: the voice alone has more energy there than the accompaniment alone, and lies at most <see cref="RangeDecibels"/> below its
    /// loudest bin of the excerpt.
    /// </summary>
    /// <param name="voice">Log-mel of the voice, 115×80, not normalised.</param>
    /// <param name="music">Log-mel of the accompaniment, 115×80, not normalised.</param>
    public static bool[] VoiceBins(ReadOnlySpan<float> voice, ReadOnlySpan<float> music)
    {
        double floor = float.NegativeInfinity;
        foreach (float value in voice) floor = Math.Max(floor, value - _range);
        bool[] bins = new bool[ExcerptLength];
        for (int i = 0; i < ExcerptLength; i++) bins[i] = voice[i] > music[i] && voice[i] >= floor;
        return bins;
    }

    /// <summary>Whether the voice sounds in an excerpt: whether it dominates some band in at least half of the frames.</summary>
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
