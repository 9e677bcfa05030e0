using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>How the CPU kernel computes the gradient with respect to the filters.</summary>
internal enum FilterGradientForm
{
    /// <summary>Register tiles over columns that lie next to each other in x.</summary>
    InPlace,

    /// <summary>Register tiles over columns that are first copied next to each other.</summary>
    Gathered,

    /// <summary>A dot product for each filter tap.</summary>
    Dots,

    /// <summary>3×3 filters of many channels, in Winograd's tiles.</summary>
    Winograd,

    /// <summary>3×3 filters of one input channel, on maps that lie N H W C.</summary>
    OneChannel,

    /// <summary>What no other form suits on maps that lie N H W C: they are transposed first.</summary>
    Turned,
}

/// <content>
/// The CPU form of the filter gradient, dw[k,c,r,s] = Σ_n,p,q dy[n,k,p,q] · x[n, c, p·StrideH + r·DilationH − PadH, q·StrideW + s·DilationW − PadW]: a product
/// with K rows, C·R·S columns and a depth of N·P·Q pixels, made of <see cref="RegisterTile{TV}"/>s. Its vectors run along the columns. Therefore x is copied to
/// N H W C order, with the zeros of the padding written out, one band of rows at a time, which stays in the second-level cache. A pixel's row of the right-hand
/// side is then found through an offset:
/// <list type="bullet">
/// <item>In place: if DilationW is 1, the S·C numbers under one filter row lie next to each other. Then there are R groups of columns, otherwise R·S groups of
/// C columns; each group is cut into tiles by itself.</item>
/// <item>Gathered: with few channels, groups would leave most of a tile empty. Then all C·R·S numbers of a pixel are first copied side by side.</item>
/// </list>
/// With few channels and stride 1 there is a third form, see <see cref="BackwardFilterDots"/>, and with many a fourth, see <see
/// cref="BackwardFilterWinograd"/>. Maps with the channels last have the fourth and one of their own for one channel, see <see
/// cref="BackwardFilterOneChannel"/>; others are transposed. Parallel over pieces of the batch (at most <see cref="MaxPieces"/>, fixed by the shape), each with
/// sums of its own, which are then added in order. Compute bounds it if K and S·C fill tiles; with few channels the copies do.
/// </content>
internal static unsafe partial class Conv2d
{
    /// <summary>The filter gradient keeps at most this many separate sums, so at most this many threads take part.</summary>
    private const int MaxPieces = 16;

    // Fewer pixels than this are not worth separate sums.
    private const int MinPiecePixels = 256;

    // Floats in a band of x, 192 KB: the band and its filters' sums should fit into a second-level cache.
    private const int BandLength = 48 * 1024;

    // Floats that the sums of all pieces may take together, 64 MB. A single piece may take more.
    private const int MaxSumsLength = 16 * 1024 * 1024;

    // With this many blocks of rows or more, the rows of a right-hand tile are first copied next to each other, see TiledProduct.
    private const int CopyPanelFromBlocks = 3;

    /// <summary>
    /// The gradient with respect to the filters, and with respect to the bias unless <paramref name="db"/> is null. Overwrites both. Unless
    /// <paramref name="y"/> is null, it is what an activation gave, and dy is the gradient behind the activation.
    /// </summary>
    public static void BackwardFilter<TV>(
        CpuContext cpu, in Conv2dShape shape, float* x, float* dy, float* dw, float* db, Activation activation = default, float* y = null)
        where TV : unmanaged, IVector<TV>
    {
        if (y is not null
            && (shape.Layout == BatchLayout.Last || ChooseFilterForm<TV>(shape) is not (FilterGradientForm.Dots or FilterGradientForm.OneChannel)))
        {
            using HostBuffer before = cpu.Memory.Rent(shape.YLength);
            ActivationGradient.Run<TV>(cpu, activation, y, dy, before.Pointer, shape.YLength);
            BackwardFilter<TV>(cpu, shape, x, before.Pointer, dw, db);
            return;
        }

        if (shape.Layout == BatchLayout.Last)
        {
            if (db is not null) Reduction.Channels<TV>(cpu, shape.Layout, shape.N, shape.K, shape.P * shape.Q, dy, db);
            if (BatchLastWinogradGradient.Suits(shape)) BatchLastWinogradGradient.Run<TV>(cpu, shape, x, dy, dw);
            else BatchLastFilterGradient.Run<TV>(cpu, shape, x, dy, dw);
            return;
        }

        FilterGradientForm form = ChooseFilterForm<TV>(shape);
        if (form == FilterGradientForm.Dots)
        {
            BackwardFilterDots<TV>(cpu, shape, x, dy, dw, db, activation, y);
            return;
        }

        if (form == FilterGradientForm.OneChannel)
        {
            BackwardFilterOneChannel<TV>(cpu, shape, x, dy, dw, db, activation, y);
            return;
        }

        if (form == FilterGradientForm.Turned)
        {
            using HostBuffer input = Transpose.ToBatchFirst(cpu, shape.N, shape.C, shape.H * shape.W, x);
            using HostBuffer gradient = Transpose.ToBatchFirst(cpu, shape.N, shape.K, shape.P * shape.Q, dy);
            BackwardFilter<TV>(cpu, shape.In(BatchLayout.First), input.Pointer, gradient.Pointer, dw, db);
            return;
        }

        if (db is not null) Reduction.Channels<TV>(cpu, shape.Layout, shape.N, shape.K, shape.P * shape.Q, dy, db);
        if (form == FilterGradientForm.Winograd)
        {
            BackwardFilterWinograd<TV>(cpu, shape, x, dy, dw);
            return;
        }

        int height = RegisterTile<TV>.Rows, width = RegisterTile<TV>.Columns, blocks = TiledProduct.RowBlocks<TV>(shape.K);
        int imageColumns = (shape.Q - 1) * shape.StrideW + (shape.S - 1) * shape.DilationW + 1;
        long line = (long)imageColumns * shape.C;
        int reach = (shape.R - 1) * shape.DilationH;

        // A band's taps reach into the next band. A band has at least as many rows as this overlap, or most rows would be copied twice.
        int bandRows = (int)Math.Clamp((BandLength / line - reach) / shape.StrideH, Math.Min(shape.P, reach / shape.StrideH + 1), shape.P);
        int bands = (shape.P + bandRows - 1) / bandRows;
        int imageRows = (bandRows - 1) * shape.StrideH + reach + 1;
        int imageLength = checked((int)(imageRows * line));

        (int groups, int run) = Groups(shape);
        bool gathered = form == FilterGradientForm.Gathered;
        int tiles = gathered ? TiledProduct.Tiles<TV>(groups * run) : groups * TiledProduct.Tiles<TV>(run);
        long sumsLength = (long)tiles * blocks * height * width;
        long units = (long)shape.N * bands;
        long pieces = Math.Min(Math.Min(units, MaxPieces), Math.Max(1, (long)shape.N * shape.P * shape.Q / MinPiecePixels));
        pieces = Math.Clamp(MaxSumsLength / sumsLength, 1, pieces);

        long packed = TiledProduct.PackedLength<TV>(shape.K, TiledProduct.DepthChunk);
        long panel = (long)TiledProduct.DepthChunk * (gathered ? groups * run : width) + HostMemory.ReadableTail;
        long scratch = Workspace.Aligned(imageLength + HostMemory.ReadableTail) + Workspace.Aligned(packed) + Workspace.Aligned(panel);
        cpu.Workspace.Begin(
            pieces * Workspace.Aligned(sumsLength) + Workspace.Aligned((long)bandRows * shape.Q) + Workspace.Aligned(groups),
            scratch);
        FilterArguments arguments = new()
        {
            Shape = shape,
            X = x,
            Dy = dy,
            Dw = dw,
            Blocks = blocks,
            Tiles = tiles,
            Groups = groups,
            Run = run,
            Gathered = gathered,
            BandRows = bandRows,
            Bands = bands,
            ImageColumns = imageColumns,
            ImageLength = imageLength,
            Pieces = (int)pieces,
            Sums = cpu.Workspace.Take(pieces * Workspace.Aligned(sumsLength)),
            SumsLength = Workspace.Aligned(sumsLength),
            Pixels = (int*)cpu.Workspace.Take((long)bandRows * shape.Q),
            GroupStarts = (int*)cpu.Workspace.Take(groups),
            Scratch = cpu.Workspace.OfThreads,
            PackedLength = Workspace.Aligned(packed),
        };
        for (int i = 0; i < bandRows * shape.Q; i++)
        {
            arguments.Pixels[i] = (i / shape.Q * shape.StrideH * imageColumns + i % shape.Q * shape.StrideW) * shape.C;
        }

        for (int group = 0; group < groups; group++)
        {
            int r = shape.DilationW == 1 ? group : group / shape.S, s = group - r * (groups / shape.R);
            arguments.GroupStarts[group] = (r * shape.DilationH * imageColumns + s * shape.DilationW) * shape.C;
        }

        cpu.Run((int)pieces, &SumPiece<TV>, ref arguments);
        cpu.Run(tiles * blocks, &MergePieces<TV>, ref arguments);
    }

    /// <summary>Chooses the form by the cycles that a pixel costs. A cycle does two multiply-adds or two thirds of a copy.</summary>
    public static FilterGradientForm ChooseFilterForm<TV>(in Conv2dShape shape)
        where TV : unmanaged, IVector<TV>
    {
        if (SuitsWinogradGradient(shape)) return FilterGradientForm.Winograd;
        if (shape.Layout == BatchLayout.ChannelsLast) return SuitsOneChannelGradient(shape) ? FilterGradientForm.OneChannel : FilterGradientForm.Turned;
        (int groups, int run) = Groups(shape);
        int rows = TiledProduct.RowBlocks<TV>(shape.K) * RegisterTile<TV>.Rows;
        long cyclesPerTile = rows * 3L / 2;
        long inPlace = groups * TiledProduct.Tiles<TV>(run) * cyclesPerTile;
        long gathered = TiledProduct.Tiles<TV>(groups * run) * cyclesPerTile + 3L * groups * run / 2;

        // Both of these forms copy dy and x as well. The dot products copy almost nothing.
        long copies = ((long)rows + shape.C) * 3 / 2;
        if (shape is { StrideH: 1, StrideW: 1 })
        {
            long pixels = (long)DotBandRows(shape) * shape.Q, dots = shape.WLength / TV.Width + (long)SumCycles * shape.WLength / pixels;
            if (dots < Math.Min(inPlace, gathered) + copies) return FilterGradientForm.Dots;
        }

        return gathered < inPlace ? FilterGradientForm.Gathered : FilterGradientForm.InPlace;
    }

    // The number of groups of columns that lie next to each other in x, and the columns of a group.
    private static (int Groups, int Run) Groups(in Conv2dShape shape) =>
        shape.DilationW == 1 ? (shape.R, shape.S * shape.C) : (shape.R * shape.S, shape.C);

    private static void SumPiece<TV>(ref FilterArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int blocks = arguments.Blocks, tileLength = RegisterTile<TV>.Rows * RegisterTile<TV>.Columns;
        float* sums = arguments.Sums + task * arguments.SumsLength;
        float* image = arguments.Scratch.Of(worker);
        float* packed = image + Workspace.Aligned(arguments.ImageLength + HostMemory.ReadableTail);
        float* panel = packed + arguments.PackedLength;
        long units = (long)shape.N * arguments.Bands, unit = units * task / arguments.Pieces, lastUnit = units * (task + 1) / arguments.Pieces;
        int rowLength = arguments.Gathered ? arguments.Groups * arguments.Run : RegisterTile<TV>.Columns;
        int tilesPerGroup = TiledProduct.Tiles<TV>(arguments.Run);
        bool copy = !arguments.Gathered && blocks >= CopyPanelFromBlocks;
        int* ramp = stackalloc int[TiledProduct.DepthChunk];
        for (int i = 0; i < TiledProduct.DepthChunk; i++) ramp[i] = i * rowLength;
        for (bool accumulate = false; unit < lastUnit; unit++)
        {
            int n = (int)(unit / arguments.Bands), firstRow = (int)(unit % arguments.Bands) * arguments.BandRows;
            int rows = Math.Min(arguments.BandRows, shape.P - firstRow), pixels = rows * shape.Q;
            CopyBand(arguments, n, firstRow, rows, image);
            float* dy = arguments.Dy + ((long)n * shape.K * shape.P + firstRow) * shape.Q;
            for (int first = 0; first < pixels; first += TiledProduct.DepthChunk, accumulate = true)
            {
                int depth = Math.Min(TiledProduct.DepthChunk, pixels - first);
                int* offsets = arguments.Pixels + first;
                for (int block = 0; block < blocks; block++)
                {
                    TiledProduct.PackRows<TV>(dy + first, (long)shape.P * shape.Q, null, shape.K, depth, block, packed);
                }

                if (arguments.Gathered) GatherColumns(arguments, image, offsets, depth, panel);
                for (int tile = 0; tile < arguments.Tiles; tile++)
                {
                    int column = (arguments.Gathered ? tile : tile % tilesPerGroup) * RegisterTile<TV>.Columns;
                    int left = (arguments.Gathered ? arguments.Groups * arguments.Run : arguments.Run) - column;
                    float* b = (arguments.Gathered ? panel : image + arguments.GroupStarts[tile / tilesPerGroup]) + column;
                    if (copy)
                    {
                        TiledProduct.CopyRows<TV>(b, offsets, depth, panel);
                        b = panel;
                    }

                    for (int block = 0; block < blocks; block++)
                    {
                        RegisterTile<TV>.Run(
                            packed + block * RegisterTile<TV>.Rows * depth, b, copy || arguments.Gathered ? ramp : offsets, depth,
                            sums + ((long)tile * blocks + block) * tileLength, accumulate, left);
                    }
                }
            }
        }
    }

    // Copies the rows of x that a band of output rows sees to H W C order.
    private static void CopyBand(in FilterArguments arguments, int n, int firstRow, int rows, float* image)
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int channels = shape.C, columns = arguments.ImageColumns;
        int imageRows = (rows - 1) * shape.StrideH + (shape.R - 1) * shape.DilationH + 1, top = firstRow * shape.StrideH - shape.PadH;
        int first = Math.Min(shape.PadW, columns), end = (int)Math.Clamp((long)shape.PadW + shape.W, first, columns);
        for (int row = 0; row < imageRows; row++)
        {
            float* line = image + (long)row * columns * channels;
            int h = top + row;
            if (h < 0 || h >= shape.H)
            {
                new Span<float>(line, columns * channels).Clear();
                continue;
            }

            new Span<float>(line, first * channels).Clear();
            new Span<float>(line + end * channels, (columns - end) * channels).Clear();
            float* source = arguments.X + ((long)n * channels * shape.H + h) * shape.W + first - shape.PadW;
            Transposition.Run(source, (long)shape.H * shape.W, channels, end - first, line + first * channels, channels);
        }
    }

    // Copies all filter taps of each pixel side by side. One tap is copied at a time, because the loop over pixels is the long one.
    private static void GatherColumns(in FilterArguments arguments, float* image, int* offsets, int depth, float* panel)
    {
        int columns = arguments.Groups * arguments.Run;
        for (int column = 0; column < columns; column++)
        {
            float* source = image + arguments.GroupStarts[column / arguments.Run] + column % arguments.Run;
            float* destination = panel + column;
            for (int i = 0; i < depth; i++, destination += columns) *destination = source[offsets[i]];
        }
    }

    // One task is one register tile. It adds the tile's sums over the pieces and writes each to the place of its filter tap.
    private static void MergePieces<TV>(ref FilterArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int height = RegisterTile<TV>.Rows, width = RegisterTile<TV>.Columns;
        float* sums = arguments.Sums + (long)task * height * width;
        for (int i = 0; i < height * width; i += TV.Width)
        {
            TV sum = TV.Load(sums + i);
            for (int piece = 1; piece < arguments.Pieces; piece++) sum += TV.Load(sums + piece * arguments.SumsLength + i);
            TV.Store(sum, sums + i);
        }

        // Columns are numbered (r, s, c). The columns of one group share tiles; gathered columns all do.
        int tile = task / arguments.Blocks, firstRow = task % arguments.Blocks * height;
        int length = arguments.Gathered ? arguments.Groups * arguments.Run : arguments.Run;
        int tilesPerGroup = TiledProduct.Tiles<TV>(length), taps = shape.R * shape.S;
        int start = tile / tilesPerGroup * length, first = tile % tilesPerGroup * width, count = Math.Min(width, length - first);
        int rows = Math.Min(height, shape.K - firstRow);
        for (int j = 0; j < count; j++)
        {
            int column = start + first + j, tap = column / shape.C, c = column - tap * shape.C;
            float* dw = arguments.Dw + ((long)firstRow * shape.C + c) * taps + tap;
            for (int i = 0; i < rows; i++) dw[(long)i * shape.C * taps] = sums[i * width + j];
        }
    }

    private struct FilterArguments
    {
        public Conv2dShape Shape;
        public float* X;
        public float* Dy;
        public float* Dw;
        public int Blocks;
        public int Tiles;
        public int Groups;
        public int Run;
        public bool Gathered;
        public int BandRows;
        public int Bands;
        public int ImageColumns;
        public int ImageLength;
        public int Pieces;
        public float* Sums;
        public long SumsLength;
        public int* Pixels;
        public int* GroupStarts;
        public ThreadScratch Scratch;
        public long PackedLength;
    }
}
