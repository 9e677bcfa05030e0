using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>The forms of the CPU kernel, named for the convolutions that they serve.</summary>
internal enum Conv2dForm
{
    /// <summary>No padding and no stride: a filter tap is an offset into the image, which is read in place.</summary>
    Unpadded,

    /// <summary>
    /// Everything else. The image is first copied to planes, one for each filter column (and row phase), padded, strided and as wide as the output.
    /// </summary>
    General,

    /// <summary>3×3 filters and many channels, by Winograd's F(3×3, 3×3).</summary>
    Winograd3,

    /// <summary>3×3 filters and many channels, by Winograd's F(4×4, 3×3).</summary>
    Winograd4,

    /// <summary>Long filters as wide as the input, by Winograd's F(4, 4) along the rows.</summary>
    WholeWidth,

    /// <summary>As <see cref="WholeWidth"/>, for maps that lie N H W C: the filters' entries follow in another order.</summary>
    WholeWidthChannelsLast,

    /// <summary>One input channel, on maps that lie N H W C.</summary>
    OneChannel,

    /// <summary>What no other form suits on maps that lie N H W C: they are transposed, and the result is transposed back.</summary>
    Turned,

    /// <summary>Few input channels and long rows: tiles that lie within an output row, with the image read in place.</summary>
    FewChannels,

    /// <summary>Maps whose batch is last: see <see cref="BatchLastProduct"/>.</summary>
    BatchLast,

    /// <summary>3×3 filters on maps whose batch is last: see <see cref="Engine.Kernels.BatchLastWinograd"/>.</summary>
    BatchLastWinograd,
}

/// <content>
/// The CPU form. Layout N C H W. <see cref="ChooseForm"/> picks one of several forms; most have a file of their own. The two in this file serve every shape
/// that no other form suits. Both are a <see cref="TiledProduct"/> of the packed filters, K rows of C·R·S numbers, with rows of shifted pixels. These rows are
/// found through offsets and never gathered into a matrix:
/// <list type="bullet">
/// <item>Unpadded: output pixels are numbered with the input's pitch, p·W + q, so the row of tap (c, r, s) is the image itself, starting at
/// c·H·W + r·DilationH·W + s·DilationW. A tile is then always full; each row has S − 1 columns too many, which are computed and dropped. A dilation of the
/// rows costs nothing.</item>
/// <item>General: each filter column gets a plane of its own (three times the input for a 3×3 filter), with the zeros of the padding written out and the
/// strides resolved; filter rows remain offsets. It serves padding and strides, and narrow outputs, where most columns would be dropped.</item>
/// </list>
/// Parallel over samples and groups of column tiles; compute bounds all but the smallest layers.
/// </content>
internal static unsafe partial class Conv2d
{
    // Column tiles of a task: enough to make a task worth handing out, few enough to share one sample among threads.
    private const int TilesPerTask = 4;

    // Transforming a filter takes as long as about ten pixels. With this many pixels that is negligible.
    private const int WinogradPixels = 128;

    // With this few terms, a sum takes no longer than adding the bias, applying the activation and storing the result.
    private const int FewTerms = 32;

    /// <summary>
    /// Whether Winograd's forms suit a shape: 3×3 filters without stride and without dilation of the columns, and whole vectors of channels at every width.
    /// </summary>
    public static bool SuitsWinograd(in Conv2dShape shape) =>
        shape.Layout != BatchLayout.Last && shape is { R: 3, S: 3, StrideH: 1, StrideW: 1, DilationW: 1 } && shape.C % 16 == 0 && shape.K % 32 == 0
        && (long)shape.N * shape.P * shape.Q >= WinogradPixels;

    /// <summary>
    /// Which form computes a shape. Where both of Winograd's tiles suit, the one with fewer products is taken; that depends on how many outputs the last
    /// tiles waste.
    /// </summary>
    public static Conv2dForm ChooseForm(in Conv2dShape shape)
    {
        if (shape.Layout == BatchLayout.Last) return BatchLastWinograd.Suits(shape) ? Conv2dForm.BatchLastWinograd : Conv2dForm.BatchLast;
        bool channelsLast = shape.Layout == BatchLayout.ChannelsLast;
        if (SuitsWholeWidth(shape)) return channelsLast ? Conv2dForm.WholeWidthChannelsLast : Conv2dForm.WholeWidth;
        if (SuitsWinograd(shape))
        {
            bool three = WinogradProducts(shape.P, shape.Q, shape.DilationH, 3) <= WinogradProducts(shape.P, shape.Q, shape.DilationH, 4);
            return three ? Conv2dForm.Winograd3 : Conv2dForm.Winograd4;
        }

        if (channelsLast) return SuitsOneChannel(shape) ? Conv2dForm.OneChannel : Conv2dForm.Turned;
        if (shape is { IsPadded: false, StrideH: 1, StrideW: 1, Q: >= 48 } && shape.K % 8 == 0 && shape.C * shape.R * shape.S <= FewTerms)
        {
            return Conv2dForm.FewChannels;
        }

        return shape is { IsPadded: false, StrideH: 1, StrideW: 1 } && 4 * shape.Q >= 3 * shape.W ? Conv2dForm.Unpadded : Conv2dForm.General;
    }

    /// <summary>The products of p×q outputs of one channel, with tiles of m×m outputs.</summary>
    public static long WinogradProducts(int p, int q, int dilation, int m) =>
        (long)((p + m * dilation - 1) / (m * dilation)) * dilation * ((q + m - 1) / m) * (m + 2) * (m + 2);

    /// <summary>The number of floats of the packed filters that a form computes with; 0 if the form packs nothing that is worth keeping.</summary>
    public static int PackedLength(in Conv2dShape shape, Conv2dForm form) => form switch
    {
        Conv2dForm.Winograd3 => checked(25 * shape.C * shape.K),
        Conv2dForm.Winograd4 => checked(36 * shape.C * shape.K),
        Conv2dForm.BatchLastWinograd => BatchLastWinograd.PackedLength(shape),
        Conv2dForm.WholeWidth or Conv2dForm.WholeWidthChannelsLast => checked(Pieces(shape) * WinogradLine.Points * shape.C * shape.S * shape.K),
        _ => 0,
    };

    /// <summary>Packs the filters for a form. Overwrites <paramref name="packed"/>, which has <see cref="PackedLength"/> floats.</summary>
    public static void Pack<TV>(CpuContext cpu, in Conv2dShape shape, Conv2dForm form, float* w, float* packed)
        where TV : unmanaged, IVector<TV>
    {
        switch (form)
        {
            case Conv2dForm.Winograd3: TransformFilters<TV, WinogradOf3>(cpu, shape, w, packed); break;
            case Conv2dForm.Winograd4: TransformFilters<TV, WinogradOf4>(cpu, shape, w, packed); break;
            case Conv2dForm.BatchLastWinograd: BatchLastWinograd.Pack<TV>(shape, w, packed); break;
            case Conv2dForm.WholeWidth or Conv2dForm.WholeWidthChannelsLast: TransformWholeWidthFilters<TV>(cpu, shape, w, packed); break;
        }
    }

    /// <summary>
    /// The packed filters that <paramref name="kept"/> holds for a form. If it holds none, or those of another form, they are packed now. Null if the form
    /// packs nothing or <paramref name="kept"/> is null.
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
    /// y = activation(x ⋆ w + b). Overwrites y. <paramref name="b"/> may be null. <paramref name="packed"/> is the result of <see cref="Pack"/>, or null.
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
            case Conv2dForm.WholeWidth or Conv2dForm.WholeWidthChannelsLast: ForwardWholeWidth<TV>(cpu, shape, x, w, b, activation, y, packed); break;
            case Conv2dForm.OneChannel: ForwardOneChannel<TV>(cpu, shape, x, w, b, activation, y); break;
            case Conv2dForm.Turned: ForwardTurned<TV>(cpu, shape, x, w, b, activation, y); break;
            case Conv2dForm.FewChannels: ForwardFewChannels<TV>(cpu, shape, x, w, b, activation, y); break;
            case Conv2dForm form: ForwardProduct<TV>(cpu, shape, form == Conv2dForm.Unpadded, x, w, b, activation, y); break;
        }
    }

    private static void ForwardTurned<TV>(CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        using HostBuffer input = Transpose.ToBatchFirst(cpu, shape.N, shape.C, shape.H * shape.W, x), output = cpu.Memory.Rent(shape.YLength);
        Forward<TV>(cpu, shape.In(BatchLayout.First), input.Pointer, w, b, activation, output.Pointer);
        Transpose.ToChannelsLast(cpu, shape.N, shape.K, shape.P * shape.Q, output.Pointer, y);
    }

    private static void ForwardProduct<TV>(
        CpuContext cpu, in Conv2dShape shape, bool inPlace, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        int depth = shape.C * shape.R * shape.S;
        int pitch = inPlace ? shape.W : shape.Q;

        // If no column is dropped, all lines are one.
        bool isOneLine = pitch == shape.Q;
        int planeRows = shape.P + (shape.R - 1) * shape.DilationH / shape.StrideH;

        // The rows that the taps see fall into as many phases as the stride is long, unless the dilation is a multiple of the stride.
        int phases = shape.R == 1 || shape.DilationH % shape.StrideH == 0 ? 1 : shape.StrideH;
        long planes = inPlace ? 0 : (long)shape.N * shape.C * shape.S * phases, planeLength = (long)planeRows * shape.Q;
        long packed = TiledProduct.PackedLength<TV>(shape.K, depth), scratch = TiledProduct.ScratchLength<TV>(shape.K);
        cpu.Workspace.Begin(
            Workspace.Aligned(packed) + Workspace.Aligned(depth) + Workspace.Aligned(planes * planeLength + HostMemory.ReadableTail),
            scratch);
        Arguments arguments = new()
        {
            Shape = shape,
            X = x,
            W = w,
            Planes = inPlace ? null : cpu.Workspace.Take(planes * planeLength + HostMemory.ReadableTail),
            PlaneRows = planeRows,
            Phases = phases,
            Scratch = cpu.Workspace.OfThreads,
            Product = new TiledProduct
            {
                A = cpu.Workspace.Take(packed),
                Rows = shape.K,
                Depth = depth,
                Offsets = (int*)cpu.Workspace.Take(depth),
                Columns = inPlace ? (shape.P - 1) * shape.W + shape.Q : shape.P * shape.Q,
                Bias = b,
                Activation = activation,
                Y = y,
                Pitch = isOneLine ? shape.P * shape.Q : pitch,
                Width = isOneLine ? shape.P * shape.Q : shape.Q,
                RowStride = (long)shape.P * shape.Q,
                LineStride = shape.Q,
                ColumnStride = 1,
            },
        };
        int* offset = arguments.Product.Offsets;
        for (int c = 0; c < shape.C; c++)
        for (int r = 0; r < shape.R; r++)
        for (int s = 0; s < shape.S; s++)
        {
            int row = r * shape.DilationH;
            *offset++ = inPlace
                ? (c * shape.H + row) * shape.W + s * shape.DilationW
                : checked((int)((((long)c * shape.S + s) * phases + row % shape.StrideH) * planeLength)) + row / shape.StrideH * shape.Q;
        }

        cpu.Run(TiledProduct.RowBlocks<TV>(shape.K), &PackFilters<TV>, ref arguments);
        if (!inPlace) cpu.Run(shape.N * shape.C * shape.S, &Unfold, ref arguments);
        int groups = (TiledProduct.Tiles<TV>(arguments.Product.Columns) + TilesPerTask - 1) / TilesPerTask;
        arguments.Groups = groups;
        cpu.Run(shape.N * groups, &RunGroup<TV>, ref arguments);
    }

    /// <summary>
    /// The gradient with respect to the input, which is the transposed convolution of dy with the same filters. Without a stride this is a convolution with
    /// flipped filters, and Winograd's form may suit it. Overwrites dx. <paramref name="turned"/> is memory for the flipped filters.
    /// </summary>
    public static void BackwardData<TV>(CpuContext cpu, in Conv2dShape shape, float* dy, float* w, float* dx, float* turned)
        where TV : unmanaged, IVector<TV>
    {
        int padH = (shape.R - 1) * shape.DilationH - shape.PadH, padW = (shape.S - 1) * shape.DilationW - shape.PadW;
        if (shape is { StrideH: 1, StrideW: 1 } && padH >= 0 && padW >= 0)
        {
            Conv2dShape gradient = new(
                shape.N, shape.K, shape.P, shape.Q, shape.C, shape.R, shape.S, 1, 1, padH, padW, shape.DilationH, shape.DilationW, shape.Layout,
                shape.H, shape.W);
            if (ChooseForm(gradient) is Conv2dForm.Winograd3 or Conv2dForm.Winograd4 or Conv2dForm.BatchLastWinograd)
            {
                TurnArguments arguments = new() { Shape = shape, W = w, Turned = turned };
                cpu.Run(shape.C, &TurnFilters, ref arguments);
                Forward<TV>(cpu, gradient, dy, turned, null, Activation.None, dx);
                return;
            }
        }

        if (shape.Layout == BatchLayout.ChannelsLast)
        {
            using HostBuffer gradient = Transpose.ToBatchFirst(cpu, shape.N, shape.K, shape.P * shape.Q, dy), result = cpu.Memory.Rent(shape.XLength);
            BackwardData<TV>(cpu, shape.In(BatchLayout.First), gradient.Pointer, w, result.Pointer, turned);
            Transpose.ToChannelsLast(cpu, shape.N, shape.C, shape.H * shape.W, result.Pointer, dx);
            return;
        }

        ConvTranspose2d.Forward<TV>(cpu, ConvTranspose2dShape.GradientOf(shape), dy, w, null, Activation.None, dx);
    }

    // One task is the filters of one input channel.
    private static void TurnFilters(ref TurnArguments arguments, int task, int worker)
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int taps = shape.R * shape.S;
        float* to = arguments.Turned + (long)task * shape.K * taps, from = arguments.W + task * taps + taps - 1;
        for (int k = 0; k < shape.K; k++, from += shape.C * taps)
        for (int tap = 0; tap < taps; tap++)
        {
            *to++ = from[-tap];
        }
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
        float* scratch = arguments.Scratch.Of(worker);
        int end = Math.Min(first + TilesPerTask, TiledProduct.Tiles<TV>(product.Columns));
        for (int tile = first; tile < end; tile++) product.RunTile<TV>(tile, scratch);
    }

    private struct TurnArguments
    {
        public Conv2dShape Shape;
        public float* W;
        public float* Turned;
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
        public ThreadScratch Scratch;
    }
}
