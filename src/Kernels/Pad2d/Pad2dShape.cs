namespace Engine.Kernels;

/// <summary>
/// The sizes of a padding with zeros, which crops where a margin is negative: x is Planes×H×W, y is Planes×P×Q, in C order,
/// y[n,p,q] = x[n, p − Top, q − Left], and 0 where x has no such element.
/// </summary>
public readonly record struct Pad2dShape
{
    /// <summary>Checks the sizes.</summary>
    /// <exception cref="ArgumentException">
    /// A size is not positive, the margins leave nothing of the input, or an array would exceed 2³¹ floats.
    /// </exception>
    public Pad2dShape(int planes, int h, int w, int p, int q, int top = 0, int left = 0)
    {
        (Planes, H, W, P, Q, Top, Left) = (planes, h, w, p, q, top, left);
        Sizes.RequirePositive(this, planes, h, w, p, q);
        Sizes.Require(this, -h < top && top < p && -w < left && left < q, "the margins leave nothing of the input");
        XLength = Sizes.Product(this, planes, h, w);
        YLength = Sizes.Product(this, planes, p, q);
    }

    /// <summary>The sizes by their names.</summary>
    internal static Pad2dShape From(OpSettings s) =>
        new(s.Size("planes"), s.Size("h"), s.Size("w"), s.Size("p"), s.Size("q"), s.Size("top", 0), s.Size("left", 0));

    /// <summary>Samples times channels.</summary>
    public int Planes { get; }

    /// <summary>Input rows.</summary>
    public int H { get; }

    /// <summary>Input columns.</summary>
    public int W { get; }

    /// <summary>Output rows.</summary>
    public int P { get; }

    /// <summary>Output columns.</summary>
    public int Q { get; }

    /// <summary>Rows of zeros above the input; if negative, how many of its rows are cut off.</summary>
    public int Top { get; }

    /// <summary>Columns of zeros left of the input; if negative, how many of its columns are cut off.</summary>
    public int Left { get; }

    /// <summary>Floats in x.</summary>
    public int XLength { get; }

    /// <summary>Floats in y.</summary>
    public int YLength { get; }

    /// <summary>From y's sizes to x's: the gradient is the padding that undoes this one.</summary>
    public Pad2dShape Reversed => new(Planes, P, Q, H, W, -Top, -Left);

    /// <inheritdoc/>
    public override string ToString() => $"padding of {Planes} planes from {H}×{W} to {P}×{Q} with margins {Top}, {Left}";
}
