namespace Engine.Kernels;

/// <summary>
/// The sizes of a matrix product with a bias: x is N×In, w is In×Out, y is N×Out, all in C order.
/// <code>y[n, o] = b[o] + Σ_i x[n, i] · w[i, o]</code>
/// </summary>
public readonly record struct DenseShape
{
    /// <summary>Checks the sizes.</summary>
    /// <exception cref="ArgumentException">A size is not positive, or an array would exceed 2³¹ floats.</exception>
    public DenseShape(int n, int @in, int @out)
    {
        (N, In, Out) = (n, @in, @out);
        Sizes.RequirePositive(this, n, @in, @out);
        XLength = Sizes.Product(this, n, @in);
        WLength = Sizes.Product(this, @in, @out);
        YLength = Sizes.Product(this, n, @out);
    }

    /// <summary>The sizes by their names.</summary>
    internal static DenseShape From(OpSettings s) => new(s.Size("n"), s.Size("in"), s.Size("out"));

    /// <summary>Rows of x and y: samples.</summary>
    public int N { get; }

    /// <summary>Columns of x: input features.</summary>
    public int In { get; }

    /// <summary>Columns of y: output features.</summary>
    public int Out { get; }

    /// <summary>Floats in x.</summary>
    public int XLength { get; }

    /// <summary>Floats in w.</summary>
    public int WLength { get; }

    /// <summary>Floats in y.</summary>
    public int YLength { get; }

    /// <summary>Floating-point operations; a multiplication and an addition count as two.</summary>
    public long Flops => 2L * YLength * In;

    /// <inheritdoc/>
    public override string ToString() => $"dense x {N}×{In}, w {In}×{Out}";
}
