namespace Engine.Kernels;

/// <summary>The sizes of a crop to the upper left corner: x is Planes×H×W, y is Planes×P×Q, in C order, y[n,p,q] = x[n,p,q].</summary>
public readonly record struct Crop2dShape
{
    /// <summary>Checks the sizes.</summary>
    /// <exception cref="ArgumentException">A size is not positive, the output is larger than the input, or an array would exceed 2³¹ floats.</exception>
    public Crop2dShape(int planes, int h, int w, int p, int q)
    {
        (Planes, H, W, P, Q) = (planes, h, w, p, q);
        Sizes.RequirePositive(this, planes, h, w, p, q);
        Sizes.Require(this, p <= h && q <= w, "the output is larger than the input");
        XLength = Sizes.Product(this, planes, h, w);
        YLength = Sizes.Product(this, planes, p, q);
    }

    /// <summary>The sizes by their names.</summary>
    internal static Crop2dShape From(OpSettings s) => new(s.Size("planes"), s.Size("h"), s.Size("w"), s.Size("p"), s.Size("q"));

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

    /// <summary>Floats in x.</summary>
    public int XLength { get; }

    /// <summary>Floats in y.</summary>
    public int YLength { get; }

    /// <inheritdoc/>
    public override string ToString() => $"crop of {Planes} planes from {H}×{W} to {P}×{Q}";
}
