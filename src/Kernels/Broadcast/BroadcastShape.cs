namespace Engine.Kernels;

/// <summary>The sizes of four axes, outermost first.</summary>
public readonly record struct Axes(int D0, int D1, int D2, int D3)
{
    /// <summary>Floats in an array of these sizes.</summary>
    public int Length => D0 * D1 * D2 * D3;

    /// <summary>The sizes of at most four axes, with axes of size 1 put before them.</summary>
    /// <exception cref="ArgumentException">There are more than four, or one is not positive.</exception>
    public static Axes Of(params ReadOnlySpan<int> sizes)
    {
        Span<int> four = stackalloc int[4];
        four.Fill(1);
        if (sizes.Length > four.Length) throw new ArgumentException($"{sizes.Length} axes are more than {four.Length}");
        sizes.CopyTo(four[(four.Length - sizes.Length)..]);
        long length = 1;
        foreach (int size in four)
        {
            length *= size;
            if (size <= 0 || length > int.MaxValue) throw new ArgumentException($"not the sizes of an array: {string.Join('×', sizes.ToArray())}");
        }

        return new Axes(four[0], four[1], four[2], four[3]);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{D0}×{D1}×{D2}×{D3}";

    /// <summary>From one element to the next along each axis; 0 along axes of size 1, which stand for any size.</summary>
    internal Axes Strides => new(
        D0 == 1 ? 0 : D1 * D2 * D3, D1 == 1 ? 0 : D2 * D3, D2 == 1 ? 0 : D3, D3 == 1 ? 0 : 1);

    internal static Axes From(OpSettings s, string name) =>
        Of(s.Size($"{name}0", 1), s.Size($"{name}1", 1), s.Size($"{name}2", 1), s.Size($"{name}3", 1));
}

/// <summary>
/// Two arrays of which each is repeated along its axes of size 1, by NumPy's rules: along each axis the sizes agree or one of them is 1, and the whole has the
/// larger.
/// </summary>
public readonly record struct BroadcastShape
{
    /// <summary>Matches two arrays.</summary>
    /// <exception cref="ArgumentException">Along an axis the sizes differ and neither is 1.</exception>
    public BroadcastShape(Axes a, Axes b)
    {
        (A, B) = (a, b);
        Whole = Axes.Of(Larger(a.D0, b.D0), Larger(a.D1, b.D1), Larger(a.D2, b.D2), Larger(a.D3, b.D3));
    }

    /// <summary>The sizes of the first array.</summary>
    public Axes A { get; }

    /// <summary>The sizes of the second array.</summary>
    public Axes B { get; }

    /// <summary>The sizes of both together.</summary>
    public Axes Whole { get; }

    /// <summary>The arrays the other way around.</summary>
    public BroadcastShape Swapped => new(B, A);

    /// <inheritdoc/>
    public override string ToString() => $"{A} and {B}";

    internal static BroadcastShape From(OpSettings s) => new(Axes.From(s, "a"), Axes.From(s, "b"));

    private int Larger(int a, int b) =>
        a == b || b == 1 ? a : a == 1 ? b : throw new ArgumentException($"{A} and {B} cannot be broadcast: sizes must agree or be 1");
}
