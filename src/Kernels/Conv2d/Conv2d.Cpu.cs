using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>How the CPU kernel finds its input.</summary>
internal enum Conv2dForm
{
    /// <summary>In place: a filter tap is an offset into the image, an output row is cut from a row as wide as the input's.</summary>
    Direct,

    /// <summary>From planes copied first, one for each filter column (and row phase), padded, strided and exactly as wide as the output.</summary>
    Unfolded,

    /// <summary>In tiles of 3×3 outputs that are transformed, multiplied and transformed back.</summary>
    Winograd3,

    /// <summary>The same with 4×4 outputs.</summary>
    Winograd4,

    /// <summary>A filter as wide as the input, from rows with their channels next to each other.</summary>
    Wide,

    /// <summary>The same in tiles of 4 rows that are transformed, multiplied and transformed back: for long filters.</summary>
    WideTiles,

    /// <summary>In place, in tiles that lie within an output row: for few input channels.</summary>
    Lines,

    /// <summary>Maps that lie C H W N: see <see cref="BatchLastProduct"/>. Of one sample both layouts are the same.</summary>
    BatchLast,

    /// <summary>Such maps in tiles of 4×4 outputs: see <see cref="Engine.Kernels.BatchLastWinograd"/>.</summary>
    BatchLastWinograd,
}

/// <content>
/// The CPU form. Layout N C H W. Both forms are a <see cref="TiledProduct"/> of the packed filters, K rows of C·R·S numbers, with
/// rows of shifted pixels that are found through offsets and never gathered into a matrix:
/// <list type="bullet">
/// <item>Direct: output pixels are numbered with the input's pitch, p·W + q, so the row of tap (c, r, s) is the image itself,
/// c·H·W + r·DilationH·W + s·DilationW floats on. A tile is then always full; the S − 1 columns a row too many are computed and dropped.
/// A dilation in time costs nothing.</item>
/// <item>Unfolded: each column tap gets a plane of its own (three times the input for a 3×3 filter), with the zeros of the padding written out and strides
/// resolved; row taps remain offsets. Used for padding and strides, and where the dropped columns would dominate.</item>
/// </list>
/// Parallel over samples and groups of column tiles; compute bounds all but the smallest layers.
/// </content>
internal static unsafe partial class Conv2d
{
    // Column tiles a task takes: enough to amortise handing it out, few enough to share one sample among threads.
    private const int TilesPerTask = 4;

    // Pixels from which on the transform of a filter, about as much work as ten pixels, does not count.
    private const int WinogradPixels = 128;

    // Rows from which on turning the filters, about as much work as five rows, does not count.
    private const int WideRows = 48;

    // Terms of a sum up to which what follows it costs as much.
    private const int LineTerms = 32;

    /// <summary>Whether Winograd's forms compute a shape: filters of 3×3, side by side, with whole vectors of channels, whatever the vectors' width.</summary>
    public static bool SuitsWinograd(in Conv2dShape shape) =>
        shape is { Layout: BatchLayout.First, R: 3, S: 3, StrideH: 1, StrideW: 1, DilationW: 1 } && shape.C % 16 == 0 && shape.K % 32 == 0
        && (long)shape.N * shape.P * shape.Q >= WinogradPixels;

    /// <summary>
    /// Which form a shape takes. Winograd's wherever it suits, and of its two the one with fewer products: it depends on how many outputs the last tiles
    /// waste.
    /// </summary>
    public static Conv2dForm ChooseForm(in Conv2dShape shape)
    {
        if (shape.Layout == BatchLayout.Last) return BatchLastWinograd.Suits(shape) ? Conv2dForm.BatchLastWinograd : Conv2dForm.BatchLast;
        if (shape is { Q: 1, PadH: 0, PadW: 0, StrideH: 1, DilationW: 1 } && shape.C * shape.S % 16 == 0 && shape.K % 32 == 0 && shape.P >= WideRows)
        {
            return SuitsWideTiles(shape) ? Conv2dForm.WideTiles : Conv2dForm.Wide;
        }

        if (SuitsWinograd(shape)) return Products(shape, 3) <= Products(shape, 4) ? Conv2dForm.Winograd3 : Conv2dForm.Winograd4;
        if (shape is { PadH: 0, PadW: 0, StrideH: 1, StrideW: 1, Q: >= 48 } && shape.K % 8 == 0 && shape.C * shape.R * shape.S <= LineTerms)
        {
            return Conv2dForm.Lines;
        }

        return shape is { PadH: 0, PadW: 0, StrideH: 1, StrideW: 1 } && 4 * shape.Q >= 3 * shape.W ? Conv2dForm.Direct : Conv2dForm.Unfolded;

        // A channel's, with tiles of m×m outputs.
        static long Products(in Conv2dShape shape, int m) =>
            (long)((shape.P + m * shape.DilationH - 1) / (m * shape.DilationH)) * shape.DilationH * ((shape.Q + m - 1) / m) * (m + 2) * (m + 2);
    }

    /// <summary>Floats that a form makes of the filters first of all; 0 where that is not worth keeping.</summary>
    public static int PackedLength(in Conv2dShape shape, Conv2dForm form) => form switch
    {
        Conv2dForm.Winograd3 => checked(25 * shape.C * shape.K),
        Conv2dForm.Winograd4 => checked(36 * shape.C * shape.K),
        Conv2dForm.BatchLastWinograd => BatchLastWinograd.PackedLength(shape),
        Conv2dForm.Wide => shape.WLength,
        Conv2dForm.WideTiles => checked(Pieces(shape) * WinogradLine.Points * shape.C * shape.S * shape.K),
        _ => 0,
    };

    /// <summary>Makes what a form computes with of the filters. Overwrites <paramref name="packed"/>, <see cref="PackedLength"/> floats.</summary>
    public static void Pack<TV>(CpuContext cpu, in Conv2dShape shape, Conv2dForm form, float* w, float* packed)
        where TV : unmanaged, IVector<TV>
    {
        switch (form)
        {
            case Conv2dForm.Winograd3: TransformFilters<TV, WinogradOf3>(cpu, shape, w, packed); break;
            case Conv2dForm.Winograd4: TransformFilters<TV, WinogradOf4>(cpu, shape, w, packed); break;
            case Conv2dForm.BatchLastWinograd: BatchLastWinograd.Pack<TV>(cpu, shape, w, packed); break;
            case Conv2dForm.Wide: TurnFilters<TV>(cpu, shape, w, packed); break;
            case Conv2dForm.WideTiles: TransformWideFilters<TV>(cpu, shape, w, packed); break;
        }
    }

    /// <summary>
    /// What <paramref name="kept"/> holds of the filters for a form, made now if it holds nothing or another form's; null where there is nothing to keep.
    /// </summary>
    public static float* Keep<TV>(CpuContext cpu, in Conv2dShape shape, Conv2dForm form, float* w, PackedFilter? kept)
        where TV : unmanaged, IVector<TV>
    {
        int length = kept is null ? 0 : PackedLength(shape, form);
        if (length == 0) return null;
        if (kept!.Buffer is null || kept.Form != form)
        {
            HostBuffer buffer = cpu.Memory.Rent(length);
            Pack<TV>(cpu, shape, form, w, buffer.Pointer);
            kept.Fill(form, buffer);
        }

        return cpu.At(kept.Buffer!.All);
    }

    /// <summary>
    /// y = activation(x ⋆ w + b). Overwrites y; <paramref name="b"/> may be null, and so may <paramref name="packed"/>, what <see cref="Pack"/> made of w.
    /// </summary>
    public static void Forward<TV>(
        CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* b, Activation activation, float* y, float* packed = null)
        where TV : unmanaged, IVector<TV>
    {
        switch (ChooseForm(shape))
        {
            case Conv2dForm.BatchLast: BatchLastProduct.Run<TV>(cpu, shape, x, w, b, activation, y); break;
            case Conv2dForm.BatchLastWinograd: BatchLastWinograd.Run<TV>(cpu, shape, x, w, b, activation, y, packed); break;
            case Conv2dForm.Winograd3: ForwardWinograd<TV, WinogradOf3>(cpu, shape, x, w, b, activation, y, packed); break;
            case Conv2dForm.Winograd4: ForwardWinograd<TV, WinogradOf4>(cpu, shape, x, w, b, activation, y, packed); break;
            case Conv2dForm.Wide: ForwardWide<TV>(cpu, shape, x, w, b, activation, y, packed); break;
            case Conv2dForm.WideTiles: ForwardWideTiles<TV>(cpu, shape, x, w, b, activation, y, packed); break;
            case Conv2dForm.Lines: ForwardLines<TV>(cpu, shape, x, w, b, activation, y); break;
            case Conv2dForm form: ForwardProduct<TV>(cpu, shape, form == Conv2dForm.Direct, x, w, b, activation, y); break;
        }
    }

    private static void ForwardProduct<TV>(
        CpuContext cpu, in Conv2dShape shape, bool direct, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        int depth = shape.C * shape.R * shape.S;
        int pitch = direct ? shape.W : shape.Q;
        int planeRows = shape.P + (shape.R - 1) * shape.DilationH / shape.StrideH;

        // Rows that the taps look at fall into as many phases as the stride is long, unless all taps keep step with it.
        int phases = shape.R == 1 || shape.DilationH % shape.StrideH == 0 ? 1 : shape.StrideH;
        long planes = direct ? 0 : (long)shape.N * shape.C * shape.S * phases, planeLength = (long)planeRows * shape.Q;
        long packed = TiledProduct.PackedLength<TV>(shape.K, depth), scratch = TiledProduct.ScratchLength<TV>(shape.K);
        cpu.Workspace.Begin(
            Workspace.Aligned(packed) + Workspace.Aligned(depth) + Workspace.Aligned(planes * planeLength + HostMemory.ReadableTail)
            + cpu.Threads * Workspace.Aligned(scratch));
        Arguments arguments = new()
        {
            Shape = shape,
            X = x,
            W = w,
            Planes = direct ? null : cpu.Workspace.Take(planes * planeLength + HostMemory.ReadableTail),
            PlaneRows = planeRows,
            Phases = phases,
            ScratchLength = Workspace.Aligned(scratch),
            Product = new TiledProduct
            {
                A = cpu.Workspace.Take(packed),
                Rows = shape.K,
                Depth = depth,
                Offsets = (int*)cpu.Workspace.Take(depth),
                Columns = direct ? (shape.P - 1) * shape.W + shape.Q : shape.P * shape.Q,
                Bias = b,
                Activation = activation,
                Y = y,
                Pitch = pitch,
                Width = shape.Q,
                RowStride = (long)shape.P * shape.Q,
                LineStride = shape.Q,
                ColumnStride = 1,
            },
        };
        arguments.Scratch = cpu.Workspace.Take(cpu.Threads * arguments.ScratchLength);
        int* offset = arguments.Product.Offsets;
        for (int c = 0; c < shape.C; c++)
        for (int r = 0; r < shape.R; r++)
        for (int s = 0; s < shape.S; s++)
        {
            int row = r * shape.DilationH;
            *offset++ = direct
                ? (c * shape.H + row) * shape.W + s * shape.DilationW
                : checked((int)((((long)c * shape.S + s) * phases + row % shape.StrideH) * planeLength)) + row / shape.StrideH * shape.Q;
        }

        cpu.Run(TiledProduct.RowBlocks<TV>(shape.K), &PackFilters<TV>, ref arguments);
        if (!direct) cpu.Run(shape.N * shape.C * shape.S, &Unfold, ref arguments);
        int groups = (TiledProduct.Tiles<TV>(arguments.Product.Columns) + TilesPerTask - 1) / TilesPerTask;
        arguments.Groups = groups;
        cpu.Run(shape.N * groups, &RunGroup<TV>, ref arguments);
    }

    /// <summary>
    /// The gradient with respect to the input, which is the transposed convolution of dy with the same filters; without a stride that is a convolution with
    /// the filters turned around, which Winograd's tiles may suit. Overwrites dx. <paramref name="turned"/> is memory for those filters.
    /// </summary>
    public static void BackwardData<TV>(CpuContext cpu, in Conv2dShape shape, float* dy, float* w, float* dx, float* turned)
        where TV : unmanaged, IVector<TV>
    {
        int padH = (shape.R - 1) * shape.DilationH - shape.PadH, padW = (shape.S - 1) * shape.DilationW - shape.PadW;
        if (shape is { StrideH: 1, StrideW: 1 } && padH >= 0 && padW >= 0)
        {
            Conv2dShape gradient = new(
                shape.N, shape.K, shape.P, shape.Q, shape.C, shape.R, shape.S, 1, 1, padH, padW, shape.DilationH, shape.DilationW, shape.Layout);
            if (ChooseForm(gradient) is Conv2dForm.Winograd3 or Conv2dForm.Winograd4 or Conv2dForm.BatchLastWinograd)
            {
                int taps = shape.R * shape.S;
                for (int k = 0; k < shape.K; k++)
                for (int c = 0; c < shape.C; c++)
                for (int tap = 0; tap < taps; tap++)
                {
                    turned[(c * shape.K + k) * taps + taps - 1 - tap] = w[(k * shape.C + c) * taps + tap];
                }

                Forward<TV>(cpu, gradient, dy, turned, null, Activation.None, dx);
                return;
            }
        }

        ConvTranspose2d.Forward<TV>(cpu, ConvTranspose2dShape.GradientOf(shape), dy, w, null, Activation.None, dx);
    }

    private static void PackFilters<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref TiledProduct product = ref arguments.Product;
        TiledProduct.PackRows<TV>(arguments.W, product.Depth, null, product.Rows, product.Depth, task, product.A);
    }

    // One task is one (sample, channel, filter column): a plane for each phase of the rows.
    private static void Unfold(ref Arguments arguments, int task, int worker)
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int s = task % shape.S;
        float* image = arguments.X + (long)(task / shape.S) * shape.H * shape.W;
        for (int phase = 0; phase < arguments.Phases; phase++)
        {
            float* plane = arguments.Planes + ((long)task * arguments.Phases + phase) * arguments.PlaneRows * shape.Q;
            Plane.Gather(
                image, shape.H, shape.W, phase - shape.PadH, shape.StrideH, arguments.PlaneRows,
                s * shape.DilationW - shape.PadW, shape.StrideW, shape.Q, plane);
        }
    }

    private static void RunGroup<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        TiledProduct product = arguments.Product;
        int n = task / arguments.Groups, first = task % arguments.Groups * TilesPerTask;
        product.B = arguments.Planes is null
            ? arguments.X + (long)n * shape.C * shape.H * shape.W
            : arguments.Planes + (long)n * shape.C * shape.S * arguments.Phases * arguments.PlaneRows * shape.Q;
        product.Y += n * product.Rows * product.RowStride;
        float* scratch = arguments.Scratch + worker * arguments.ScratchLength;
        int end = Math.Min(first + TilesPerTask, TiledProduct.Tiles<TV>(product.Columns));
        for (int tile = first; tile < end; tile++) product.RunTile<TV>(tile, scratch);
    }

    private struct Arguments
    {
        public Conv2dShape Shape;
        public TiledProduct Product;
        public float* X;
        public float* W;
        public float* Planes;
        public int PlaneRows;
        public int Phases;
        public int Groups;
        public float* Scratch;
        public long ScratchLength;
    }
}
