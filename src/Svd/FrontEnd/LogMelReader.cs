using System.Numerics.Tensors;
using Engine.Svd.Audio;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.FrontEnd;

/// <summary>The log-mel frames of an audio stream, a block at a time, so that memory does not grow with the song.</summary>
public sealed class LogMelReader(AudioStream audio, LogMelExtractor extractor, BandNormalizer? normalizer = null)
{
    /// <summary>Frames of a full block: 3.7 s.</summary>
    public const int BlockFrames = 256;

    private readonly float[] _samples = new float[(BlockFrames - 1) * Hop + FrameLength];
    private int _held;
    private bool _ended;

    /// <summary>Frames returned so far.</summary>
    public long FramesRead { get; private set; }

    /// <summary>Samples taken from the stream so far.</summary>
    public long SamplesRead { get; private set; }

    /// <summary>The largest absolute sample so far: 0 for a file of silence.</summary>
    public float Peak { get; private set; }

    /// <summary>
    /// Writes the next frames, at most <see cref="BlockFrames"/>, as frames×80 in C order, normalised if a normaliser was given, and returns how
    /// many; 0 at the end.
    /// </summary>
    /// <exception cref="Kernels.EngineException">The audio cannot be decoded.</exception>
    public int Read(Span<float> frames)
    {
        while (!_ended && _held < _samples.Length)
        {
            Span<float> free = _samples.AsSpan(_held);
            int count = audio.Read(free);
            _ended = count == 0;
            _held += count;
            SamplesRead += count;
            if (count > 0) Peak = Math.Max(Peak, Math.Abs(TensorPrimitives.MaxMagnitude(free[..count])));
        }

        int available = (int)FrameCount(_held);
        if (available == 0) return 0;
        using Tensor logMel = extractor.Transform(_samples.AsSpan(0, _held));
        using Tensor? normalized = normalizer?.Normalize(logMel);
        (normalized ?? logMel).CopyTo(frames[..(available * Bands)]);
        int used = available * Hop;
        _samples.AsSpan(used, _held - used).CopyTo(_samples);
        _held -= used;
        FramesRead += available;
        return available;
    }
}
