using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>
/// Cuts a sound into frames with the front end's window w, N = 1024 and hop 315, and puts frames x_f together again by weighted overlap-add (Griffin and Lim,
/// IEEE Trans. ASSP 1984):
/// <code>y[n] = Σ_f w[n − 315·f] · x_f[n − 315·f] / Σ_f w²[n − 315·f]</code>
/// </summary>
/// <param name="frames">The number of frames.</param>
internal sealed class OverlapAdd(int frames)
{
    // Inside a sound the weights are about 1.2.
    private const double LeastWeight = 0.1;

    private static readonly float[] _window = NWaves.Windows.Window.Hann(FrameLength);

    private readonly double[] _sum = new double[(frames - 1) * Hop + FrameLength];
    private readonly double[] _weight = new double[(frames - 1) * Hop + FrameLength];

    /// <summary>A sample of the sound. At the ends, where hardly a window reaches, the sound fades instead of being divided by almost nothing.</summary>
    public double this[int sample] => _sum[sample] / Math.Max(_weight[sample], LeastWeight);

    /// <summary>Overwrites a frame with a part of a sound, windowed.</summary>
    public static void Cut(ReadOnlySpan<float> sound, int frame, Span<double> windowed)
    {
        for (int i = 0; i < FrameLength; i++) windowed[i] = (double)_window[i] * sound[frame * Hop + i];
    }

    /// <summary>Adds a frame.</summary>
    public void Add(int frame, ReadOnlySpan<double> samples)
    {
        for (int i = 0; i < FrameLength; i++)
        {
            _sum[frame * Hop + i] += _window[i] * samples[i];
            _weight[frame * Hop + i] += (double)_window[i] * _window[i];
        }
    }

    /// <summary>Forgets all frames.</summary>
    public void Clear()
    {
        Array.Clear(_sum);
        Array.Clear(_weight);
    }
}
