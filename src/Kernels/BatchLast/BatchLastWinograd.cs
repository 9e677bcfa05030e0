using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// Convolutions of maps whose batch is last in Winograd's tiles, see <see cref="IWinograd"/>:
/// <code>y[k, tile, ·] = Aᵀ·[Σ_c (G·w[k, c]·Gᵀ) ⊙ (Bᵀ·x[c, tile, ·]·B)]·A</code>
/// <list type="bullet">
/// <item>3×3 filters come in tiles of 4×4 outputs (<see cref="WinogradOf4"/>): 36 products in place of 144.</item>
/// <item>A transposed convolution with 4×4 filters and a stride of 2 is four convolutions with 2×2 filters, one for each phase of the outputs. Tiles of
/// 5×5 inputs give 4×4 outputs of each phase (<see cref="WinogradOf4With2Taps"/>): 100 products in place of 256. With an odd padding some phases begin an input
/// later. If tiles that begin with them are fewer, each phase has its own; otherwise a tile of inputs is transformed once for all.</item>
/// <item>Its gradient, a convolution with 4×4 filters and a stride of 2, adds up four convolutions with 2×2 filters, one for each phase of the inputs. The sum
/// over phases is part of the sum over channels.</item>
/// </list>
/// A vector holds samples. A task is a few tiles of 16 samples, a block of the batch. First they are transformed, to points × phases × channels × tiles.
/// Then, for a few output channels at a time, the sums over channels are computed, as one matrix product of <see cref="BatchLastProduct"/> for each point,
/// and are transformed back with bias and activation. A tile that extends beyond the input is filled up with zeros first. Parallel over blocks and tiles.
/// Compute bounds it; with few channels the transforms do.
/// </summary>
/// <remarks>
/// The transforms cost some precision. For sums of 576 terms with padding, the largest error of 3×3 filters against float64 was 2.7e-6 of the sum of the terms'
/// absolute values, and of 4×4 filters 3.0e-6; see the tests WinogradWithTheBatchLastKeepsItsDigits.
/// </remarks>
internal static unsafe class BatchLastWinograd
{
    private const int Samples = TileTransform.Samples;

    // Of a task: as many as a register tile has pixels, and no more than stay in a second-level cache, 640 KB.
    private const int MostTiles = TileTransform.MostTiles;
    private const int MostTilesLength = 160 * 1024;

    // The number of output channels whose sums are computed at a time.
    private const int ChannelsPerPass = 16;

    // With this many pairs of channels or more, the products take longer than the transforms. Those of 4×4 filters save less.
    private const int LeastPairs = 128, LeastPairsOfPhases = 512;

    // With this many tiles of 16 samples or more, the products take longer than the transform of the filters.
    private const int LeastUnits = 4;

    // Rows and columns of a tile's outputs, with 2 taps and with 3.
    private const int Outputs = 4;

    // Room for a tile of the larger kind.
    private const int MaxSide = 6;
    private const int MaxTaps = 16;

    // What the first float of a thread's scratch says of the transformed filters behind it.
    private const float NotPacked = 0, Packed = 1;

    /// <summary>Whether a shape suits: it must have whole vectors of samples at every width and waste little of the tiles.</summary>
    public static bool Suits(in Conv2dShape shape) => HasTiles(shape) && HasPairs(Geometry.Of(shape));

    /// <summary>Whether the filters have a form in tiles, and its tiles save products, whatever the number of channels.</summary>
    public static bool HasTiles(in Conv2dShape shape)
    {
        if (shape is not { Layout: BatchLayout.Last, DilationH: 1, DilationW: 1 }) return false;
        bool isDense = shape is { R: 3, S: 3, StrideH: 1, StrideW: 1 }, isStrided = shape is { R: 4, S: 4, StrideH: 2, StrideW: 2 };
        return (isDense || isStrided) && SavesProducts(Geometry.Of(shape), (long)shape.R * shape.S * shape.P * shape.Q);
    }

    /// <inheritdoc cref="Suits(in Conv2dShape)"/>
    public static bool Suits(in ConvTranspose2dShape shape) =>
        shape is { Layout: BatchLayout.Last, R: 4, S: 4, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1 }
        && HasPairs(Geometry.Of(shape)) && SavesProducts(Geometry.Of(shape), (long)shape.R * shape.S * shape.P * shape.Q / 4);

    /// <summary>Floats of the transformed filters.</summary>
    public static int PackedLength(in Conv2dShape shape) => checked((int)PackedLength(Geometry.Of(shape)));

    /// <summary>Transforms the filters: [point][phase][pair of channels], the points <see cref="PointLength"/> apart.</summary>
    public static void Pack<TV>(in Conv2dShape shape, float* w, float* packed)
        where TV : unmanaged, IVector<TV>
    {
        Geometry geometry = Geometry.Of(shape);
        if (geometry.Taps == 3) TransformFilters<TV, WinogradOf4>(geometry, w, packed);
        else TransformFilters<TV, WinogradOf4With2Taps>(geometry, w, packed);
    }

    /// <summary>y = activation(x ⋆ w + b). Overwrites y; <paramref name="packed"/> is what <c>Pack</c> wrote, or null.</summary>
    public static void Run<TV>(
        CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* b, Activation activation, float* y, float* packed)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = new() { Geometry = Geometry.Of(shape), X = x, W = w, B = b, Activation = activation, Y = y, U = packed };
        Run<TV>(cpu, ref arguments);
    }

    /// <summary>y = activation(x ⋆ᵀ w + b). Overwrites y.</summary>
    public static void Run<TV>(CpuContext cpu, in ConvTranspose2dShape shape, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = new() { Geometry = Geometry.Of(shape), X = x, W = w, B = b, Activation = activation, Y = y };
        Run<TV>(cpu, ref arguments);
    }

    private static bool HasPairs(in Geometry geometry) =>
        geometry.Units >= LeastUnits && geometry.Pairs >= (geometry.Phases == 1 ? LeastPairs : LeastPairsOfPhases);

    // The transforms pay if they save two products of five.
    private static bool SavesProducts(in Geometry geometry, long products) =>
        geometry.N == Samples && 5L * geometry.Side * geometry.Side * geometry.Phases * geometry.Tiles <= 3 * products;

    private static long PackedLength(in Geometry geometry) => geometry.Side * geometry.Side * PointLength(geometry.Phases * geometry.Pairs);

    // The floats from one point to the next. The points of a tile would share a few lines of a first-level cache if this were a multiple of 4 KB.
    internal static long PointLength(long values) => values + Samples;

    private static void Run<TV>(CpuContext cpu, ref Arguments arguments)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly Geometry geometry = ref arguments.Geometry;
        int points = geometry.Side * geometry.Side, units = geometry.Units;
        long tileLength = (long)points * geometry.InPhases * geometry.C * Samples;
        arguments.Shares = Math.Min(cpu.Threads, units);
        int share = PartsOf(units, arguments.Shares), most = (int)Math.Clamp(MostTilesLength / tileLength, 1, MostTiles);
        arguments.TasksPerShare = PartsOf(share, most);
        arguments.TilesPerTask = PartsOf(share, arguments.TasksPerShare);
        int lanes = arguments.TilesPerTask * Samples, tasks = arguments.Shares * arguments.TasksPerShare;
        arguments.TilesLength = Workspace.Aligned(points * PointLength((long)geometry.InPhases * geometry.C * lanes));
        arguments.ProductLength = Workspace.Aligned(points * PointLength((long)ChannelsPerPass * lanes));
        arguments.FiltersLength = arguments.U is null ? Workspace.Line + Workspace.Aligned(PackedLength(geometry)) : 0;
        cpu.Workspace.Begin(0, arguments.FiltersLength + arguments.TilesLength + arguments.ProductLength);
        arguments.Scratch = cpu.Workspace.OfThreads;
        for (int thread = 0; thread < cpu.Threads && arguments.U is null; thread++) *arguments.Scratch.Of(thread) = NotPacked;
        if (geometry.Taps == 3) cpu.Run(tasks, &RunTiles<TV, WinogradOf4>, ref arguments);
        else cpu.Run(tasks, &RunTiles<TV, WinogradOf4With2Taps>, ref arguments);
    }

    /// <summary>How many parts of a length there are, the last one perhaps shorter.</summary>
    internal static int PartsOf(int length, int part) => (length + part - 1) / part;

    // The transformed filters: those that were given, or the thread's own, which its first task makes.
    private static float* FiltersOf<TV, TWinograd>(in Arguments arguments, int worker)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        if (arguments.U is not null) return arguments.U;
        float* state = arguments.Scratch.Of(worker), u = state + Workspace.Line;
        if (*state != NotPacked) return u;
        TransformFilters<TV, TWinograd>(arguments.Geometry, arguments.W, u);
        *state = Packed;
        return u;
    }

    private static void TransformFilters<TV, TWinograd>(in Geometry geometry, float* w, float* u)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        // The last pairs end with the last of all and are computed again where they overlap those before.
        for (int first = 0; first < geometry.Pairs; first += Samples)
        {
            TransformFilters<TV, TWinograd>(geometry, w, Math.Min(first, geometry.Pairs - Samples), u);
        }
    }

    // 16 pairs of channels, which lie in the lanes.
    [SkipLocalsInit]
    private static void TransformFilters<TV, TWinograd>(in Geometry geometry, float* w, int first, float* u)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        int taps = TWinograd.Taps, side = TWinograd.Outputs + taps - 1, size = geometry.FilterSide, phases = geometry.PhasesOfAxis;
        long pointLength = PointLength(geometry.Phases * geometry.Pairs), rowStep = (long)geometry.TapStep * size * Samples;
        float* room = stackalloc float[(MaxTaps + 3 * MaxSide) * Samples + Workspace.Line];
        float* values = Workspace.OnLine(room), half = values + MaxTaps * Samples;
        Transposition.Run(w + (long)first * size * size, size * size, Samples, size * size, values, Samples);
        for (int phase = 0; phase < phases * phases; phase++)
        {
            float* tap = values + ((geometry.FirstTap + phase / phases) * size + geometry.FirstTap + phase % phases) * Samples;
            float* to = u + (long)phase * geometry.Pairs + first;
            for (int lane = 0; lane < Samples; lane += TV.Width)
            {
                for (int s = 0; s < taps; s++)
                {
                    TWinograd.Filter<TV>(tap + s * geometry.TapStep * Samples + lane, rowStep, half + s * TV.Width, taps * TV.Width);
                }

                for (int i = 0; i < side; i++) TWinograd.Filter<TV>(half + taps * i * TV.Width, TV.Width, to + i * side * pointLength + lane, pointLength);
            }
        }
    }

    private static void RunTiles<TV, TWinograd>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        ref readonly Geometry geometry = ref arguments.Geometry;
        int side = TWinograd.Outputs + TWinograd.Taps - 1, points = side * side;
        int first = arguments.UnitsOf(task, out int count);
        if (count <= 0) return;
        int pixels = count * Samples / TV.Width, inPhases = geometry.InPhases;
        float* filters = FiltersOf<TV, TWinograd>(arguments, worker);
        float* v = arguments.Scratch.Of(worker) + arguments.FiltersLength, products = v + arguments.TilesLength;
        long phaseLength = (long)geometry.C * pixels * TV.Width, pointLength = PointLength(inPhases * phaseLength);
        long filterLength = PointLength(geometry.Phases * geometry.Pairs);
        int* xOffsets = stackalloc int[4], wOffsets = stackalloc int[4];
        for (int phase = 0; phase < inPhases; phase++) (xOffsets[phase], wOffsets[phase]) = (checked((int)(phase * phaseLength)), phase * geometry.Pairs);
        for (int phase = 0; phase < geometry.OutPhases; phase++)
        {
            bool isTransformed = phase > 0 && geometry.SeesTheSame(phase, phase - 1);
            for (int i = 0, run; i < count && !isTransformed; i += run)
            {
                // Neighbours in a row of tiles share columns.
                Tile tile = TileOf(geometry, first + i, phase);
                run = Math.Min(count - i, geometry.TileColumns - (first + i) % geometry.TileColumns);
                float* x = arguments.X + tile.Block * geometry.XBlock;
                TransformTiles<TV, TWinograd>(geometry, x, tile, run, v + i * Samples, pixels * TV.Width, phaseLength, pointLength);
            }

            for (int k = 0; k < geometry.K; k += ChannelsPerPass)
            {
                int channels = Math.Min(ChannelsPerPass, geometry.K - k);
                float* u = filters + (long)phase * geometry.Pairs + (long)k * geometry.WeightsOfOutput;
                long productLength = PointLength(channels * pixels * TV.Width);
                for (int point = 0; point < points; point++)
                {
                    BatchLastProduct.RunMatrix<TV>(
                        v + point * pointLength, geometry.C, pixels, xOffsets, u + point * filterLength, geometry.WeightsOfOutput,
                        geometry.WeightsOfInput, wOffsets, inPhases, channels, products + point * productLength);
                }

                for (int i = 0; i < count; i++)
                {
                    Tile tile = TileOf(geometry, first + i, phase);
                    TransformBack<TV, TWinograd>(
                        geometry, products + i * Samples, count * Samples, productLength, tile, k, channels, arguments.B, arguments.Activation,
                        arguments.Y + tile.Block * geometry.YBlock);
                }
            }
        }
    }

    // Rows of tiles follow each other, those of a block before those of the next.
    internal static Tile TileOf(in Geometry geometry, int unit, int phase)
    {
        int line = unit / geometry.TileColumns, rowPhase = phase / geometry.OutStride, columnPhase = phase % geometry.OutStride;
        int row = line % geometry.TileRows * Outputs + (rowPhase < geometry.ShiftedRows ? 1 : 0);
        int column = unit % geometry.TileColumns * Outputs + (columnPhase < geometry.ShiftedColumns ? 1 : 0);
        return new Tile
        {
            H = row * geometry.InStride + geometry.FirstRow,
            W = column * geometry.InStride + geometry.FirstColumn,
            P = row * geometry.OutStride + rowPhase - geometry.CroppedRows,
            Q = column * geometry.OutStride + columnPhase - geometry.CroppedColumns,
            Block = line / geometry.TileRows,
        };
    }

    // Tiles that lie side by side, to [point][phase][c][tile][vector of samples].
    private static void TransformTiles<TV, TWinograd>(
        in Geometry geometry, float* x, in Tile tile, int tiles, float* v, int channelStep, long phaseLength, long pointLength)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        long plane = (long)geometry.H * geometry.W * geometry.N;
        for (int phase = 0; phase < geometry.InPhases; phase++)
        {
            TileTransform.Window window = geometry.WindowOf<TileTransform.Inputs<TWinograd>>(tile, phase, tiles);
            for (int c = 0; c < geometry.C; c++)
            {
                TileTransform.Run<TV, TileTransform.Inputs<TWinograd>>(
                    window, x + c * plane, v + phase * phaseLength + (long)c * channelStep, pointLength);
            }
        }
    }

    // Of a phase and of some output channels, whose products lie a step apart. What lies outside y is left out.
    [SkipLocalsInit]
    private static void TransformBack<TV, TWinograd>(
        in Geometry geometry, float* products, int channelStep, long pointLength, in Tile tile, int firstChannel, int channels, float* bias,
        Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        int m = TWinograd.Outputs, side = m + TWinograd.Taps - 1, stride = geometry.OutStride;
        float* room = stackalloc float[(MaxSide + ChannelsPerPass * Outputs) * Outputs * Samples + Workspace.Line];
        float* half = Workspace.OnLine(room), outputs = half + MaxSide * Outputs * Samples;
        TileTransform.Inside(tile.P, stride, geometry.P, m, out int top, out int bottom);
        TileTransform.Inside(tile.Q, stride, geometry.Q, m, out int left, out int right);
        bool isDone = activation.Kind == ActivationKind.None && bottom - top == m && right - left == m;
        long rowStep = (long)stride * geometry.Q * geometry.N, columnStep = (long)stride * geometry.N, plane = (long)geometry.P * geometry.Q * geometry.N;
        y += firstChannel * plane + ((long)tile.P * geometry.Q + tile.Q) * geometry.N;
        float* to = isDone ? y : outputs;
        for (int k = 0; k < channels; k++, products += channelStep, to += isDone ? plane : m * m * Samples)
        for (int lane = 0; lane < Samples; lane += TV.Width)
        {
            float* at = products + lane;
            if (bias is not null)
            {
                // Point 1 by 1 is the product of the polynomials at 1, which counts once in each output.
                float* one = at + (side + 1) * pointLength;
                TV.Store(TV.Load(one) + TV.Broadcast(bias[firstChannel + k]), one);
            }

            for (int s = 0; s < side; s++) TWinograd.Output<TV>(at + s * pointLength, side * pointLength, half + s * TV.Width, side * TV.Width);
            long row = isDone ? rowStep : m * Samples, column = isDone ? columnStep : Samples;

            // Row by row without a loop: a store that goes down the rows makes the processor fetch those below, and they may be another thread's.
            TWinograd.Output<TV>(half, TV.Width, to + lane, column);
            TWinograd.Output<TV>(half + side * TV.Width, TV.Width, to + row + lane, column);
            TWinograd.Output<TV>(half + 2 * side * TV.Width, TV.Width, to + 2 * row + lane, column);
            TWinograd.Output<TV>(half + 3 * side * TV.Width, TV.Width, to + 3 * row + lane, column);
        }

        if (isDone) return;
        if (activation.Kind != ActivationKind.None) Elementwise.RunLine<TV>(activation, outputs, channels * m * m * Samples);
        for (int k = 0; k < channels; k++)
        for (int r = top; r < bottom; r++)
        for (int s = left; s < right; s++)
        for (int lane = 0; lane < Samples; lane += TV.Width)
        {
            TV.Store(TV.Load(outputs + ((k * m + r) * m + s) * Samples + lane), y + k * plane + r * rowStep + s * columnStep + lane);
        }
    }

    // A tile of 16 samples, which are a block: the places of its first input, of the first phase, and of its first output.
    internal struct Tile
    {
        public int H;
        public int W;
        public int P;
        public int Q;
        public int Block;
    }

    /// <summary>The sizes of all three kinds.</summary>
    internal readonly struct Geometry
    {
        /// <summary>Samples of a block.</summary>
        public int N { get; private init; }

        public int Blocks { get; private init; }

        public int C { get; private init; }

        public int H { get; private init; }

        public int W { get; private init; }

        public int K { get; private init; }

        public int P { get; private init; }

        public int Q { get; private init; }

        /// <summary>Rows and columns of a filter.</summary>
        public int FilterSide { get; private init; }

        /// <summary>The distance between two inputs of a tile, and between two outputs.</summary>
        public int InStride { get; private init; }

        /// <inheritdoc cref="InStride"/>
        public int OutStride { get; private init; }

        /// <summary>The input row that a tile begins with whose first output is number 0 of its phase.</summary>
        public int FirstRow { get; private init; }

        /// <inheritdoc cref="FirstRow"/>
        public int FirstColumn { get; private init; }

        /// <summary>Phases of rows whose output 0 lies before the first row of y.</summary>
        public int CroppedRows { get; private init; }

        /// <inheritdoc cref="CroppedRows"/>
        public int CroppedColumns { get; private init; }

        /// <summary>The first phase's taps are this one and those that follow at a distance.</summary>
        public int FirstTap { get; private init; }

        /// <inheritdoc cref="FirstTap"/>
        public int TapStep { get; private init; }

        /// <summary>The pair of channels (k, c) has the number k · this + c · the other.</summary>
        public int WeightsOfOutput { get; private init; }

        /// <inheritdoc cref="WeightsOfOutput"/>
        public int WeightsOfInput { get; private init; }

        public int Taps => FilterSide == 3 ? 3 : 2;

        public int Side => Outputs + Taps - 1;

        public int PhasesOfAxis => InStride * OutStride;

        public int InPhases => InStride * InStride;

        public int OutPhases => OutStride * OutStride;

        public int Phases => InPhases * OutPhases;

        public int Pairs => C * K;

        /// <summary>
        /// Phases of rows whose tiles begin with output 1. That costs a transform of the inputs for each phase, so it is done only where it saves tiles.
        /// </summary>
        public int ShiftedRows { get; private init; }

        /// <inheritdoc cref="ShiftedRows"/>
        public int ShiftedColumns { get; private init; }

        public int TileRows { get; private init; }

        public int TileColumns { get; private init; }

        public int Tiles => TileRows * TileColumns;

        /// <summary>Tiles of 16 samples, block by block and row by row. So a thread's share of them is what it has in the layers before and after.</summary>
        public int Units => Tiles * Blocks;

        /// <summary>Floats of a block of x.</summary>
        public long XBlock => (long)C * H * W * N;

        /// <summary>Floats of a block of y.</summary>
        public long YBlock => (long)K * P * Q * N;

        /// <summary>Where a phase of the inputs of neighbouring tiles lies.</summary>
        public TileTransform.Window WindowOf<TTransform>(in Tile tile, int phase, int tiles)
            where TTransform : struct, ITileTransform =>
            TileTransform.Window.Of<TTransform>(H, W, N, InStride, tile.H + phase / InStride, tile.W + phase % InStride, tiles);

        /// <summary>Whether the tiles of two phases of the outputs see the same inputs.</summary>
        public bool SeesTheSame(int phase, int other) =>
            (ShiftedRows == 0 || phase / OutStride == other / OutStride) && (ShiftedColumns == 0 || phase % OutStride == other % OutStride);

        // Cuts the outputs into tiles. Every tile asks for what this divides.
        private Geometry Cut()
        {
            int rows = TilesOf(P, 0) < TilesOf(P, CroppedRows) ? CroppedRows : 0;
            int columns = TilesOf(Q, 0) < TilesOf(Q, CroppedColumns) ? CroppedColumns : 0;
            return this with
            {
                ShiftedRows = rows, ShiftedColumns = columns, TileRows = TilesOf(P, CroppedRows - rows), TileColumns = TilesOf(Q, CroppedColumns - columns),
            };
        }

        // Tiles along an axis.
        private int TilesOf(int length, int cropped) => ((length + cropped - 1) / OutStride + Outputs) / Outputs;

        public static Geometry Of(in Conv2dShape shape) => new Geometry
        {
            N = shape.BlockSamples, Blocks = shape.Blocks, C = shape.C, H = shape.H, W = shape.W, K = shape.K, P = shape.P, Q = shape.Q, FilterSide = shape.R,
            InStride = shape.StrideH, OutStride = 1, FirstRow = -shape.PadH, FirstColumn = -shape.PadW, TapStep = shape.StrideH,
            WeightsOfOutput = shape.C, WeightsOfInput = 1,
        }.Cut();

        // Row p of y is row p + PadH of the uncropped output, of which rows 2·i and 2·i + 1 see the inputs i and i − 1.
        public static Geometry Of(in ConvTranspose2dShape shape) => new Geometry
        {
            N = shape.BlockSamples, Blocks = shape.Blocks, C = shape.C, H = shape.H, W = shape.W, K = shape.K, P = shape.P, Q = shape.Q, FilterSide = shape.R,
            InStride = 1, OutStride = 2, FirstRow = shape.PadH / 2 - 1, FirstColumn = shape.PadW / 2 - 1,
            CroppedRows = shape.PadH % 2, CroppedColumns = shape.PadW % 2, FirstTap = 2, TapStep = -2, WeightsOfOutput = 1, WeightsOfInput = shape.K,
        }.Cut();
    }

    private struct Arguments
    {
        public Geometry Geometry;
        public float* X;
        public float* W;
        public float* B;
        public Activation Activation;
        public float* Y;
        public float* U;
        public ThreadScratch Scratch;
        public long FiltersLength;
        public long TilesLength;
        public long ProductLength;
        public int Shares;
        public int TasksPerShare;
        public int TilesPerTask;

        // A task's tiles: a part of a thread's share, which may have one fewer than that of another.
        public readonly int UnitsOf(int task, out int count)
        {
            int share = task / TasksPerShare, first = FirstOf(share) + task % TasksPerShare * TilesPerTask;
            count = Math.Min(TilesPerTask, FirstOf(share + 1) - first);
            return first;
        }

        private readonly int FirstOf(int share) => (int)((long)Geometry.Units * share / Shares);
    }
}
