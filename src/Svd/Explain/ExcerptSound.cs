using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.FrontEnd;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>
/// The sound of an excerpt, and what a mask keeps of it. Both last from 1/70 s before the excerpt to 1/70 s after it and fade in and out there, so they start
/// and end without a click, and the excerpt itself is unchanged.
/// </summary>
/// <remarks>
/// The mask becomes gains for the 513 frequencies of each frame (<see cref="BinMask"/>). The phases do not change, and weighted overlap-add (Griffin and Lim,
/// IEEE Trans. ASSP 1984) puts the frames together again, with the front end's window w, N = 1024 and hop 315:
/// <code>y[n] = Σ_f w[n − 315·f] · IFFT(g_f ⊙ FFT(w ⊙ x_f))[n − 315·f] / Σ_f w²[n − 315·f]</code>
/// The sums run over every frame that reaches the sound. Frames before and after the excerpt have the mask of the nearest frame in it. So every sample comes
/// from equally many windows, and a mask of ones gives the input.
/// </remarks>
internal sealed class ExcerptSound
{
    /// <summary>The number of samples before the excerpt, and after it, in which the sound fades in and out.</summary>
    public const int FadeSamples = Hop;

    /// <summary>Samples of the sound.</summary>
    public const int Length = FadeSamples + ExcerptSamples + FadeSamples;

    // The number of frames before the excerpt that reach the fade; the first of them starts before it.
    private const int ReachingFrames = (FrameLength - 1 + FadeSamples) / Hop;
    private const int Frames = ReachingFrames + ExcerptFrames + ReachingFrames;
    private const int Before = ReachingFrames * Hop - FadeSamples;

    private static readonly float[] Window = LogMelExtractor.Window();

    // The samples from ReachingFrames frames before the excerpt to ReachingFrames frames after it.
    private readonly float[] _samples;

    private ExcerptSound(float[] samples) => _samples = samples;

    /// <summary>The sound as it is in the song.</summary>
    public float[] Original => Faded(_samples.AsSpan(Before, Length));

    /// <summary>Reads the sound of the excerpt that starts at a frame. Before a song's start and after its end there is silence.</summary>
    /// <exception cref="EngineException">The song cannot be decoded.</exception>
    public static ExcerptSound Read(AudioStream audio, long startFrame)
    {
        float[] samples = new float[(Frames - 1) * Hop + FrameLength], skipped = new float[SampleRate];
        long position = 0, start = (startFrame - ReachingFrames) * Hop;
        for (int count = 1; count > 0 && position < start; position += count)
        {
            count = audio.Read(skipped.AsSpan(0, (int)Math.Min(skipped.Length, start - position)));
        }

        audio.Read(samples.AsSpan((int)Math.Max(0, -start)));
        return new ExcerptSound(samples);
    }

    /// <summary>What a mask of 115×80 keeps of the sound; <paramref name="backend"/> computes the transforms.</summary>
    public float[] Masked(IBackend backend, ReadOnlySpan<float> mask)
    {
        float[] frames = MaskedFrames(backend, mask);
        double[] sum = new double[_samples.Length], weight = new double[_samples.Length];
        for (int frame = 0; frame < Frames; frame++)
        for (int i = 0; i < FrameLength; i++)
        {
            sum[frame * Hop + i] += (double)Window[i] * frames[frame * FrameLength + i];
            weight[frame * Hop + i] += (double)Window[i] * Window[i];
        }

        float[] sound = new float[Length];
        for (int i = 0; i < Length; i++) sound[i] = (float)(sum[Before + i] / weight[Before + i]);
        return Faded(sound);
    }

    // Frames×1024: each frame, windowed, with scaled frequencies.
    private float[] MaskedFrames(IBackend backend, ReadOnlySpan<float> mask)
    {
        using Tensor signal = Tensor.From(backend, new Shape(_samples.Length), _samples);
        using Tensor window = Tensor.From(backend, new Shape(FrameLength), Window);
        using Tensor transformed = signal.RealFft(window, Frames, Hop, SpectrumBins);
        float[] spectra = transformed.ToArray(), frames = new float[Frames * FrameLength];
        double[] gains = new double[SpectrumBins];

        // The inverse transform of X, the spectrum of N real samples x, by one more forward transform: X[N − k] is the conjugate of X[k], and with
        // h[k] = Re X[k] + Im X[k] and its transform H, N·x[n] = Re H[n] + Im H[n] (h is the Hartley transform of x, which is its own inverse).
        for (int frame = 0; frame < Frames; frame++)
        {
            BinMask.Spread(mask.Slice(Math.Clamp(frame - ReachingFrames, 0, ExcerptFrames - 1) * Bands, Bands), gains);
            Span<float> hartley = frames.AsSpan(frame * FrameLength, FrameLength);
            for (int bin = 0; bin < SpectrumBins; bin++)
            {
                float re = spectra[(frame * SpectrumBins + bin) * 2], im = spectra[(frame * SpectrumBins + bin) * 2 + 1];
                hartley[bin] = (float)(gains[bin] / FrameLength * (re + im));
                hartley[(FrameLength - bin) % FrameLength] = (float)(gains[bin] / FrameLength * (re - im));
            }
        }

        using Tensor spectrum = Tensor.From(backend, new Shape(frames.Length), frames);
        using Tensor ones = Tensor.From(backend, new Shape(FrameLength), Enumerable.Repeat(1f, FrameLength).ToArray());
        using Tensor inverse = spectrum.RealFft(ones, Frames, FrameLength, SpectrumBins);
        inverse.CopyTo(spectra);
        for (int frame = 0; frame < Frames; frame++)
        for (int i = 0; i < FrameLength; i++)
        {
            // H[N − n] is the conjugate of H[n].
            int n = Math.Min(i, FrameLength - i), at = (frame * SpectrumBins + n) * 2;
            frames[frame * FrameLength + i] = n == i ? spectra[at] + spectra[at + 1] : spectra[at] - spectra[at + 1];
        }

        return frames;
    }

    private static float[] Faded(ReadOnlySpan<float> sound)
    {
        float[] faded = sound.ToArray();
        for (int i = 0; i < FadeSamples; i++)
        {
            float gain = (float)(0.5 - 0.5 * Math.Cos(Math.PI * (i + 0.5) / FadeSamples));
            faded[i] *= gain;
            faded[^(i + 1)] *= gain;
        }

        return faded;
    }
}
