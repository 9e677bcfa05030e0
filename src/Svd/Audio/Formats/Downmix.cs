namespace Engine.Svd.Audio.Formats;

/// <summary>
/// What every channel is worth in the mono mix, as ffmpeg mixes floats: left and right 1/√2 each, the centre 1, all behind 1/2 and the low-frequency
/// channel nothing.
/// </summary>
internal sealed class Downmix
{
    private const float Side = 0.70710678f, Centre = 1, Behind = 0.5f, LowFrequency = 0;

    // What the bits of a WAV file's channel mask mean: left, right, centre, LFE, back left and right, left and right of centre, back centre, side left, right.
    private static readonly float[] _maskWeights = [Side, Side, Centre, LowFrequency, Behind, Behind, Side, Side, Behind, Behind, Behind];

    // Where nothing is said about more than two channels, ffmpeg takes them for 2.1, 4.0, 5.0, 5.1, 6.1 and 7.1.
    private static readonly float[][] _weights =
    [
        [1], [Side, Side], [Side, Side, LowFrequency], [Side, Side, Centre, Behind], [Side, Side, Centre, Behind, Behind],
        [Side, Side, Centre, LowFrequency, Behind, Behind], [Side, Side, Centre, LowFrequency, Behind, Behind, Behind],
        [Side, Side, Centre, LowFrequency, Behind, Behind, Behind, Behind],
    ];

    private Downmix(float[] weights) => Weights = weights;

    /// <summary>Whether a recording has two channels.</summary>
    public bool IsStereo => Channels == 2;

    /// <summary>The number of channels.</summary>
    public int Channels => Weights.Length;

    /// <summary>The factor of each channel.</summary>
    public float[] Weights { get; }

    /// <summary>The mix of a WAV file's channels.</summary>
    /// <param name="channels">How many.</param>
    /// <param name="mask">The channels that there are, as WAVE_FORMAT_EXTENSIBLE has it; 0 where nothing is said.</param>
    /// <returns>The mix; null where it is not known how to mix so many.</returns>
    public static Downmix? OfWav(int channels, uint mask)
    {
        float[] named = [.. _maskWeights.Where((_, bit) => (mask >> bit & 1) != 0)];
        return channels > 2 && named.Length == channels ? new Downmix(named) : Of(channels);
    }

    /// <summary>The mix of as many channels; null where it is not known how to mix them.</summary>
    public static Downmix? Of(int channels) => channels <= _weights.Length ? new Downmix(_weights[channels - 1]) : null;

    /// <summary>Makes mono stereo, or the other way round, as loud in the mix as it was.</summary>
    public static void Convert(ReadOnlySpan<float> from, int fromChannels, Span<float> to, int toChannels)
    {
        if (fromChannels == toChannels) from.CopyTo(to);
        else if (toChannels == 2)
        {
            for (int i = 0; i < from.Length; i++) to[2 * i] = to[2 * i + 1] = Side * from[i];
        }
        else
        {
            for (int i = 0; i < from.Length / 2; i++) to[i] = Side * (from[2 * i] + from[2 * i + 1]);
        }
    }
}
