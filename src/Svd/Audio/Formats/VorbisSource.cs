using Engine.Kernels;
using NVorbis;

namespace Engine.Svd.Audio.Formats;

/// <summary>
/// Decodes Ogg Vorbis with NVorbis. Where pages are missing there is silence, from 0.1 s on, as long as the file's own count of samples says.
/// </summary>
internal sealed class VorbisSource : SampleSource
{
    private const int BlockFrames = 256;

    // NVorbis 0.10.5 decodes surround wrongly: it gives every residue all channels.
    private const int MostChannels = 2;

    private const double ShortestGap = 0.1, LongestDoubt = 10; // In seconds.

    private readonly string path;
    private readonly FileStream file;
    private readonly VorbisPackets packets;
    private readonly long? endGranule;
    private readonly float[] block;

    // What was decoded since a loss, while it is not known where it belongs.
    private readonly List<float> doubtful = [];
    private StreamDecoder decoder;
    private float[] ready = [];
    private int readyStart;
    private int readyEnd;
    private long silence; // Samples of all channels, to give before those that are ready.
    private long? origin; // The file's count at the stream's first sample.
    private long decodedFrames; // Of this stream, and the silence in it.
    private long framesBefore; // Of the streams before it.
    private int losses;
    private long granuleAtLoss;

    private VorbisSource(string path, FileStream file, VorbisPackets packets, StreamDecoder decoder, long? endGranule)
    {
        (this.path, this.file, this.packets, this.decoder, this.endGranule) = (path, file, packets, decoder, endGranule);
        Downmix = Downmix.Of(decoder.Channels)!;
        block = new float[BlockFrames * decoder.Channels];
    }

    /// <inheritdoc/>
    public override int SampleRate => decoder.SampleRate;

    /// <inheritdoc/>
    public override Downmix Downmix { get; }

    /// <inheritdoc/>
    public override double? EndSeconds => framesBefore > 0 ? null : (double?)(endGranule - (origin ?? 0)) / SampleRate;

    private double Seconds => (double)(framesBefore + decodedFrames) / SampleRate;

    /// <summary>Opens a file; null where it is not Ogg Vorbis, or has more than two channels.</summary>
    /// <param name="path">The file as the user named it.</param>
    /// <param name="file">The file.</param>
    /// <param name="what">What it is; null where it is not Ogg Vorbis.</param>
    /// <exception cref="EngineException">It is, but its headers are damaged.</exception>
    public static VorbisSource? TryOpen(string path, FileStream file, out string? what)
    {
        what = null;
        file.Position = 0;
        ByteWindow window = new(file);
        VorbisPackets packets = new(window);
        if (!window.Peek(4).StartsWith("OggS"u8) || !packets.NextStream()) return null;
        StreamDecoder decoder = Decode(path, packets);
        what = $"an Ogg Vorbis file with {decoder.Channels} channels";
        if (decoder.Channels > MostChannels) return null;
        long position = window.Position;
        long? end = packets.LastGranule();
        window.MoveTo(position);
        return new VorbisSource(path, file, packets, decoder, end);
    }

    /// <inheritdoc/>
    public override int Read(Span<float> interleaved)
    {
        int done = 0;
        while (done < interleaved.Length && (silence > 0 || readyStart < readyEnd || DecodeBlock() || NextStream()))
        {
            Span<float> rest = interleaved[done..];
            int count = silence > 0 ? (int)Math.Min(silence, rest.Length) : Math.Min(readyEnd - readyStart, rest.Length);
            if (silence > 0)
            {
                rest[..count].Clear();
                silence -= count;
            }
            else
            {
                ready.AsSpan(readyStart, count).CopyTo(rest);
                readyStart += count;
            }

            done += count;
        }

        return done;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        decoder.Dispose();
        file.Dispose();
    }

    // What is louder than full scale is not clipped, as ffmpeg does not clip it either.
    private static StreamDecoder Decode(string path, VorbisPackets packets)
    {
        try
        {
            return new StreamDecoder(packets) { ClipSamples = false };
        }
        catch (Exception e) when (IsBadData(e))
        {
            throw new EngineException($"{path} is a damaged Ogg Vorbis file: its headers cannot be read; get the file again.", e);
        }
    }

    // What NVorbis makes of bad data is any exception; one of the disk is not to be taken for it.
    private static bool IsBadData(Exception e) => e is not (OutOfMemoryException or IOException);

    // True where something is ready, or may be with the next block; false at the stream's end.
    private bool DecodeBlock()
    {
        int count;
        try
        {
            count = decoder.Read(block, 0, block.Length);
        }
        catch (Exception e) when (IsBadData(e))
        {
            ReportDamage(Seconds, "a packet cannot be decoded");
            return true;
        }

        if (packets.Losses != losses)
        {
            ReportDamage(Seconds, "a part of it is missing or garbled");
            if (doubtful.Count == 0) granuleAtLoss = packets.GranuleBeforeLoss;
            losses = packets.Losses;
            doubtful.AddRange(block.AsSpan(0, count));
        }
        else if (doubtful.Count > 0) doubtful.AddRange(block.AsSpan(0, count));
        else Give(block, count);

        if (doubtful.Count > 0 && (count == 0 || packets.Granule != granuleAtLoss || doubtful.Count > LongestDoubt * SampleRate * Downmix.Channels)) Resolve();
        if (origin is null && packets.Granule >= 0) origin = decoder.SamplePosition - decodedFrames;
        return count > 0 || readyStart < readyEnd;
    }

    private void Give(float[] samples, int count)
    {
        (ready, readyStart, readyEnd) = (samples, 0, count);
        decodedFrames += count / Downmix.Channels;
    }

    // Where the samples since the loss belong, by the file's count at the end of the first page behind it.
    private void Resolve()
    {
        bool isKnown = packets.Granule != granuleAtLoss && origin is not null;
        long missing = isKnown ? decoder.SamplePosition - origin!.Value - decodedFrames - doubtful.Count / Downmix.Channels : 0;
        if (missing >= ShortestGap * SampleRate)
        {
            FirstGap ??= (Seconds, Seconds + (double)missing / SampleRate);
            silence = missing * Downmix.Channels;
            decodedFrames += missing;
        }
        else origin += missing;

        Give([.. doubtful], doubtful.Count);
        doubtful.Clear();
    }

    private bool NextStream()
    {
        if (!packets.NextStream())
        {
            if (packets.EndsInLoss) ReportDamage(Seconds, "its last page is cut or garbled");
            return false;
        }

        StreamDecoder next = Decode(path, packets);
        if (next.SampleRate != SampleRate || next.Channels != Downmix.Channels)
        {
            throw new EngineException($"{path} changes its sample rate or its channels at {Seconds:F2} s; save the parts to files of their own.");
        }

        decoder.Dispose();
        decoder = next;
        framesBefore += decodedFrames;
        (decodedFrames, origin, losses) = (0, null, packets.Losses);
        return true;
    }
}
