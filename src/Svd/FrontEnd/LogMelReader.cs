using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.FrontEnd;

/// <summary>
/// The log-mel frames of an audio stream, a block at a time, so that memory does not grow with the song. If a normaliser brings songs to a level, the song's
/// own level must be known first: up to <see cref="SongLevel.Frames"/> frames are read ahead.
/// </summary>
public sealed class LogMelReader(AudioStream audio, LogMelExtractor extractor, BandNormalizer? normalizer = null)
{
    /// <summary>Frames of a full block: 3.7 s.</summary>
    public const int BlockFrames = 256;

    private readonly float[] _samples = new float[(BlockFrames - 1) * Hop + FrameLength];
    private int _held;
    private bool _ended;
    private long _samplesRead;
    private float[]? _ahead;
    private int _aheadUsed;
    private double _gain;

    /// <summary>Frames returned so far.</summary>
    public long FramesRead { get; private set; }

    /// <summary>Seconds of audio taken from the stream so far.</summary>
    public double Seconds => (double)_samplesRead / SampleRate;

    /// <summary>
    /// Writes the next frames, at most <see cref="BlockFrames"/>, as frames×80 in C order, normalised if a normaliser was given, and returns their number; 0
    /// at the end.
    /// </summary>
    /// <exception cref="EngineException">The audio cannot be decoded.</exception>
    public int Read(Span<float> frames)
    {
        if (_ahead is null)
        {
            _ahead = normalizer?.Level is null ? [] : ReadAhead();
            if (normalizer?.Level is { } level && _ahead.Length > 0) _gain = SongLevel.GainTo(level, _ahead);
        }

        int available = Math.Min(_ahead.Length / Bands - _aheadUsed, BlockFrames);
        if (available > 0)
        {
            _ahead.AsSpan(_aheadUsed * Bands, available * Bands).CopyTo(frames);
            _aheadUsed += available;
        }
        else
        {
            available = Compute(frames);
        }

        if (available > 0) normalizer?.Normalize(frames[..(available * Bands)], _gain);
        FramesRead += available;
        return available;
    }

    private float[] ReadAhead()
    {
        List<float> frames = [];
        float[] block = new float[BlockFrames * Bands];
        while (frames.Count < SongLevel.Frames * Bands && Compute(block) is var count and > 0) frames.AddRange(block.AsSpan(0, count * Bands));
        return [.. frames];
    }

    // Computes the next frames, not normalised, and returns their number.
    private int Compute(Span<float> frames)
    {
        while (!_ended && _held < _samples.Length)
        {
            Span<float> free = _samples.AsSpan(_held);
            int count = audio.Read(free);
            _ended = count == 0;
            _held += count;
            _samplesRead += count;
        }

        int available = (int)FrameCount(_held);
        if (available == 0) return 0;
        using Tensor logMel = extractor.Transform(_samples.AsSpan(0, _held));
        logMel.CopyTo(frames[..(available * Bands)]);
        int used = available * Hop;
        _samples.AsSpan(used, _held - used).CopyTo(_samples);
        _held -= used;
        return available;
    }

    /// <summary>All remaining frames, frames×80 in C order, normalised if a normaliser was given.</summary>
    /// <param name="path">The song, for messages.</param>
    /// <param name="progress">Gets the number of seconds that were read.</param>
    /// <exception cref="EngineException">The audio cannot be decoded, or all that was read is too short for an excerpt or silent.</exception>
    public float[] ReadToEnd(string path, Action<double>? progress = null)
    {
        List<float> frames = [];
        float[] block = new float[BlockFrames * Bands];
        for (int count; (count = Read(block)) > 0;)
        {
            frames.AddRange(block.AsSpan(0, count * Bands));
            progress?.Invoke(Seconds);
        }

        RequireUsable(path);
        return [.. frames];
    }

    /// <summary>Throws if what was read is too short for an excerpt or nothing but silence.</summary>
    /// <exception cref="EngineException">It is; the message says how many seconds are needed.</exception>
    public void RequireUsable(string path)
    {
        if (FramesRead < ExcerptFrames)
        {
            // Rounded up, so that a file with the stated length is long enough.
            double needed = Math.Ceiling(ExcerptSamples * 100.0 / SampleRate) / 100;
            throw new EngineException($"{path} is {Seconds:F2} s long, but the detector needs {ExcerptFrames} frames ({needed:F2} s)");
        }

        if (audio.Peak == 0)
        {
            throw new EngineException(
                $"{path} is silent: all samples up to {Seconds:F2} s are zero; {audio.SilenceHint ?? "there is nothing to detect"}");
        }
    }
}
