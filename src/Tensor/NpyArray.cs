namespace Engine.Tensors;

/// <summary>An immutable float32 or float64 array in C order (the last axis varies fastest), as a .npy file holds it.</summary>
public sealed class NpyArray
{
    /// <summary>The most axes an array may have: what every NumPy version can load.</summary>
    public const int MaxRank = 32;

    private readonly int[] shape;

    /// <summary>Makes a float32 array of a copy of <paramref name="values"/>.</summary>
    /// <param name="shape">The sizes of the axes, none negative; empty for a single value.</param>
    /// <param name="values">The values in C order, as many as the product of the sizes.</param>
    /// <exception cref="ArgumentException">The shape is invalid or does not fit the number of values.</exception>
    public NpyArray(int[] shape, float[] values)
        : this((int[])shape.Clone(), (float[])values.Clone(), null)
    {
    }

    /// <summary>Makes a float64 array of a copy of <paramref name="values"/>.</summary>
    /// <inheritdoc cref="NpyArray(int[], float[])"/>
    public NpyArray(int[] shape, double[] values)
        : this((int[])shape.Clone(), null, (double[])values.Clone())
    {
    }

    private NpyArray(int[] shape, float[]? singles, double[]? doubles)
    {
        this.shape = shape;
        Singles = singles;
        Doubles = doubles;
        Length = singles?.Length ?? doubles!.Length;
        if (CountOf(shape) != Length)
        {
            throw new ArgumentException($"{Length} values do not fill the shape ({string.Join(", ", shape)})", nameof(shape));
        }
    }

    /// <summary>The sizes of the axes; empty for a single value.</summary>
    public ReadOnlySpan<int> Shape => shape;

    /// <summary>The number of values.</summary>
    public int Length { get; }

    /// <summary>Whether the values are float64; float32 otherwise.</summary>
    public bool IsDouble => Doubles is not null;

    internal float[]? Singles { get; }

    internal double[]? Doubles { get; }

    /// <summary>The values of a float32 array in C order, not copied.</summary>
    /// <exception cref="InvalidOperationException">They are float64.</exception>
    public ReadOnlySpan<float> AsSingle() => Singles ?? throw new InvalidOperationException("the array is float64");

    /// <summary>A copy of the values in C order; float64 values are rounded to float32, those beyond its range to infinity.</summary>
    public float[] ToSingle() =>
        Singles is not null ? (float[])Singles.Clone() : Array.ConvertAll(Doubles!, value => (float)value);

    /// <summary>A copy of the values in C order.</summary>
    public double[] ToDouble() =>
        Doubles is not null ? (double[])Doubles.Clone() : Array.ConvertAll(Singles!, value => (double)value);

    /// <summary>Makes an array that takes over both arguments; the caller must not keep them.</summary>
    internal static NpyArray Adopt(int[] shape, float[] values) => new(shape, values, null);

    /// <inheritdoc cref="Adopt(int[], float[])"/>
    internal static NpyArray Adopt(int[] shape, double[] values) => new(shape, null, values);

    /// <summary>The number of values in an array of this shape; -1 if the shape is invalid or has too many values.</summary>
    internal static int CountOf(ReadOnlySpan<int> shape)
    {
        if (shape.Length > MaxRank || shape.ContainsAnyInRange(int.MinValue, -1)) return -1;
        if (shape.Contains(0)) return 0;

        long count = 1;
        foreach (int size in shape)
        {
            count *= size;
            if (count > Array.MaxLength) return -1;
        }

        return (int)count;
    }
}
