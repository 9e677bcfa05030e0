using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Engine.Svd.Page;

/// <summary>
/// The loudest 0.74 s of a song. Decoders disagree on how many samples come before the first one, so a page looks for these samples in what its browser
/// decodes, and knows how much earlier or later that is.
/// </summary>
internal sealed class Fingerprint
{
    private const int Length = 1 << 14;

    private readonly float[] _block = new float[Length];
    private readonly float[] _loudest = new float[Length];
    private double _energy = -1;
    private int _filled;
    private long _blocks;

    /// <summary>Where the samples are in the song.</summary>
    public long Start { get; private set; }

    /// <summary>How many samples the song has.</summary>
    public long SongSamples { get; private set; }

    /// <summary>The samples as little-endian 16-bit integers, the largest of them ±32767.</summary>
    public byte[] Bytes
    {
        get
        {
            float peak = Math.Abs(TensorPrimitives.MaxMagnitude(_loudest));
            float scale = peak > 0 ? short.MaxValue / peak : 0;
            return MemoryMarshal.AsBytes(Array.ConvertAll(_loudest, sample => (short)MathF.Round(sample * scale)).AsSpan()).ToArray();
        }
    }

    /// <summary>Takes the next samples of the song.</summary>
    public void Add(ReadOnlySpan<float> samples)
    {
        SongSamples += samples.Length;
        while (!samples.IsEmpty)
        {
            int count = Math.Min(samples.Length, Length - _filled);
            samples[..count].CopyTo(_block.AsSpan(_filled));
            samples = samples[count..];
            _filled += count;
            if (_filled == Length) EndBlock();
        }
    }

    private void EndBlock()
    {
        double energy = TensorPrimitives.SumOfSquares<float>(_block);
        if (energy > _energy)
        {
            (_energy, Start) = (energy, _blocks * Length);
            _block.CopyTo(_loudest, 0);
        }

        (_filled, _blocks) = (0, _blocks + 1);
    }
}
