using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.FrontEnd;
using NWaves.Transforms;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Explain;

/// <summary>
/// The sound of an excerpt, and what a mask keeps of it. Both last from 1/70 s before the excerpt to 1/70 s after it and fade in and out there, so they start
/// and end without a click, and the excerpt itself is unchanged.
/// </summary>
/// <remarks>
/// The mask becomes gains g for the 513 frequencies of each frame (<see cref="BinMask"/>). The phases do not change, and <see cref="OverlapAdd"/> puts the
/// frames IFFT(g ⊙ FFT(w ⊙ x)) together again. The sums run over every frame that reaches the sound. Frames before and after the excerpt have the mask of the
/// nearest frame in it. So every sample comes from equally many windows, and a mask of ones gives the input.
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

    /// <summary>What a mask of 115×80 keeps of the sound.</summary>
    public float[] Masked(ReadOnlySpan<float> mask)
    {
        OverlapAdd sum = new(Frames);
        RealFft64 fft = new(FrameLength); // NWaves' Stft supposes a hop that divides the window.
        double[] frame = new double[FrameLength], re = new double[SpectrumBins], im = new double[SpectrumBins], gains = new double[SpectrumBins];
        for (int f = 0; f < Frames; f++)
        {
            BinMask.Spread(mask.Slice(Math.Clamp(f - ReachingFrames, 0, ExcerptFrames - 1) * Bands, Bands), gains);
            OverlapAdd.Cut(_samples, f, frame);
            fft.Direct(frame, re, im);
            TensorPrimitives.Multiply(re, gains, re);
            TensorPrimitives.Multiply(im, gains, im);
            fft.InverseNorm(re, im, frame);
            sum.Add(f, frame);
        }

        float[] sound = new float[Length];
        for (int i = 0; i < Length; i++) sound[i] = (float)sum[Before + i];
        return Faded(sound);
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
