using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The form for long filters as wide as the input: that of <see cref="Conv2dForm.Wide"/> with its rows in tiles of <see cref="WinogradLine"/>, four outputs
/// from seven inputs, DilationH rows apart. The filter is cut into pieces of four taps, the last filled up with zeros:
/// <code>y[k, tile] = Aᵀ·Σ_piece Σ_cs (Bᵀ·x[tile + piece]) ⊙ (G·w[k, piece])</code>
/// A piece begins four taps further on, as the next tile does: all pieces share the same transformed tiles, and the sums over them are transformed back
/// once. Of 11 taps that leaves 21 products for four outputs in place of 44. Tiles are numbered phase by phase of the dilation, row of tiles by row of
/// tiles, so that those of the next piece lie DilationH tiles on. A task is a band of rows of tiles of one sample; compute bounds it. Of sums of 4928 terms
/// the largest error seen was 1.4e-8 of the sum of the terms' absolute values.
/// </content>
internal static unsafe partial class Conv2d
{
    // Tiles of a band, as for WideBandRows.
    private const int WideBandTiles = 128;

    private static bool SuitsWideTiles(in Conv2dShape shape)
    {
        // Products per channel; the transforms want some gain.
        long tiled = (long)RowsOfTiles(shape) * shape.DilationH * Pieces(shape) * WinogradLine.Points;
        return 3 * tiled <= 2L * shape.P * shape.R;
    }

    private static int Pieces(in Conv2dShape shape) => (shape.R + WinogradLine.Outputs - 1) / WinogradLine.Outputs;

    private static int RowsOfTiles(in Conv2dShape shape)
    {
        int rows = WinogradLine.Outputs * shape.DilationH;
        return (shape.P + rows - 1) / rows;
    }

    private static void ForwardWideTiles<TV>(
        CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* b, Activation activation, float* y, float* packed)
        where TV : unmanaged, IVector<TV>
    {
        int columns = ChannelTile<TV>.Columns, depth = shape.C * shape.S, dilation = shape.DilationH, groups = RowsOfTiles(shape);
        int bands = CountBands(cpu, shape.N, groups, Math.Max(1, WideBandTiles / dilation)), bandGroups = (groups + bands - 1) / bands;
        int tiles = RoundUp(bandGroups * dilation, ChannelTile<TV>.RowStep), pieces = Pieces(shape);
        WideTileArguments arguments = new()
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
        arguments.ScratchLength =
            arguments.InputLength + arguments.TilesLength + arguments.ProductLength + Workspace.Aligned((long)arguments.OutputRows * columns);
        int filters = packed is null ? PackedLength(shape, Conv2dForm.WideTiles) : 0;
        cpu.Workspace.Begin(Workspace.Aligned(filters) + cpu.Threads * arguments.ScratchLength);
        arguments.U = packed is null ? cpu.Workspace.Take(filters) : packed;
        arguments.Scratch = cpu.Workspace.Take(cpu.Threads * arguments.ScratchLength);
        if (packed is null) TransformWideFilters<TV>(cpu, shape, w, arguments.U);
        cpu.Run(shape.N * bands, &RunWideTiles<TV>, ref arguments);
    }

    private static void TransformWideFilters<TV>(CpuContext cpu, in Conv2dShape shape, float* w, float* u)
        where TV : unmanaged, IVector<TV>
    {
        WideTileArguments arguments = new() { Shape = shape, W = w, U = u };
        cpu.Run(shape.K / ChannelTile<TV>.Columns * shape.C, &TransformWideFilter<TV>, ref arguments);
    }

    // One task is one input channel of two vectors of output channels; u lies [block of output channels][point][piece][cs][Columns].
    private static void TransformWideFilter<TV>(ref WideTileArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int columns = ChannelTile<TV>.Columns, block = task / shape.C, c = task % shape.C, pieces = Pieces(shape);
        long pieceLength = (long)shape.C * shape.S * columns, pointLength = pieces * pieceLength;
        float* taps = stackalloc float[WinogradLine.Outputs * 2 * ChannelTile<TV>.DepthBlock];
        for (int piece = 0; piece < pieces; piece++)
        for (int s = 0; s < shape.S; s++)
        {
            for (int tap = 0; tap < WinogradLine.Outputs; tap++)
            {
                int r = piece * WinogradLine.Outputs + tap;
                float* w = arguments.W + (((long)block * columns * shape.C + c) * shape.R + r) * shape.S + s;
                for (int k = 0; k < columns; k++) taps[tap * columns + k] = r < shape.R ? w[(long)k * shape.C * shape.R * shape.S] : 0;
            }

            float* u = arguments.U + block * WinogradLine.Points * pointLength + piece * pieceLength + (c * shape.S + s) * columns;
            for (int lane = 0; lane < columns; lane += TV.Width) WinogradLine.Filter<TV>(taps + lane, columns, u + lane, pointLength);
        }
    }

    private static void RunWideTiles<TV>(ref WideTileArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int columns = ChannelTile<TV>.Columns, depth = shape.C * shape.S, dilation = shape.DilationH, n = task / arguments.Bands;
        int part = task % arguments.Bands, groups = RowsOfTiles(shape), pieces = Pieces(shape);
        int firstGroup = (int)((long)groups * part / arguments.Bands), endGroup = (int)((long)groups * (part + 1) / arguments.Bands);
        int first = firstGroup * WinogradLine.Outputs * dilation, tiles = (endGroup - firstGroup) * dilation;
        int rows = Math.Min(shape.P - first, WinogradLine.Outputs * tiles), inputTiles = tiles + (pieces - 1) * dilation;
        float* input = arguments.Scratch + worker * arguments.ScratchLength, v = input + arguments.InputLength;
        float* products = v + arguments.TilesLength, output = products + arguments.ProductLength;
        GatherWide(shape, arguments.X, n, first, arguments.InputRows, input);

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
            Activate<TV>(arguments.Activation, arguments.B is null ? null : arguments.B + channel, output, rows);
            Transposition.Run(output, columns, rows, columns, arguments.Y + ((long)n * shape.K + channel) * shape.P + first, shape.P);
        }
    }

    private struct WideTileArguments
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
        public float* Scratch;
        public long InputLength;
        public long TilesLength;
        public long ProductLength;
        public long ScratchLength;
    }
}
