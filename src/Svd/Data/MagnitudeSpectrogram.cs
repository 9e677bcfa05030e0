using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.FrontEnd;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using Tensor = Engine.Tensors.Tensor;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Data;

/// <summary>
/// A song's magnitude spectrogram, frames×513 up to half the sample rate, which augmentation resamples. It is held in memory as float16: 72 KB a second,
/// 17 MB for four minutes, 1 GB for the four hours of Jamendo's training songs. Its rounding, 5e-4 of a magnitude, is far below what augmentation does.
/// It is not kept on disk: computing it takes a third of a second for a minute of music, most of it decoding.
/// </summary>
public sealed class MagnitudeSpectrogram
{
    private readonly Half[] _values;

    private MagnitudeSpectrogram(Half[] values) => _values = values;

    /// <summary>The number of frames.</summary>
    public int Frames => _values.Length / SpectrumBins;

    /// <summary>Makes a spectrogram of frames×513 magnitudes. Magnitudes beyond the largest float16, 65504, become 65504.</summary>
    /// <exception cref="ArgumentException">Not a whole number of frames.</exception>
    public static MagnitudeSpectrogram From(ReadOnlySpan<float> magnitudes)
    {
        if (magnitudes.Length % SpectrumBins != 0)
        {
            throw new ArgumentException($"{magnitudes.Length} values are not frames of {SpectrumBins} frequencies", nameof(magnitudes));
        }

        Half[] values = new Half[magnitudes.Length];
        Round(magnitudes, values);
        return new MagnitudeSpectrogram(values);
    }

    /// <summary>Computes a song's spectrogram.</summary>
    /// <param name="extractor">Has the front end's window and the backend to compute on.</param>
    /// <param name="audioPath">The song.</param>
    /// <param name="progress">Told how many seconds of how many, if known, are read.</param>
    /// <param name="decoder">What decodes the song.</param>
    /// <exception cref="EngineException">The song cannot be decoded or is shorter than an excerpt.</exception>
    public static MagnitudeSpectrogram Compute(
        LogMelExtractor extractor, string audioPath, Action<double, double?>? progress = null, Decoder decoder = Decoder.Auto)
    {
        float[] samples = ReadSamples(audioPath, progress, decoder);
        int frames = (int)FrameCount(samples.Length);
        if (frames < ExcerptFrames)
        {
            double seconds = (double)samples.Length / SampleRate, needed = (double)ExcerptSamples / SampleRate;
            throw new EngineException($"{audioPath} is {seconds:F2} s long, but an excerpt needs {needed:F2} s; remove it from the file list.");
        }

        Half[] values = new Half[(long)frames * SpectrumBins];
        float[] block = new float[LogMelReader.BlockFrames * SpectrumBins];
        for (int frame = 0; frame < frames; frame += LogMelReader.BlockFrames)
        {
            int count = Math.Min(LogMelReader.BlockFrames, frames - frame);
            using Tensor magnitudes = extractor.Magnitudes(samples.AsSpan(frame * Hop, (count - 1) * Hop + FrameLength), SpectrumBins);
            Span<float> rounded = block.AsSpan(0, count * SpectrumBins);
            magnitudes.CopyTo(rounded);
            Round(rounded, values.AsSpan(frame * SpectrumBins, rounded.Length));
        }

        return new MagnitudeSpectrogram(values);
    }

    /// <summary>The 513 magnitudes of a frame.</summary>
    public ReadOnlySpan<Half> Frame(int frame) => _values.AsSpan(frame * SpectrumBins, SpectrumBins);

    /// <summary>The sum of a frame's squared magnitudes.</summary>
    public float Power(int frame)
    {
        Span<float> magnitudes = stackalloc float[SpectrumBins];
        TensorPrimitives.ConvertToSingle(Frame(frame), magnitudes);
        return TensorPrimitives.SumOfSquares(magnitudes);
    }

    private static float[] ReadSamples(string path, Action<double, double?>? progress, Decoder decoder)
    {
        using AudioStream audio = AudioStream.Open(path, decoder: decoder);
        List<float> samples = [];
        float[] block = new float[4 * SampleRate];
        for (int count; (count = audio.Read(block)) > 0;)
        {
            samples.AddRange(block.AsSpan(0, count));
            progress?.Invoke((double)samples.Count / SampleRate, audio.DurationSeconds);
        }

        return [.. samples];
    }

    private static void Round(ReadOnlySpan<float> magnitudes, Span<Half> destination)
    {
        TensorPrimitives.ConvertToHalf(magnitudes, destination);
        TensorPrimitives.Min(destination, Half.MaxValue, destination);
    }
}
