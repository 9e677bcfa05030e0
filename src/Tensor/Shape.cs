namespace Engine.Tensors;

/// <summary>The sizes of a tensor's axes, outermost first: one to four of them, all positive.</summary>
public readonly record struct Shape
{
    /// <summary>The most axes a tensor has: N C H W.</summary>
    public const int MaxRank = 4;

    private readonly (int, int, int, int) _sizes;

    /// <summary>Makes a shape.</summary>
    /// <exception cref="ArgumentException">There are no sizes or more than four, one is not positive, or the tensor would exceed 2³¹ floats.</exception>
    public Shape(params ReadOnlySpan<int> sizes)
    {
        if (sizes.Length is 0 or > MaxRank) throw new ArgumentException($"a tensor has 1 to {MaxRank} axes, not {sizes.Length}");
        Rank = sizes.Length;
        _sizes = (sizes[0], Rank > 1 ? sizes[1] : 1, Rank > 2 ? sizes[2] : 1, Rank > 3 ? sizes[3] : 1);
        long length = 1;
        foreach (int size in sizes)
        {
            length *= size;
            if (size <= 0 || length > int.MaxValue) throw new ArgumentException($"not the shape of a tensor: {this}");
        }

        Length = (int)length;
    }

    /// <summary>The number of axes.</summary>
    public int Rank { get; }

    /// <summary>The number of elements.</summary>
    public int Length { get; }

    /// <summary>The size of an axis.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such axis.</exception>
    public int this[int axis]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)axis, (uint)Rank, nameof(axis));
            return axis switch { 0 => _sizes.Item1, 1 => _sizes.Item2, 2 => _sizes.Item3, _ => _sizes.Item4 };
        }
    }

    /// <summary>Whether the axes have these sizes.</summary>
    public bool Is(params ReadOnlySpan<int> sizes)
    {
        if (sizes.Length != Rank) return false;
        for (int axis = 0; axis < Rank; axis++)
        {
            if (sizes[axis] != this[axis]) return false;
        }

        return true;
    }

    /// <summary>The sizes as people write them, for example 32×1×115×80.</summary>
    public override string ToString() => Rank switch
    {
        1 => $"{_sizes.Item1}",
        2 => $"{_sizes.Item1}×{_sizes.Item2}",
        3 => $"{_sizes.Item1}×{_sizes.Item2}×{_sizes.Item3}",
        _ => $"{_sizes.Item1}×{_sizes.Item2}×{_sizes.Item3}×{_sizes.Item4}",
    };
}
