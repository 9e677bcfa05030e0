using NLayer;

namespace Engine.Svd.Audio.Formats;

/// <summary>
/// Decodes MPEG audio of layers I, II and III with NLayer. What the encoder added at either end is left out, as ffmpeg does it. A frame that cannot be decoded
/// is silence, so that what follows comes in time.
/// </summary>
/// <remarks>
/// NLayer's MpegFile keeps every frame of a song, passes over damaged ones without a word and leaves the decoder's delay in; its MpegFrameDecoder is used.
/// </remarks>
internal sealed class Mp3Source : SampleSource
{
    private readonly FileStream file;
    private readonly Mp3Frames frames;
    private readonly Mp3Info? info;
    private readonly Mp3Frame frame;
    private readonly MpegFrameDecoder decoder = new();
    private readonly float[] decoded = new float[2 * 1152];
    private readonly float[] ready = new float[2 * 1152];
    private readonly int channels;
    private readonly double guess;
    private bool isFrameRead;
    private bool hasSound;
    private long framesDecoded;
    private int readyStart;
    private int readyEnd;
    private bool ended;

    private Mp3Source(FileStream file, Mp3Frames frames)
    {
        (this.file, this.frames) = (file, frames);
        long start = file.Position;
        frame = frames.First is { Layer: MpegLayer.LayerIII, SampleRate: 8000 } ? new Mp3RecodedFrame() : new Mp3Frame();
        isFrameRead = frames.Next(frame);
        info = Mp3Info.Read(frame);
        guess = 8.0 * (file.Length - start) / frames.First.BitRate;
        if (info is not null) isFrameRead = false;
        channels = frames.First.IsMono ? 1 : 2;
        Downmix = Downmix.Of(channels)!;
    }

    /// <inheritdoc/>
    public override int SampleRate => frames.First.SampleRate;

    /// <inheritdoc/>
    public override Downmix Downmix { get; }

    /// <inheritdoc/>
    public override double? EndSeconds =>
        info?.Frames is { } count ? Seconds(count) - (double)(info.StartSamples + info.EndSamples) / SampleRate
        : ended ? Seconds(framesDecoded) * (1 + (double)frames.LostBytes / frames.FrameBytes)
        : guess;

    /// <inheritdoc/>
    public override bool IsEstimate => info?.Frames is null && !ended;

    /// <summary>Opens a file; null where it is not MPEG audio.</summary>
    public static Mp3Source? TryOpen(FileStream file) => Mp3Frames.Find(file) is { } frames ? new Mp3Source(file, frames) : null;

    /// <inheritdoc/>
    public override int Read(Span<float> interleaved)
    {
        int done = 0;
        while (done < interleaved.Length && (readyStart < readyEnd || Decode()))
        {
            int count = Math.Min(interleaved.Length - done, readyEnd - readyStart);
            ready.AsSpan(readyStart, count).CopyTo(interleaved[done..]);
            readyStart += count;
            done += count;
        }

        return done;
    }

    /// <inheritdoc/>
    public override void Dispose() => file.Dispose();

    private double Seconds(long count) => (double)count * frames.First.SampleCount / SampleRate;

    // The next frame's samples, less those that the encoder added; false at the end.
    private bool Decode()
    {
        long lostBefore = frames.LostBytes;
        if (!isFrameRead && !frames.Next(frame))
        {
            ended = true;
            if (frames.LostBytes > lostBefore) ReportDamage(Seconds(framesDecoded), "its last bytes are no frames");
            if (frames.IsCut) ReportDamage(Seconds(framesDecoded), "it ends within a frame");
            return false;
        }

        isFrameRead = false;
        if (frames.LostBytes > lostBefore) ReportDamage(Seconds(framesDecoded), $"{frames.LostBytes - lostBefore} bytes are no frames");
        DecodeFrame();
        int samples = frame.Header.SampleCount;
        long start = framesDecoded++ * samples;
        (readyStart, readyEnd) = (0, samples * channels);
        if (info is null) return true;
        readyStart = channels * (int)Math.Clamp(info.StartSamples - start, 0, samples);
        if (info.Frames * samples is { } end && start < end) readyEnd = channels * (int)Math.Clamp(end - info.EndSamples - start, 0, samples);
        readyStart = Math.Min(readyStart, readyEnd);
        return true;
    }

    private void DecodeFrame()
    {
        int count = 0;
        try
        {
            count = decoder.DecodeFrame(frame, decoded, 0);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            decoder.Reset();
            ReportDamage(Seconds(framesDecoded), "a frame cannot be decoded");
        }

        int frameChannels = frame.Header.IsMono ? 1 : 2;
        hasSound |= count > 0;
        if (count < frame.Header.SampleCount * frameChannels)
        {
            // The first frames of a song that was cut from another one lack what was in the frames before them.
            if (hasSound) ReportDamage(Seconds(framesDecoded), "a frame lacks what should be in those before it");
            Array.Clear(decoded);
        }

        Downmix.Convert(decoded.AsSpan(0, frame.Header.SampleCount * frameChannels), frameChannels, ready, channels);
    }
}
