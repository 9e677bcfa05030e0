using Engine.Kernels;
using Engine.Svd.Audio.Formats;

namespace Engine.Svd.Audio;

/// <summary>Decodes a file with the decoders that come with the program, mixes it and resamples it, as ffmpeg does.</summary>
internal sealed class ManagedStream : AudioStream
{
    private readonly SampleSource source;
    private readonly ChannelMixer mixer;
    private readonly Resampler? resampler;
    private float[] interleaved = [];
    private bool ended;

    /// <summary>Takes over the source.</summary>
    public ManagedStream(string path, SampleSource source, Channel channel)
        : base(path, source.EndSeconds, source.SampleRate)
    {
        this.source = source;
        mixer = new ChannelMixer(source.Downmix, channel);
        if (source.SampleRate != SampleRate) resampler = new Resampler(source.SampleRate, SampleRate);
    }

    /// <inheritdoc/>
    public override Decoder Decoder => Decoder.Managed;

    /// <inheritdoc/>
    public override string? SilenceHint => mixer.Hint;

    /// <summary>Takes over the file and finds out what it is; null where it is nothing that can be decoded here.</summary>
    /// <param name="path">The file as the user named it.</param>
    /// <param name="file">The file.</param>
    /// <param name="header">What its header says, if it is a WAV file.</param>
    /// <param name="channel">What is heard of it.</param>
    /// <param name="what">What it is, to stand behind «is».</param>
    /// <exception cref="EngineException">The file is damaged.</exception>
    public static ManagedStream? TryOpen(string path, FileStream file, WavHeader? header, Channel channel, out string what)
    {
        string? kind;
        SampleSource? source;
        if (header is { } wav) (source, kind) = (WavSource.TryOpen(path, file, wav), "a WAV file of an unusual kind");
        else if ((source = VorbisSource.TryOpen(path, file, out kind)) is null && kind is null) source = Mp3Source.TryOpen(file);
        what = kind ?? "not a WAV, MP3 or Ogg Vorbis file";
        return source is null ? null : new ManagedStream(path, source, channel);
    }

    /// <inheritdoc/>
    public override void Dispose() => source.Dispose();

    private protected override int ReadSamples(Span<float> destination)
    {
        if (ended) return 0;
        int count = resampler?.Read(ReadMono, destination) ?? ReadMono(destination);
        if (count < destination.Length)
        {
            ended = true;
            if (mixer.Warning is { } warning) Warn($"{FilePath}: {warning}.");
            CheckEnd(SamplesRead + count, source.EndSeconds, source.IsEstimate, source.FirstGap, source.FirstDamage is { } damage
                ? $" at about {damage.Seconds:F1} s ({damage.What})"
                : null);
        }

        return count;
    }

    private int ReadMono(Span<float> mono)
    {
        int channels = source.Downmix.Channels;
        if (interleaved.Length < channels * mono.Length) interleaved = new float[channels * mono.Length];
        int count = source.Read(interleaved.AsSpan(0, channels * mono.Length)) / channels;
        mixer.Mix(interleaved.AsSpan(0, channels * count), mono[..count]);
        return count;
    }
}
