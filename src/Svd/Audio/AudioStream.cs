using System.Diagnostics.CodeAnalysis;
using System.Numerics.Tensors;
using Engine.Kernels;
using Engine.Svd.Audio.Formats;
using Engine.Tensors;

namespace Engine.Svd.Audio;

/// <summary>Audio decoded piece by piece to mono float32 at 22 050 Hz, full scale being ±1.</summary>
[SuppressMessage("Naming", "CA1711", Justification = "It is a stream, of samples rather than bytes.")]
public abstract class AudioStream : IDisposable
{
    /// <summary>Samples a second, in Hz.</summary>
    public const int SampleRate = 22_050;

    /// <summary>The highest frequency that is used of it.</summary>
    internal const int HighestHz = 8000;

    /// <summary>The longest song in seconds: frames are counted in 32 bits.</summary>
    private const int LongestSeconds = 86_400;

    private const double LongestShortfall = 0.5; // Seconds that files announce too much.
    private const double LeastShare = 0.9; // Of a damaged song, for it to be used.
    private const float AbsurdSample = 1e6f;
    private const float LoudSample = 100;

    private readonly List<string> _warnings = [];

    /// <param name="path">The file as the user named it.</param>
    /// <param name="durationSeconds">The length that the header tells.</param>
    /// <param name="recordedRate">Samples a second in the file; 0 where that is unknown.</param>
    private protected AudioStream(string path, double? durationSeconds, int recordedRate = 0)
    {
        FilePath = path;
        DurationSeconds = durationSeconds;

        // Bands without sound hold what encoders and resamplers leave there, and the detector has learned nothing about that.
        if (recordedRate is > 0 and < 2 * HighestHz)
        {
            Warn($"{path} has {recordedRate} samples a second, so nothing above {recordedRate / 2000.0:0.##} kHz, but the detector listens up to "
                + $"{HighestHz / 1000} kHz: do not rely on what it says.");
        }
    }

    /// <summary>The length in seconds where the file's header tells it, for a progress bar; the samples decide.</summary>
    public double? DurationSeconds { get; }

    /// <summary>What decodes it.</summary>
    public abstract Decoder Decoder { get; }

    /// <summary>What is doubtful about the samples read so far, a line each.</summary>
    public virtual IReadOnlyList<string> Warnings => _warnings;

    /// <summary>How many seconds of the song are missing where it is damaged: from the damage on, times may be so much too early.</summary>
    public double MissingSeconds { get; private protected set; }

    /// <summary>The largest magnitude of the samples read so far.</summary>
    public float Peak { get; private set; }

    /// <summary>Why a silent recording may be silent, and what to do; null where nothing is known.</summary>
    public virtual string? SilenceHint => null;

    /// <summary>The file as the user named it, for messages.</summary>
    internal string FilePath { get; }

    private protected long SamplesRead { get; private set; }

    /// <summary>
    /// Opens an audio file. A WAV file that is mono at 22 050 Hz needs no decoder but the own one, unless ffmpeg is asked for.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="channel">What is heard of a recording with several channels.</param>
    /// <param name="decoder">What decodes it.</param>
    /// <exception cref="EngineException">The file cannot be read or is damaged, or is of a kind that takes ffmpeg, which is absent.</exception>
    public static AudioStream Open(string path, Channel channel = Channel.Mix, Decoder decoder = Decoder.Auto) =>
        Open(path, Environment.GetEnvironmentVariable("PATH"), channel, decoder);

    /// <summary>Opens an audio file, looking for ffmpeg in the folders of <paramref name="searchPath"/>.</summary>
    internal static AudioStream Open(
        string path, string? searchPath, Channel channel = Channel.Mix, Decoder decoder = Decoder.Auto, TimeSpan? patience = null)
    {
        FileStream file = InputFile.Open(path);
        try
        {
            WavHeader? header = WavHeader.Read(file, path);
            bool isManaged = decoder == Decoder.Managed
                || (decoder == Decoder.Auto && (header?.IsDirect(SampleRate) == true || AudioTool.Find(searchPath, "ffmpeg") is null));
            if (isManaged) return ManagedStream.TryOpen(path, file, header, channel, out string what) ?? throw TakesFfmpeg(path, what, decoder);

            file.Dispose();
            AudioTrack? known = header is { Format: not WavFormat.Other } wav ? AudioTrack.Of(wav) : null;
            return new FfmpegStream(path, known, channel, searchPath, patience ?? AudioTool.UsualPatience);
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
    /// The file cannot be decoded further, is much shorter than it says or longer than a day, or holds no samples at all or one that is not a finite
    /// number or beyond a million.
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
        Check(destination[..count]);
        SamplesRead += count;
        return count;
    }

    /// <summary>Closes the file, or ends ffmpeg.</summary>
    public abstract void Dispose();

    private protected static double Seconds(long samples) => (double)samples / SampleRate;

    private protected void Warn(string warning) => _warnings.Add(MessageText.Line(warning));

    private static EngineException TakesFfmpeg(string path, string what, Decoder decoder) => new($"{path} is {what}: only ffmpeg can decode it; "
        + (decoder == Decoder.Managed ? "use --decoder ffmpeg." : $"it is not on the PATH, so {FfmpegStream.HowToInstall}"));

    /// <summary>Warns of gaps and damages, and throws where much of the song is missing.</summary>
    /// <param name="samples">The samples that were decoded.</param>
    /// <param name="endSeconds">How long the song should be; null where that is unknown.</param>
    /// <param name="isEstimate">Whether that is only a guess, by which nothing is found missing unless there is a damage.</param>
    /// <param name="gap">Where the first gap that silence fills starts and ends; null where there is none.</param>
    /// <param name="damage">Where the first damage is and what, to stand behind «damaged»; empty where that is unknown, null where there is none.</param>
    private protected void CheckEnd(long samples, double? endSeconds, bool isEstimate, (double Start, double End)? gap, string? damage)
    {
        if (gap is { } silent)
        {
            Warn($"{FilePath} is damaged or was recorded with gaps, the first from {silent.Start:F2} s to {silent.End:F2} s; there is silence in them.");
        }

        double missing = endSeconds is { } end && (damage is not null || !isEstimate) ? end - Seconds(samples) : 0;
        if (missing <= LongestShortfall)
        {
            if (damage is not null) Warn($"{FilePath} is damaged{damage}; the rest was decoded. Get the file again if you can.");
            return;
        }

        string problem = $"{FilePath} is damaged or cut{damage}: of {endSeconds:F2} s only {Seconds(samples):F2} s can be decoded";
        if (Seconds(samples) < LeastShare * endSeconds) throw new EngineException($"{problem}; get the file again.");
        MissingSeconds = missing;
        Warn($"{problem}, and what follows the damage may come too early. Get the file again if you can.");
    }

    // A sample far beyond full scale overflows the spectrum, where nobody could tell any more where it came from.
    private void Check(ReadOnlySpan<float> samples)
    {
        float peak = Math.Abs(TensorPrimitives.MaxMagnitude(samples));
        if (!(peak <= AbsurdSample))
        {
            int bad = 0;
            while (Math.Abs(samples[bad]) <= AbsurdSample) bad++;
            string where = $"({samples[bad]}) at {Seconds(SamplesRead + bad):0.000} s";
            throw new EngineException(float.IsFinite(samples[bad])
                ? $"{FilePath} holds an absurd sample {where}, where full scale is 1; export it again."
                : $"{FilePath} holds a sample that is not a finite number {where}; export it again.");
        }

        if (peak > LoudSample && Peak <= LoudSample)
        {
            int loud = 0;
            while (Math.Abs(samples[loud]) <= LoudSample) loud++;
            Warn($"{FilePath} holds a sample of {samples[loud]} at {Seconds(SamplesRead + loud):0.000} s, where full scale is 1: these are probably "
                + "integers in a float file; export it again.");
        }

        Peak = Math.Max(Peak, peak);
        if (SamplesRead + samples.Length > (long)LongestSeconds * SampleRate) throw new EngineException($"{FilePath} is longer than a day; cut it.");
    }

    /// <summary>Does the work of <see cref="Read"/>, which checks what comes out.</summary>
    private protected abstract int ReadSamples(Span<float> destination);
}
