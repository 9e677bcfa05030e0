namespace Engine.Kernels;

/// <summary>The sizes of a transposition: x is Rows×Columns, y is Columns×Rows, in C order, y[j, i] = x[i, j].</summary>
public readonly record struct TransposeShape
{
    /// <summary>Checks the sizes.</summary>
    /// <exception cref="ArgumentException">A size is not positive, or an array would exceed 2³¹ floats.</exception>
    public TransposeShape(int rows, int columns)
    {
        (Rows, Columns) = (rows, columns);
        Sizes.RequirePositive(this, rows, columns);
        Length = Sizes.Product(this, rows, columns);
    }

    /// <summary>The sizes by their names.</summary>
    internal static TransposeShape From(OpSettings s) => new(s.Size("rows"), s.Size("columns"));

    /// <summary>Rows of x.</summary>
    public int Rows { get; }

    /// <summary>Columns of x.</summary>
    public int Columns { get; }

    /// <summary>Floats in x and in y.</summary>
    public int Length { get; }

    /// <summary>The inverse, which is also the gradient.</summary>
    public TransposeShape Inverse => new(Columns, Rows);

    /// <inheritdoc/>
    public override string ToString() => $"transpose {Rows}×{Columns}";
}
