using System.Numerics.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.FrontEnd;

/// <summary>
/// How loud a song is, and how it is brought to another level, so that what a detector says does not depend on how loud the song was mastered. Loud and quiet
/// parts of a song keep their distance.
/// </summary>
public static class SongLevel
{
    /// <summary>A song's level is that of its first three minutes, so that memory does not grow with the song.</summary>
    public const int Frames = 180 * FramesPerSecond;

    /// <summary>The largest change in dB: near-silence stays quiet.</summary>
    public const double LargestGain = 20;

    /// <summary>The level in dB of log-mel frames×80, of which the first <see cref="Frames"/> count: the mean over frames of the bands' summed power.</summary>
    public static double Of(ReadOnlySpan<float> logMel)
    {
        logMel = logMel[..Math.Min(logMel.Length, Frames * Bands)];
        Span<float> power = stackalloc float[Bands];
        double sum = 0;
        for (int start = 0; start < logMel.Length; start += Bands)
        {
            TensorPrimitives.Multiply(logMel.Slice(start, Bands), 2, power);
            TensorPrimitives.Exp(power, power);
            sum += TensorPrimitives.Sum<float>(power);
        }

        return 10 * Math.Log10(sum / (logMel.Length / Bands));
    }

    /// <summary>The change in dB that brings a song to a level, at most <see cref="LargestGain"/> up or down.</summary>
    public static double GainTo(double level, ReadOnlySpan<float> logMel) => Math.Clamp(level - Of(logMel), -LargestGain, LargestGain);

    /// <summary>Changes log-mel frames as if the audio were this many dB louder.</summary>
    public static void Amplify(Span<float> logMel, double decibels)
    {
        float change = (float)(decibels * Math.Log(10) / 20), least = MathF.Log(MagnitudeFloor);
        foreach (ref float value in logMel) value = MathF.Max(value + change, least);
    }
}
