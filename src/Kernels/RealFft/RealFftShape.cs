using System.Numerics;

namespace Engine.Kernels;

/// <summary>
/// The sizes of a windowed discrete Fourier transform of overlapping frames of one real signal: x holds at least (Frames − 1)·Hop + Size floats, the
/// window Size, y is Frames×Bins×2 (real and imaginary part) in C order. Only the lowest Bins of the Size / 2 + 1 are kept.
/// <code>y[f, k] = Σ_i x[f·Hop + i] · window[i] · e^(−2πi·k·i / Size)</code>
/// </summary>
public readonly record struct RealFftShape
{
    /// <summary>Checks the sizes.</summary>
    /// <exception cref="ArgumentException">
    /// A size is not positive, Size is not a power of two of at least 4, Bins exceeds Size / 2 + 1, or an array would exceed 2³¹ floats.
    /// </exception>
    public RealFftShape(int frames, int size, int hop, int bins)
    {
        (Frames, Size, Hop, Bins) = (frames, size, hop, bins);
        Sizes.RequirePositive(this, frames, size, hop, bins);
        Sizes.Require(this, size >= 4 && BitOperations.IsPow2(size), "the size is not a power of two of at least 4");
        Sizes.Require(this, bins <= size / 2 + 1, "more bins are asked for than a transform of this size has");
        Sizes.Require(this, (frames - 1L) * hop + size <= int.MaxValue, "an array would exceed 2³¹ floats");
        XLength = (frames - 1) * hop + size;
        YLength = Sizes.Product(this, frames, bins, 2);
    }

    /// <summary>The sizes by their names.</summary>
    internal static RealFftShape From(OpSettings s) => new(s.Size("frames"), s.Size("size"), s.Size("hop"), s.Size("bins"));

    /// <summary>Frames, each transformed on its own.</summary>
    public int Frames { get; }

    /// <summary>Samples of a frame.</summary>
    public int Size { get; }

    /// <summary>Samples from one frame's start to the next's.</summary>
    public int Hop { get; }

    /// <summary>The number of frequencies that are kept, starting at 0.</summary>
    public int Bins { get; }

    /// <summary>Floats in x.</summary>
    public int XLength { get; }

    /// <summary>Floats in y.</summary>
    public int YLength { get; }

    /// <summary>Floating-point operations by the usual count for a real transform, 2.5 · Size · log₂ Size a frame.</summary>
    public long Flops => 5L * Frames * Size * BitOperations.Log2((uint)Size) / 2;

    /// <inheritdoc/>
    public override string ToString() => $"real FFT of {Frames} frames of {Size}, hop {Hop}, {Bins} bins";
}
