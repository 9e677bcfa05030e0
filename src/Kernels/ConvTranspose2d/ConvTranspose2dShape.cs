namespace Engine.Kernels;

/// <summary>
/// The sizes of a two-dimensional transposed convolution, the gradient of a cross-correlation with respect to its input:
/// x is N×C×H×W, w is C×K×R×S, y is N×K×P×Q, all in C order; with the batch last x is C×H×W×N and y K×P×Q×N, for each of its
/// <see cref="BatchBlocks">blocks</see>.
/// <code>y[n,k,p,q] = b[k] + Σ x[n,c,h,v] · w[c,k,r,s]  over all c, h, v, r, s with
/// p = h·StrideH + r·DilationH − PadH and q = v·StrideW + s·DilationW − PadW</code>
/// </summary>
public readonly record struct ConvTranspose2dShape
{
    /// <summary>
    /// Checks the sizes and computes those of the output: <paramref name="p"/> rows and <paramref name="q"/> columns, by default as many as are left if as many
    /// are cropped at the end as at the beginning. With fewer, more is cropped and not computed; with more, what no input reaches is zero, or the bias.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// A size is not positive, the padding crops everything, or an array or the uncropped output is too large.
    /// </exception>
    public ConvTranspose2dShape(
        int n, int c, int h, int w, int k, int r, int s,
        int strideH = 1, int strideW = 1, int padH = 0, int padW = 0, int dilationH = 1, int dilationW = 1,
        BatchLayout layout = BatchLayout.First, int? p = null, int? q = null)
    {
        (N, C, H, W, K, R, S) = (n, c, h, w, k, r, s);
        (StrideH, StrideW, PadH, PadW, DilationH, DilationW) = (strideH, strideW, padH, padW, dilationH, dilationW);
        Layout = n == 1 ? BatchLayout.First : layout;
        Sizes.RequirePositive(this, n, c, h, w, k, r, s, strideH, strideW, dilationH, dilationW, p ?? 1, q ?? 1);
        Sizes.Require(this, padH >= 0 && padW >= 0, "the padding is negative");
        Sizes.Require(this, layout != BatchLayout.ChannelsLast, "transposed convolutions have no form for maps with the channels last");
        long fullH = Full(h, r, strideH, dilationH), fullW = Full(w, s, strideW, dilationW);
        Sizes.Require(this, fullH <= int.MaxValue && fullW <= int.MaxValue, "the uncropped output would exceed 2³¹ rows or columns");
        long rows = p ?? fullH - 2L * padH, columns = q ?? fullW - 2L * padW;
        Sizes.Require(this, rows > 0 && columns > 0, "the padding crops the whole output");
        Sizes.Require(this, rows + padH <= int.MaxValue && columns + padW <= int.MaxValue, "the uncropped output would exceed 2³¹ rows or columns");
        (P, Q) = ((int)rows, (int)columns);
        XLength = Sizes.Product(this, n, c, h, w);
        WLength = Sizes.Product(this, c, k, r, s);
        YLength = Sizes.Product(this, n, k, P, Q);
    }

    // The output is as large as the convolution's input, with the rows and columns at its end that no window reached.
    private ConvTranspose2dShape(in Conv2dShape forward)
    {
        (N, C, H, W, K, R, S) = (forward.N, forward.K, forward.P, forward.Q, forward.C, forward.R, forward.S);
        (StrideH, StrideW, PadH, PadW) = (forward.StrideH, forward.StrideW, forward.PadH, forward.PadW);
        (DilationH, DilationW, P, Q, Layout) = (forward.DilationH, forward.DilationW, forward.H, forward.W, forward.Layout);
        (XLength, WLength, YLength) = (forward.YLength, forward.WLength, forward.XLength);
    }

    /// <summary>The transposed convolution that takes the gradient of a convolution's output to that of its input, with the same filters.</summary>
    internal static ConvTranspose2dShape GradientOf(in Conv2dShape forward) => new(forward);

    /// <summary>The convolution whose gradient this is. It takes the gradient of y to that of x, with the same filters.</summary>
    internal Conv2dShape Gradient => new(N, K, P, Q, C, R, S, StrideH, StrideW, PadH, PadW, DilationH, DilationW, Layout, H, W);

    /// <summary>The sizes by their names.</summary>
    internal static ConvTranspose2dShape From(OpSettings s) => new(
        s.Size("n"), s.Size("c"), s.Size("h"), s.Size("w"), s.Size("k"), s.Size("r"), s.Size("s"), s.Size("strideH", 1), s.Size("strideW", 1),
        s.Size("padH", 0), s.Size("padW", 0), s.Size("dilationH", 1), s.Size("dilationW", 1), s.Layout, s.SizeIfGiven("p"),
        s.SizeIfGiven("q"));

    /// <summary>Samples.</summary>
    public int N { get; }

    /// <summary>Input channels.</summary>
    public int C { get; }

    /// <summary>Input rows.</summary>
    public int H { get; }

    /// <summary>Input columns.</summary>
    public int W { get; }

    /// <summary>Output channels.</summary>
    public int K { get; }

    /// <summary>Filter rows.</summary>
    public int R { get; }

    /// <summary>Filter columns.</summary>
    public int S { get; }

    /// <summary>Output rows from one input row to the next.</summary>
    public int StrideH { get; }

    /// <summary>Output columns from one input column to the next.</summary>
    public int StrideW { get; }

    /// <summary>Output rows cropped above and below.</summary>
    public int PadH { get; }

    /// <summary>Output columns cropped left and right.</summary>
    public int PadW { get; }

    /// <summary>Output rows from one filter tap to the next.</summary>
    public int DilationH { get; }

    /// <summary>Output columns from one filter tap to the next.</summary>
    public int DilationW { get; }

    /// <summary>Where the samples of x and y lie. For one sample both layouts are the same, and this is <see cref="BatchLayout.First"/>.</summary>
    public BatchLayout Layout { get; }

    /// <summary>Output rows.</summary>
    public int P { get; }

    /// <summary>Output columns.</summary>
    public int Q { get; }

    /// <summary>Floats in x.</summary>
    public int XLength { get; }

    /// <summary>Floats in w.</summary>
    public int WLength { get; }

    /// <summary>Floats in y.</summary>
    public int YLength { get; }

    /// <summary>The samples of a block, see <see cref="BatchBlocks"/>.</summary>
    internal int BlockSamples => BatchBlocks.SamplesOf(Layout, N);

    /// <summary>The number of blocks.</summary>
    internal int Blocks => N / BlockSamples;

    /// <summary>Where the elements of x lie.</summary>
    internal MapStrides XStrides => MapStrides.Of(Layout, N, C, H * W);

    /// <summary>Where the elements of y lie.</summary>
    internal MapStrides YStrides => MapStrides.Of(Layout, N, K, P * Q);

    /// <summary>Floating-point operations; a multiplication and an addition count as two, including those of cropped outputs.</summary>
    public long Flops => 2L * XLength * K * R * S;

    /// <inheritdoc/>
    public override string ToString() =>
        $"transposed conv2d x {N}×{C}×{H}×{W}, w {C}×{K}×{R}×{S}, stride {StrideH}×{StrideW}, padding {PadH}×{PadW}, dilation {DilationH}×{DilationW}"
        + (HasLikeEnds ? "" : $", output {P}×{Q}") + Titles.Of(Layout);

    private bool HasLikeEnds => P == Full(H, R, StrideH, DilationH) - 2L * PadH && Q == Full(W, S, StrideW, DilationW) - 2L * PadW;

    // The output along an axis before it is cropped.
    private static long Full(int length, int taps, int stride, int dilation) => (length - 1L) * stride + (long)dilation * (taps - 1) + 1;
}
