using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The form for filters as wide as the input, which slide along rows only: a dense layer that is moved over a song.
/// <code>y[k, p] = b[k] + Σ_r Σ_cs x[p + r·DilationH, cs] · w[k, r, cs]</code>
/// Lanes are output channels, see <see cref="ChannelTile{TV}"/>. A task is a band of rows of one sample, of which it makes blocks of 16 entries cs ×
/// rows × 16; then the same floats serve all filter rows r, each only further on, and nothing is unfolded. The filters are turned to
/// [two vectors of output channels][r][cs] first, unless that was done before, and stream by. Parallel over samples and bands; compute bounds it.
/// </content>
internal static unsafe partial class Conv2d
{
    // Output rows of a band: enough for the filters, which a band reads from the last-level cache, few enough that its input stays in the second.
    private const int WideBandRows = 192;

    // That of ChannelTile, the same for all vectors.
    private const int DepthBlock = ChannelTile<V512>.DepthBlock;

    private static void ForwardWide<TV>(
        CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* b, Activation activation, float* y, float* packed)
        where TV : unmanaged, IVector<TV>
    {
        int columns = ChannelTile<TV>.Columns, depth = shape.C * shape.S;
        int bands = CountBands(cpu, shape.N, shape.P, WideBandRows), bandRows = RoundUp((shape.P + bands - 1) / bands, ChannelTile<TV>.RowStep);
        WideArguments arguments = new()
        {
            Shape = shape,
            X = x,
            B = b,
            Activation = activation,
            Y = y,
            Bands = bands,
            InputRows = bandRows + (shape.R - 1) * shape.DilationH,
        };
        long input = Workspace.Aligned((long)depth * arguments.InputRows), sums = Workspace.Aligned((long)bandRows * columns);
        arguments.InputLength = input;
        arguments.ScratchLength = input + sums;
        int filters = packed is null ? shape.WLength : 0;
        cpu.Workspace.Begin(Workspace.Aligned(filters) + cpu.Threads * arguments.ScratchLength);
        arguments.U = packed is null ? cpu.Workspace.Take(filters) : packed;
        arguments.Scratch = cpu.Workspace.Take(cpu.Threads * arguments.ScratchLength);
        if (packed is null) TurnFilters<TV>(cpu, shape, w, arguments.U);
        cpu.Run(shape.N * bands, &RunWideBand<TV>, ref arguments);
    }

    private static void TurnFilters<TV>(CpuContext cpu, in Conv2dShape shape, float* w, float* u)
        where TV : unmanaged, IVector<TV>
    {
        WideArguments arguments = new() { Shape = shape, W = w, U = u };
        cpu.Run(shape.K / ChannelTile<TV>.Columns * shape.C, &TurnFilter<TV>, ref arguments);
    }

    // One task is one input channel of two vectors of output channels.
    private static void TurnFilter<TV>(ref WideArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int columns = ChannelTile<TV>.Columns, block = task / shape.C, c = task % shape.C;
        for (int r = 0; r < shape.R; r++)
        {
            float* taps = arguments.W + (((long)block * columns * shape.C + c) * shape.R + r) * shape.S;
            float* u = arguments.U + (((long)block * shape.R + r) * shape.C + c) * shape.S * columns;
            Transposition.Run(taps, (long)shape.C * shape.R * shape.S, columns, shape.S, u, columns);
        }
    }

    private static void RunWideBand<TV>(ref WideArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int columns = ChannelTile<TV>.Columns, depth = shape.C * shape.S, n = task / arguments.Bands, part = task % arguments.Bands;
        int first = (int)((long)shape.P * part / arguments.Bands), rows = (int)((long)shape.P * (part + 1) / arguments.Bands) - first;
        float* input = arguments.Scratch + worker * arguments.ScratchLength, sums = input + arguments.InputLength;
        long blockLength = (long)arguments.InputRows * ChannelTile<TV>.DepthBlock;
        GatherWide(shape, arguments.X, n, first, arguments.InputRows, input);

        for (int block = 0; block < shape.K / columns; block++)
        {
            for (int r = 0; r < shape.R; r++)
            {
                ChannelTile<TV>.Run(
                    input + r * shape.DilationH * ChannelTile<TV>.DepthBlock, blockLength, RoundUp(rows, ChannelTile<TV>.RowStep),
                    arguments.U + ((long)block * shape.R + r) * depth * columns, depth, sums, columns, accumulate: r > 0);
            }

            int channel = block * columns;
            Activate<TV>(arguments.Activation, arguments.B is null ? null : arguments.B + channel, sums, rows);
            Transposition.Run(sums, columns, rows, columns, arguments.Y + ((long)n * shape.K + channel) * shape.P + first, shape.P);
        }
    }

    // Rows of one sample from the first on, channels and columns in blocks: [cs / 16][row][16]; zeros where the input ends.
    private static void GatherWide(in Conv2dShape shape, float* x, int n, int first, int rows, float* input)
    {
        int filled = Math.Min(rows, shape.H - first);
        for (int i = 0; i < shape.C * shape.S; i++)
        {
            float* from = x + (((long)n * shape.C + i / shape.S) * shape.H + first) * shape.W + i % shape.S;
            float* to = input + (long)(i / DepthBlock * rows) * DepthBlock + i % DepthBlock;
            for (int h = 0; h < filled; h++) to[h * DepthBlock] = from[(long)h * shape.W];
            for (int h = filled; h < rows; h++) to[h * DepthBlock] = 0;
        }
    }

    private struct WideArguments
    {
        public Conv2dShape Shape;
        public float* X;
        public float* W;
        public float* B;
        public float* Y;
        public float* U;
        public Activation Activation;
        public int Bands;
        public int InputRows;
        public float* Scratch;
        public long InputLength;
        public long ScratchLength;
    }
}
