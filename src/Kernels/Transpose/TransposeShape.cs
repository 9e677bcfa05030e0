namespace Engine.Kernels;

/// <summary>
/// The sizes of a transposition: x is Samples×Rows×Columns, y is Samples×Columns×Rows, in C order, y[n, j, i] = x[n, i, j].
/// </summary>
public readonly record struct TransposeShape
{
    /// <summary>Checks the sizes.</summary>
    /// <exception cref="ArgumentException">A size is not positive, or an array would exceed 2³¹ floats.</exception>
    public TransposeShape(int rows, int columns, int samples = 1)
    {
        (Rows, Columns, Samples) = (rows, columns, samples);
        Sizes.RequirePositive(this, rows, columns, samples);
        Length = Sizes.Product(this, samples, rows, columns);
    }

    /// <summary>The sizes by their names.</summary>
    internal static TransposeShape From(OpSettings s) => new(s.Size("rows"), s.Size("columns"), s.Size("samples", 1));

    /// <summary>Matrices that lie one after the other and are each transposed.</summary>
    public int Samples { get; }

    /// <summary>Rows of x.</summary>
    public int Rows { get; }

    /// <summary>Columns of x.</summary>
    public int Columns { get; }

    /// <summary>Floats in x and in y.</summary>
    public int Length { get; }

    /// <summary>The inverse, which is also the gradient.</summary>
    public TransposeShape Inverse => new(Columns, Rows, Samples);

    /// <inheritdoc/>
    public override string ToString() => $"transpose {(Samples == 1 ? "" : $"{Samples}×")}{Rows}×{Columns}";
}
