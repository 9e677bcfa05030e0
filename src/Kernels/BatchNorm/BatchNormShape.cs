namespace Engine.Kernels;

/// <summary>
/// The sizes of a batch normalisation: x and y are N×C×Inner in C order (Inner = H·W, or 1 after a dense layer), the parameters have C floats.
/// Of maps with the batch last, a <see cref="BatchBlocks">block</see> is a sample: N is the number of blocks, and Inner = H·W·samples of a block.
/// <code>y[n,c,i] = (x[n,c,i] − mean[c]) · inverseStd[c] · gamma[c] + beta[c]</code>
/// </summary>
public readonly record struct BatchNormShape
{
    /// <summary>Checks the sizes.</summary>
    /// <exception cref="ArgumentException">A size is not positive, or an array would exceed 2³¹ floats.</exception>
    public BatchNormShape(int n, int c, int inner)
    {
        (N, C, Inner) = (n, c, inner);
        Sizes.RequirePositive(this, n, c, inner);
        Length = Sizes.Product(this, n, c, inner);
    }

    /// <summary>The sizes by their names.</summary>
    internal static BatchNormShape From(OpSettings s) => new(s.Size("n"), s.Size("c"), s.Size("inner"));

    /// <summary>Samples.</summary>
    public int N { get; }

    /// <summary>Channels. Each has its own mean and deviation.</summary>
    public int C { get; }

    /// <summary>Elements of a channel of one sample.</summary>
    public int Inner { get; }

    /// <summary>Floats in x and in y.</summary>
    public int Length { get; }

    /// <inheritdoc/>
    public override string ToString() => $"batch norm x {N}×{C}×{Inner}";
}
