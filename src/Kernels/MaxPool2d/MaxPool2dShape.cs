namespace Engine.Kernels;

/// <summary>
/// The sizes of a two-dimensional max-pooling without padding: x is N×C×H×W, y is N×C×P×Q, in C order. Edges that do not fill a window are dropped.
/// <code>y[n,c,p,q] = max over r &lt; R, s &lt; S of x[n, c, p·StrideH + r·DilationH, q·StrideW + s·DilationW]</code>
/// </summary>
public readonly record struct MaxPool2dShape
{
    /// <summary>Checks the sizes and computes those of the output.</summary>
    /// <exception cref="ArgumentException">A size is not positive, the window does not fit, or an array would exceed 2³¹ floats.</exception>
    public MaxPool2dShape(
        int n, int c, int h, int w, int r, int s, int strideH, int strideW, int dilationH = 1, int dilationW = 1)
    {
        (N, C, H, W, R, S) = (n, c, h, w, r, s);
        (StrideH, StrideW, DilationH, DilationW) = (strideH, strideW, dilationH, dilationW);
        Sizes.RequirePositive(this, n, c, h, w, r, s, strideH, strideW, dilationH, dilationW);
        long freeH = h - ((long)dilationH * (r - 1) + 1), freeW = w - ((long)dilationW * (s - 1) + 1);
        Sizes.Require(this, freeH >= 0 && freeW >= 0, "the window does not fit into the input");
        P = (int)(freeH / strideH) + 1;
        Q = (int)(freeW / strideW) + 1;
        XLength = Sizes.Product(this, n, c, h, w);
        YLength = Sizes.Product(this, n, c, P, Q);
    }

    /// <summary>The sizes by their names.</summary>
    internal static MaxPool2dShape From(OpSettings s) => new(
        s.Size("n"), s.Size("c"), s.Size("h"), s.Size("w"), s.Size("r"), s.Size("s"), s.Size("strideH", 1), s.Size("strideW", 1), s.Size("dilationH", 1),
        s.Size("dilationW", 1));

    /// <summary>Samples.</summary>
    public int N { get; }

    /// <summary>Channels.</summary>
    public int C { get; }

    /// <summary>Input rows.</summary>
    public int H { get; }

    /// <summary>Input columns.</summary>
    public int W { get; }

    /// <summary>Window rows.</summary>
    public int R { get; }

    /// <summary>Window columns.</summary>
    public int S { get; }

    /// <summary>Rows from one window to the next.</summary>
    public int StrideH { get; }

    /// <summary>Columns from one window to the next.</summary>
    public int StrideW { get; }

    /// <summary>Rows from one row of a window to the next.</summary>
    public int DilationH { get; }

    /// <summary>Columns from one column of a window to the next.</summary>
    public int DilationW { get; }

    /// <summary>Output rows.</summary>
    public int P { get; }

    /// <summary>Output columns.</summary>
    public int Q { get; }

    /// <summary>Floats in x.</summary>
    public int XLength { get; }

    /// <summary>Floats in y.</summary>
    public int YLength { get; }

    /// <inheritdoc/>
    public override string ToString() =>
        $"max pool x {N}×{C}×{H}×{W}, window {R}×{S}, stride {StrideH}×{StrideW}, dilation {DilationH}×{DilationW}";
}
