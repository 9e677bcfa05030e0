using System.Diagnostics.CodeAnalysis;
using System.Numerics.Tensors;
using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Svd.Audio;

/// <summary>Audio decoded piece by piece to mono float32 at 22 050 Hz, full scale being ±1.</summary>
[SuppressMessage("Naming", "CA1711", Justification = "It is a stream, of samples rather than bytes.")]
public abstract class AudioStream : IDisposable
{
    /// <summary>Samples a second, in Hz.</summary>
    public const int SampleRate = 22_050;

    private protected AudioStream(string path, double? durationSeconds)
    {
        FilePath = path;
        DurationSeconds = durationSeconds;
    }

    /// <summary>The length in seconds where the file's header tells it, for a progress bar; the samples decide.</summary>
    public double? DurationSeconds { get; }

    /// <summary>The file as the user named it, for messages.</summary>
    internal string FilePath { get; }

    private protected long SamplesRead { get; private set; }

    /// <summary>
    /// Opens an audio file: a WAV file that is mono at 22 050 Hz, in 16, 24 or 32 bit integers or 32 bit floats, is read directly; ffmpeg
    /// decodes all else.
    /// </summary>
    /// <exception cref="EngineException">The file cannot be read or is a damaged WAV file, or ffmpeg is needed and absent.</exception>
    public static AudioStream Open(string path) => Open(path, Environment.GetEnvironmentVariable("PATH"));

    /// <summary>Opens an audio file, looking for ffmpeg in the folders of <paramref name="searchPath"/>.</summary>
    internal static AudioStream Open(string path, string? searchPath)
    {
        FileStream file = InputFile.Open(path);
        try
        {
            WavHeader? header = WavHeader.Read(file, path);
            if (header is { IsDirect: true }) return new WavStream(path, file, header.Value);

            file.Dispose();
            return new FfmpegStream(path, header?.DurationSeconds, searchPath);
        }
        catch (Exception e)
        {
            file.Dispose();
            if (e is IOException) throw new EngineException($"{path} cannot be read: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Fills <paramref name="destination"/> with the next samples; fewer come only at the end, and then none.</summary>
    /// <returns>The number of samples read; 0 at the end.</returns>
    /// <exception cref="EngineException">
    /// The file cannot be decoded further, holds no samples at all, or one that is not a finite number.
    /// </exception>
    public int Read(Span<float> destination)
    {
        if (destination.IsEmpty) return 0;
        int count;
        try
        {
            count = ReadSamples(destination);
        }
        catch (IOException e)
        {
            throw new EngineException($"{FilePath} cannot be read beyond {Seconds(SamplesRead):0.00} s: {e.Message}", e);
        }

        if (count == 0) return SamplesRead > 0 ? 0 : throw new EngineException($"{FilePath} holds no samples; export it again.");
        ReadOnlySpan<float> samples = destination[..count];
        if (!TensorPrimitives.IsFiniteAll(samples))
        {
            int bad = 0;
            while (float.IsFinite(samples[bad])) bad++;
            throw new EngineException($"{FilePath} holds a sample that is not a finite number ({samples[bad]}) at "
                + $"{Seconds(SamplesRead + bad):0.000} s; export it again.");
        }

        SamplesRead += count;
        return count;
    }

    /// <summary>Closes the file, or ends ffmpeg.</summary>
    public abstract void Dispose();

    private protected static double Seconds(long samples) => (double)samples / SampleRate;

    /// <summary>Does the work of <see cref="Read"/>, which checks what comes out.</summary>
    private protected abstract int ReadSamples(Span<float> destination);
}
