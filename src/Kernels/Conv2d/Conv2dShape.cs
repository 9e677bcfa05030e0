namespace Engine.Kernels;

/// <summary>
/// The sizes of a two-dimensional cross-correlation with zero padding: x is N×C×H×W, w is K×C×R×S, y is N×K×P×Q, all in C order; with the
/// channels last x is N×H×W×C and y N×P×Q×K; with the batch last x is C×H×W×N and y K×P×Q×N, for each of its <see cref="BatchBlocks">blocks</see>.
/// <code>y[n,k,p,q] = b[k] + Σ_c,r,s x[n, c, p·StrideH + r·DilationH − PadH, q·StrideW + s·DilationW − PadW] · w[k,c,r,s]</code>
/// </summary>
public readonly record struct Conv2dShape
{
    /// <summary>
    /// Checks the sizes and computes those of the output: <paramref name="p"/> rows and <paramref name="q"/> columns, by default as many as fit with the same
    /// padding at the end as at the beginning. With fewer, what is left out at the end is not computed; with more, there are further zeros.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// A size is not positive, the filter does not fit into the padded input, or an array or the padded input is too large.
    /// </exception>
    public Conv2dShape(
        int n, int c, int h, int w, int k, int r, int s,
        int strideH = 1, int strideW = 1, int padH = 0, int padW = 0, int dilationH = 1, int dilationW = 1,
        BatchLayout layout = BatchLayout.First, int? p = null, int? q = null)
    {
        (N, C, H, W, K, R, S) = (n, c, h, w, k, r, s);
        (StrideH, StrideW, PadH, PadW, DilationH, DilationW) = (strideH, strideW, padH, padW, dilationH, dilationW);
        Layout = n == 1 && layout == BatchLayout.Last ? BatchLayout.First : layout;
        Sizes.RequirePositive(this, n, c, h, w, k, r, s, strideH, strideW, dilationH, dilationW, p ?? 1, q ?? 1);
        Sizes.Require(this, padH >= 0 && padW >= 0, "the padding is negative");
        long windowH = (long)dilationH * (r - 1) + 1, windowW = (long)dilationW * (s - 1) + 1;
        long rows = p ?? Fitting(h, padH, windowH, strideH), columns = q ?? Fitting(w, padW, windowW, strideW);
        Sizes.Require(this, rows > 0 && columns > 0, "the filter does not fit into the padded input");
        long seenH = (rows - 1) * strideH + windowH - padH, seenW = (columns - 1) * strideW + windowW - padW;
        Sizes.Require(
            this, Math.Max(h, seenH) + padH <= int.MaxValue && Math.Max(w, seenW) + padW <= int.MaxValue,
            "the padded input would exceed 2³¹ rows or columns");
        (P, Q) = ((int)rows, (int)columns);
        IsPadded = padH > 0 || padW > 0 || seenH > h || seenW > w;
        XLength = Sizes.Product(this, n, c, h, w);
        WLength = Sizes.Product(this, k, c, r, s);
        YLength = Sizes.Product(this, n, k, P, Q);
    }

    /// <summary>The sizes by their names.</summary>
    internal static Conv2dShape From(OpSettings s) => new(
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

    /// <summary>Rows from one output to the next.</summary>
    public int StrideH { get; }

    /// <summary>Columns from one output to the next.</summary>
    public int StrideW { get; }

    /// <summary>Rows of zeros above and below.</summary>
    public int PadH { get; }

    /// <summary>Columns of zeros left and right.</summary>
    public int PadW { get; }

    /// <summary>Rows from one filter tap to the next.</summary>
    public int DilationH { get; }

    /// <summary>Columns from one filter tap to the next.</summary>
    public int DilationW { get; }

    /// <summary>
    /// How x and y lie. For one sample, <see cref="BatchLayout.Last"/> is the same as <see cref="BatchLayout.First"/>, and this is the latter.
    /// </summary>
    public BatchLayout Layout { get; }

    /// <summary>Output rows.</summary>
    public int P { get; }

    /// <summary>Output columns.</summary>
    public int Q { get; }

    /// <summary>Whether any window reaches beyond the input.</summary>
    internal bool IsPadded { get; }

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

    /// <summary>Floating-point operations; a multiplication and an addition count as two.</summary>
    public long Flops => 2L * YLength * C * R * S;

    /// <inheritdoc/>
    public override string ToString() =>
        $"conv2d x {N}×{C}×{H}×{W}, w {K}×{C}×{R}×{S}, stride {StrideH}×{StrideW}, padding {PadH}×{PadW}, dilation {DilationH}×{DilationW}"
        + (HasLikeEnds ? "" : $", output {P}×{Q}") + Titles.Of(Layout);

    private bool HasLikeEnds =>
        P == Fitting(H, PadH, (long)DilationH * (R - 1) + 1, StrideH) && Q == Fitting(W, PadW, (long)DilationW * (S - 1) + 1, StrideW);

    // Outputs along an axis that is padded alike at both ends; 0 if the sizes, which a message may show, are none.
    private static long Fitting(int length, int pad, long window, int stride) =>
        length + 2L * pad < window || stride < 1 ? 0 : (length + 2L * pad - window) / stride + 1;

    /// <summary>The same convolution of maps that lie otherwise.</summary>
    internal Conv2dShape In(BatchLayout layout) => new(N, C, H, W, K, R, S, StrideH, StrideW, PadH, PadW, DilationH, DilationW, layout, P, Q);
}
