using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The form for long filters as wide as the input, which slide along rows only: a dense layer that is moved over a song.
/// <code>y[k, p] = b[k] + Σ_r Σ_cs x[p + r·DilationH, cs] · w[k, r, cs]</code>
/// Lanes are output channels, see <see cref="ChannelTile{TV}"/>. Rows are computed in tiles of <see cref="WinogradLine"/>: four outputs from seven inputs,
/// DilationH rows apart. The filter is cut into pieces of four taps; the last is filled up with zeros.
/// <code>y[k, tile] = Aᵀ·Σ_piece Σ_cs (Bᵀ·x[tile + piece]) ⊙ (G·w[k, piece])</code>
/// Each piece begins four taps after the one before, and so does each tile. Therefore all pieces share the same transformed tiles, and the sum over the
/// pieces is transformed back once. For 11 taps this takes 21 products for four outputs in place of 44. Tiles are numbered first by row of tiles, then by
/// phase of the dilation, so the tiles of the next piece lie DilationH tiles further on. A task is a band of rows of tiles of one sample; it copies its
/// input to blocks of 16 entries cs × rows × 16. Parallel over samples and bands. Compute bounds it. For sums of 4928 terms the largest error seen was
/// 1.4e-8 of the sum of the terms' absolute values.
/// </content>
internal static unsafe partial class Conv2d
{
    // Tiles of a band: enough to pay for reading the filters from the last-level cache, few enough that the band's input stays in the second-level cache.
    private const int WideBandTiles = 128;

    // With fewer output rows, transforming the filters costs too much.
    private const int WideRows = 48;

    // The same for all vector widths.
    private const int DepthBlock = ChannelTile<V512>.DepthBlock;

    private static bool SuitsWholeWidth(in Conv2dShape shape)
    {
        if (shape is not { Q: 1, IsPadded: false, StrideH: 1, DilationW: 1 } || shape.C * shape.S % 16 != 0 || shape.K % 32 != 0) return false;

        // Products per channel. The tiles must save a third of them, or the transforms cost more than they save.
        long tiled = (long)RowsOfTiles(shape) * shape.DilationH * Pieces(shape) * WinogradLine.Points;
        return shape.P >= WideRows && 3 * tiled <= 2L * shape.P * shape.R;
    }

    private static int Pieces(in Conv2dShape shape) => (shape.R + WinogradLine.Outputs - 1) / WinogradLine.Outputs;

    private static int RowsOfTiles(in Conv2dShape shape)
    {
        int rows = WinogradLine.Outputs * shape.DilationH;
        return (shape.P + rows - 1) / rows;
    }

    private static void ForwardWholeWidth<TV>(
        CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* b, Activation activation, float* y, float* packed)
        where TV : unmanaged, IVector<TV>
    {
        int columns = ChannelTile<TV>.Columns, depth = shape.C * shape.S, dilation = shape.DilationH, groups = RowsOfTiles(shape);
        int bands = CountBands(cpu, shape.N, groups, Math.Max(1, WideBandTiles / dilation)), bandGroups = (groups + bands - 1) / bands;
        int tiles = RoundUp(bandGroups * dilation, ChannelTile<TV>.RowStep), pieces = Pieces(shape);
        WholeWidthArguments arguments = new()
        {
            Shape = shape,
            X = x,
            B = b,
            Activation = activation,
            Y = y,
            Bands = bands,
            Tiles = tiles + (pieces - 1) * dilation,
            InputRows = (WinogradLine.Outputs * (bandGroups + pieces - 1) + WinogradLine.Points - WinogradLine.Outputs) * dilation,
            OutputRows = WinogradLine.Outputs * bandGroups * dilation,
        };
        arguments.InputLength = Workspace.Aligned((long)depth * arguments.InputRows);
        arguments.TilesLength = Workspace.Aligned((long)WinogradLine.Points * depth * arguments.Tiles);
        arguments.ProductLength = Workspace.Aligned((long)WinogradLine.Points * tiles * columns);
        long scratch =
            arguments.InputLength + arguments.TilesLength + arguments.ProductLength + Workspace.Aligned((long)arguments.OutputRows * columns);
        int filters = packed is null ? PackedLength(shape, Conv2dForm.WholeWidth) : 0;
        cpu.Workspace.Begin(Workspace.Aligned(filters), scratch);
        arguments.U = packed is null ? cpu.Workspace.Take(filters) : packed;
        arguments.Scratch = cpu.Workspace.OfThreads;
        if (packed is null) TransformWholeWidthFilters<TV>(cpu, shape, w, arguments.U);
        cpu.Run(shape.N * bands, &RunWholeWidth<TV>, ref arguments);
    }

    private static void TransformWholeWidthFilters<TV>(CpuContext cpu, in Conv2dShape shape, float* w, float* u)
        where TV : unmanaged, IVector<TV>
    {
        WholeWidthArguments arguments = new() { Shape = shape, W = w, U = u };
        cpu.Run(shape.K / ChannelTile<TV>.Columns * shape.C, &TransformWholeWidthFilter<TV>, ref arguments);
    }

    // One task is one input channel of two vectors of output channels; u lies [block of output channels][point][piece][cs][Columns].
    private static void TransformWholeWidthFilter<TV>(ref WholeWidthArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int columns = ChannelTile<TV>.Columns, block = task / shape.C, c = task % shape.C, pieces = Pieces(shape);
        long pieceLength = (long)shape.C * shape.S * columns, pointLength = pieces * pieceLength;
        float* room = stackalloc float[WinogradLine.Outputs * 2 * ChannelTile<TV>.DepthBlock + Workspace.Line], taps = Workspace.OnLine(room);
        for (int piece = 0; piece < pieces; piece++)
        for (int s = 0; s < shape.S; s++)
        {
            for (int tap = 0; tap < WinogradLine.Outputs; tap++)
            {
                int r = piece * WinogradLine.Outputs + tap;
                float* w = arguments.W + (((long)block * columns * shape.C + c) * shape.R + r) * shape.S + s;
                for (int k = 0; k < columns; k++) taps[tap * columns + k] = r < shape.R ? w[(long)k * shape.C * shape.R * shape.S] : 0;
            }

            int entry = shape.Layout == BatchLayout.ChannelsLast ? s * shape.C + c : c * shape.S + s;
            float* u = arguments.U + block * WinogradLine.Points * pointLength + piece * pieceLength + entry * columns;
            for (int lane = 0; lane < columns; lane += TV.Width) WinogradLine.Filter<TV>(taps + lane, columns, u + lane, pointLength);
        }
    }

    private static void RunWholeWidth<TV>(ref WholeWidthArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int columns = ChannelTile<TV>.Columns, depth = shape.C * shape.S, dilation = shape.DilationH, n = task / arguments.Bands;
        int part = task % arguments.Bands, groups = RowsOfTiles(shape), pieces = Pieces(shape);
        int firstGroup = (int)((long)groups * part / arguments.Bands), endGroup = (int)((long)groups * (part + 1) / arguments.Bands);
        int first = firstGroup * WinogradLine.Outputs * dilation, tiles = (endGroup - firstGroup) * dilation;
        int rows = Math.Min(shape.P - first, WinogradLine.Outputs * tiles), inputTiles = tiles + (pieces - 1) * dilation;
        float* input = arguments.Scratch.Of(worker), v = input + arguments.InputLength;
        float* products = v + arguments.TilesLength, output = products + arguments.ProductLength;
        GatherRows(shape, arguments.X, n, first, arguments.InputRows, input);

        long inputLength = (long)arguments.InputRows * ChannelTile<TV>.DepthBlock, tileLength = (long)arguments.Tiles * ChannelTile<TV>.DepthBlock;
        long pointLength = depth / ChannelTile<TV>.DepthBlock * tileLength;
        for (int i = 0; i < depth; i += TV.Width)
        {
            int block = i / ChannelTile<TV>.DepthBlock, lane = i % ChannelTile<TV>.DepthBlock;
            float* from = input + block * inputLength + lane, to = v + block * tileLength + lane;
            for (int t = 0; t < inputTiles; t++, to += ChannelTile<TV>.DepthBlock)
            {
                int row = t / dilation * WinogradLine.Outputs * dilation + t % dilation;
                WinogradLine.Input<TV>(from + row * ChannelTile<TV>.DepthBlock, (long)dilation * ChannelTile<TV>.DepthBlock, to, pointLength);
            }
        }

        long pitch = WinogradLine.Points * columns, pieceLength = (long)depth * columns;
        float* u = arguments.U;
        for (int block = 0; block < shape.K / columns; block++)
        {
            for (int point = 0; point < WinogradLine.Points; point++)
            for (int piece = 0; piece < pieces; piece++, u += pieceLength)
            {
                ChannelTile<TV>.Run(
                    v + point * pointLength + piece * dilation * ChannelTile<TV>.DepthBlock, tileLength, RoundUp(tiles, ChannelTile<TV>.RowStep),
                    u, depth, products + point * columns, pitch, accumulate: piece > 0);
            }

            for (int t = 0; t < tiles; t++)
            {
                float* to = output + ((long)(t / dilation) * WinogradLine.Outputs * dilation + t % dilation) * columns;
                for (int lane = 0; lane < columns; lane += TV.Width)
                {
                    WinogradLine.Output<TV>(products + t * pitch + lane, columns, to + lane, (long)dilation * columns);
                }
            }

            int channel = block * columns;
            float* bias = arguments.B is null ? null : arguments.B + channel;
            if (shape.Layout == BatchLayout.ChannelsLast)
            {
                Activate<TV>(arguments.Activation, bias, output, rows, arguments.Y + ((long)n * shape.P + first) * shape.K + channel, shape.K);
                continue;
            }

            Activate<TV>(arguments.Activation, bias, output, rows, output, columns);
            Transposition.Run(output, columns, rows, columns, arguments.Y + ((long)n * shape.K + channel) * shape.P + first, shape.P);
        }
    }

    // Copies rows of one sample, with channels and columns in blocks: [cs / 16][row][16]. Rows behind the end of the input become zeros.
    private static void GatherRows(in Conv2dShape shape, float* x, int n, int first, int rows, float* input)
    {
        int filled = Math.Min(rows, shape.H - first), depth = shape.C * shape.S;
        if (shape.Layout == BatchLayout.ChannelsLast)
        {
            for (int i = 0; i < depth; i += DepthBlock, input += (long)rows * DepthBlock)
            {
                float* from = x + ((long)n * shape.H + first) * depth + i;
                for (int h = 0; h < filled; h++, from += depth) new Span<float>(from, DepthBlock).CopyTo(new Span<float>(input + h * DepthBlock, DepthBlock));
                new Span<float>(input + filled * DepthBlock, (rows - filled) * DepthBlock).Clear();
            }

            return;
        }

        for (int i = 0; i < depth; i++)
        {
            float* from = x + (((long)n * shape.C + i / shape.S) * shape.H + first) * shape.W + i % shape.S;
            float* to = input + (long)(i / DepthBlock * rows) * DepthBlock + i % DepthBlock;
            for (int h = 0; h < filled; h++) to[h * DepthBlock] = from[(long)h * shape.W];
            for (int h = filled; h < rows; h++) to[h * DepthBlock] = 0;
        }
    }

    private struct WholeWidthArguments
    {
        public Conv2dShape Shape;
        public float* X;
        public float* W;
        public float* B;
        public float* Y;
        public float* U;
        public Activation Activation;
        public int Bands;
        public int Tiles;
        public int InputRows;
        public int OutputRows;
        public ThreadScratch Scratch;
        public long InputLength;
        public long TilesLength;
        public long ProductLength;
    }
}
