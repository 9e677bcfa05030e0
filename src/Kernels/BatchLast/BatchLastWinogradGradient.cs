using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// The filter gradient of a convolution of maps that lie C H W N in Winograd's tiles. Each step of <see cref="BatchLastWinograd"/> is replaced by its
/// transpose:
/// <code>dw[k, c] = Gᵀ·[Σ_tile,n (A·dy[k, tile, n]·Aᵀ) ⊙ (Bᵀ·x[c, tile, n]·B)]·G</code>
/// 3×3 filters take 36 products in place of 144 for 16 pixels. 4×4 filters with a stride of 2 are four filters of 2×2 taps, one for each phase of the inputs,
/// and take 100 in place of 256.
/// <para>
/// A vector holds samples. A unit is a tile of 16 samples; its rows are the channels of both maps, each transformed to points × units × samples. The products
/// are dot products of rows, 4 output channels (2 with 16 registers) by 4 input channels at a time, whose lanes are added at the end. With few channels a chunk
/// of units fits into the second-level cache; a task transforms its chunks one after the other and multiplies each at once, and has sums of its own. With many
/// channels the chunks are larger. All threads transform a chunk, a channel each, and then multiply it, a point and phase each. At the end the sums are added
/// and transformed, 16 pairs of channels in the lanes. Compute bounds it; with few channels the transforms do.
/// </para>
/// </summary>
internal static unsafe class BatchLastWinogradGradient
{
    private const int Samples = TileTransform.Samples;

    // Channels of both maps in a register tile.
    private const int Together = 4;

    // Room for a tile of the larger kind.
    private const int MaxSide = 6;
    private const int MaxTaps = 16;

    // Floats of a chunk: 640 KB of one thread, or 2.5 MB of all threads together, which stay in their caches from one layer to the next. With fewer units than
    // the least, adding up lanes would take too much of the time.
    private const int OwnChunkLength = 160 * 1024;
    private const int CommonChunkLength = 640 * 1024;
    private const int LeastChunk = 8;

    // With fewer chunks some threads would have none of their own.
    private const int LeastChunks = 8;

    // At most so many tasks have sums of their own.
    private const int MostTasks = 32;

    // With fewer pairs of channels the transforms take longer than the products that they save, and with fewer units, too, unless there are many pairs.
    private const int LeastPairs = 64, ManyPairs = 1024;
    private const int LeastProducts = 4096;

    /// <summary>Whether a shape suits: whole vectors of samples at every width, whole register tiles, and little waste of the tiles.</summary>
    public static bool Suits(in Conv2dShape shape)
    {
        if (shape.C % Together != 0 || shape.K % Together != 0 || !BatchLastWinograd.HasTiles(shape)) return false;
        BatchLastWinograd.Geometry geometry = BatchLastWinograd.Geometry.Of(shape);
        return geometry.Pairs >= ManyPairs || (geometry.Pairs >= LeastPairs && (long)geometry.Pairs * geometry.Units >= LeastProducts);
    }

    /// <summary>dw of x and dy. Overwrites dw.</summary>
    public static void Run<TV>(CpuContext cpu, in Conv2dShape shape, float* x, float* dy, float* dw)
        where TV : unmanaged, IVector<TV>
    {
        BatchLastWinograd.Geometry geometry = BatchLastWinograd.Geometry.Of(shape);
        int points = geometry.Side * geometry.Side;
        long unitLength = (long)points * (geometry.InPhases * geometry.C + geometry.K) * Samples;
        int chunk = ChunkOf(geometry.Units, unitLength, OwnChunkLength);
        bool isCommon = chunk < LeastChunk || (geometry.Units + chunk - 1) / chunk < LeastChunks;
        if (isCommon) chunk = ChunkOf(geometry.Units, unitLength, Math.Max(CommonChunkLength, LeastChunk * unitLength));
        int chunks = (geometry.Units + chunk - 1) / chunk, chunksPerTask = isCommon ? chunks : (chunks + MostTasks - 1) / MostTasks;
        Arguments arguments = new()
        {
            Geometry = geometry,
            X = x,
            Dy = dy,
            Dw = dw,
            Chunk = chunk,
            Chunks = chunks,
            ChunksPerTask = chunksPerTask,
            Tasks = (chunks + chunksPerTask - 1) / chunksPerTask,
            InputLength = Workspace.Aligned(points * BatchLastWinograd.PointLength((long)geometry.InPhases * geometry.C * chunk * Samples)),
            SumsLength = Workspace.Aligned((long)geometry.Phases * points * geometry.Pairs),
        };
        long tiles = arguments.InputLength + Workspace.Aligned(points * BatchLastWinograd.PointLength((long)geometry.K * chunk * Samples));
        cpu.Workspace.Begin((isCommon ? tiles : 0) + arguments.Tasks * arguments.SumsLength, isCommon ? 0 : tiles);
        if (isCommon) arguments.CommonTiles = cpu.Workspace.Take(tiles);
        arguments.Tiles = cpu.Workspace.OfThreads;
        arguments.Sums = cpu.Workspace.Take(arguments.Tasks * arguments.SumsLength);
        if (geometry.Taps == 3) Run<TV, WinogradOf4>(cpu, ref arguments, isCommon);
        else Run<TV, WinogradOf4With2Taps>(cpu, ref arguments, isCommon);
    }

    // Units of a chunk: chunks are of about the same size.
    private static int ChunkOf(int units, long unitLength, long length)
    {
        long chunks = (units * unitLength + length - 1) / length;
        return (int)((units + chunks - 1) / chunks);
    }

    private static void Run<TV, TWinograd>(CpuContext cpu, ref Arguments arguments, bool isCommon)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinogradGradient
    {
        ref readonly BatchLastWinograd.Geometry geometry = ref arguments.Geometry;
        if (isCommon)
        {
            for (int chunk = 0; chunk < arguments.Chunks; chunk++)
            {
                arguments.CommonChunk = chunk;
                cpu.Run(geometry.C + geometry.K, &TransformChannel<TV, TWinograd>, ref arguments);
                cpu.Run(geometry.Side * geometry.Side * geometry.Phases, &MultiplyPoint<TV>, ref arguments);
            }
        }
        else
        {
            cpu.Run(arguments.Tasks, &RunChunks<TV, TWinograd>, ref arguments);
        }

        cpu.Run(geometry.Pairs / Samples, &Merge<TV, TWinograd>, ref arguments);
    }

    private static void RunChunks<TV, TWinograd>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinogradGradient
    {
        ref readonly BatchLastWinograd.Geometry geometry = ref arguments.Geometry;
        float* tiles = arguments.Tiles.Of(worker), sums = arguments.Sums + task * arguments.SumsLength;
        int first = task * arguments.ChunksPerTask, end = Math.Min(arguments.Chunks, first + arguments.ChunksPerTask);
        for (int chunk = first; chunk < end; chunk++)
        {
            TransformInputs<TV, TWinograd>(arguments, chunk, 0, geometry.C, tiles);
            TransformGradients<TV, TWinograd>(arguments, chunk, 0, geometry.K, tiles + arguments.InputLength);
            for (int phase = 0; phase < geometry.Phases; phase++)
            for (int point = 0; point < geometry.Side * geometry.Side; point++)
            {
                Multiply<TV>(arguments, chunk, tiles, phase, point, chunk > first, sums);
            }
        }
    }

    // A channel of x or, behind them, of dy.
    private static void TransformChannel<TV, TWinograd>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinogradGradient
    {
        int k = task - arguments.Geometry.C;
        if (k < 0) TransformInputs<TV, TWinograd>(arguments, arguments.CommonChunk, task, task + 1, arguments.CommonTiles);
        else TransformGradients<TV, TWinograd>(arguments, arguments.CommonChunk, k, k + 1, arguments.CommonTiles + arguments.InputLength);
    }

    private static void MultiplyPoint<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        int phases = arguments.Geometry.Phases;
        Multiply<TV>(arguments, arguments.CommonChunk, arguments.CommonTiles, task % phases, task / phases, arguments.CommonChunk > 0, arguments.Sums);
    }

    // Channels of x from `first` to `end` − 1, to [point][phase][c][unit][sample].
    private static void TransformInputs<TV, TWinograd>(in Arguments arguments, int chunk, int first, int end, float* v)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinogradGradient
    {
        ref readonly BatchLastWinograd.Geometry geometry = ref arguments.Geometry;
        long channelStep = arguments.Chunk * Samples, phaseLength = geometry.C * channelStep, plane = (long)geometry.H * geometry.W * geometry.N;
        long pointLength = BatchLastWinograd.PointLength(geometry.InPhases * phaseLength);
        for (int phase = 0; phase < geometry.InPhases; phase++)
        for (int i = 0, tiles; (tiles = arguments.TilesFrom(chunk, i)) > 0; i += tiles)
        {
            BatchLastWinograd.Tile tile = BatchLastWinograd.TileOf(geometry, chunk * arguments.Chunk + i, 0);
            TileTransform.Window window = geometry.WindowOf<TileTransform.Inputs<TWinograd>>(tile, phase, tiles);
            float* x = arguments.X + tile.Sample, to = v + phase * phaseLength + i * Samples;
            for (int c = first; c < end; c++)
            {
                TileTransform.Run<TV, TileTransform.Inputs<TWinograd>>(window, x + c * plane, to + c * channelStep, pointLength);
            }
        }
    }

    // Channels of dy from `first` to `end` − 1, to [point][k][unit][sample].
    private static void TransformGradients<TV, TWinograd>(in Arguments arguments, int chunk, int first, int end, float* v)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinogradGradient
    {
        ref readonly BatchLastWinograd.Geometry geometry = ref arguments.Geometry;
        long channelStep = arguments.Chunk * Samples, plane = (long)geometry.P * geometry.Q * geometry.N;
        long pointLength = BatchLastWinograd.PointLength(geometry.K * channelStep);
        for (int i = 0, tiles; (tiles = arguments.TilesFrom(chunk, i)) > 0; i += tiles)
        {
            BatchLastWinograd.Tile tile = BatchLastWinograd.TileOf(geometry, chunk * arguments.Chunk + i, 0);
            TileTransform.Window window = TileTransform.Window.Of<TileTransform.Gradients<TWinograd>>(
                geometry.P, geometry.Q, geometry.N, 1, tile.P, tile.Q, tiles);
            float* dy = arguments.Dy + tile.Sample, to = v + i * Samples;
            for (int k = first; k < end; k++)
            {
                TileTransform.Run<TV, TileTransform.Gradients<TWinograd>>(window, dy + k * plane, to + k * channelStep, pointLength);
            }
        }
    }

    // The sums of all pairs of channels at a point and a phase, or what a further chunk adds to them.
    private static void Multiply<TV>(in Arguments arguments, int chunk, float* tiles, int phase, int point, bool isFurther, float* sums)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly BatchLastWinograd.Geometry geometry = ref arguments.Geometry;
        int step = arguments.Chunk * Samples, vectors = arguments.UnitsOf(chunk) * Samples / TV.Width, points = geometry.Side * geometry.Side, c = geometry.C;
        float* x = tiles + point * BatchLastWinograd.PointLength((long)geometry.InPhases * c * step) + (long)phase * c * step;
        float* dy = tiles + arguments.InputLength + point * BatchLastWinograd.PointLength((long)geometry.K * step);
        sums += ((long)phase * points + point) * geometry.Pairs;
        int rows = TV.HasManyRegisters ? 4 : 2;
        for (int k = 0; k < geometry.K; k += rows)
        for (int i = 0; i < c; i += Together)
        {
            float* left = dy + (long)k * step, right = x + (long)i * step, to = sums + k * c + i;
            if (TV.HasManyRegisters) Dots<TV, Four>(left, right, step, vectors, isFurther, to, c);
            else Dots<TV, Two>(left, right, step, vectors, isFurther, to, c);
        }
    }

    // Not inlined, so that each form keeps its accumulators in registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Dots<TV, TRows>(float* dy, float* x, long step, int vectors, bool isFurther, float* sums, int sumStep)
        where TV : unmanaged, IVector<TV>
        where TRows : IExtent
    {
        TV a0 = TV.Zero, a1 = TV.Zero, a2 = TV.Zero, a3 = TV.Zero;
        TV b0 = TV.Zero, b1 = TV.Zero, b2 = TV.Zero, b3 = TV.Zero;
        TV c0 = TV.Zero, c1 = TV.Zero, c2 = TV.Zero, c3 = TV.Zero;
        TV d0 = TV.Zero, d1 = TV.Zero, d2 = TV.Zero, d3 = TV.Zero;
        for (; vectors > 0; vectors--, dy += TV.Width, x += TV.Width)
        {
            TV x0 = TV.Load(x), x1 = TV.Load(x + step), x2 = TV.Load(x + 2 * step), x3 = TV.Load(x + 3 * step);
            Step(TV.Load(dy), x0, x1, x2, x3, ref a0, ref a1, ref a2, ref a3);
            Step(TV.Load(dy + step), x0, x1, x2, x3, ref b0, ref b1, ref b2, ref b3);
            if (TRows.Count == 2) continue;
            Step(TV.Load(dy + 2 * step), x0, x1, x2, x3, ref c0, ref c1, ref c2, ref c3);
            Step(TV.Load(dy + 3 * step), x0, x1, x2, x3, ref d0, ref d1, ref d2, ref d3);
        }

        AddUp(a0, a1, a2, a3, isFurther, sums);
        AddUp(b0, b1, b2, b3, isFurther, sums + sumStep);
        if (TRows.Count == 2) return;
        AddUp(c0, c1, c2, c3, isFurther, sums + 2 * sumStep);
        AddUp(d0, d1, d2, d3, isFurther, sums + 3 * sumStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddUp<TV>(TV s0, TV s1, TV s2, TV s3, bool isFurther, float* sums)
        where TV : unmanaged, IVector<TV>
    {
        Vector128<float> added = LaneSums.Of(s0, s1, s2, s3);
        (isFurther ? Vector128.Load(sums) + added : added).Store(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TV>(TV dy, TV x0, TV x1, TV x2, TV x3, ref TV s0, ref TV s1, ref TV s2, ref TV s3)
        where TV : unmanaged, IVector<TV>
    {
        TV.Fma(ref s0, dy, x0);
        TV.Fma(ref s1, dy, x1);
        TV.Fma(ref s2, dy, x2);
        TV.Fma(ref s3, dy, x3);
    }

    // One task is 16 pairs of channels, which lie in the lanes.
    [SkipLocalsInit]
    private static void Merge<TV, TWinograd>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinogradGradient
    {
        ref readonly BatchLastWinograd.Geometry geometry = ref arguments.Geometry;
        int taps = TWinograd.Taps, side = geometry.Side, points = side * side, size = geometry.FilterSide, stride = geometry.InStride, first = task * Samples;
        float* room = stackalloc float[(MaxSide * MaxSide + 3 * MaxSide + MaxTaps) * Samples + Workspace.Line];
        float* values = Workspace.OnLine(room), half = values + MaxSide * MaxSide * Samples, filters = half + 3 * MaxSide * Samples;
        for (int phase = 0; phase < geometry.Phases; phase++)
        for (int lane = 0; lane < Samples; lane += TV.Width)
        {
            for (int point = 0; point < points; point++)
            {
                float* sums = arguments.Sums + ((long)phase * points + point) * geometry.Pairs + first + lane;
                TV sum = TV.Load(sums);
                for (int other = 1; other < arguments.Tasks; other++) sum += TV.Load(sums + other * arguments.SumsLength);
                TV.Store(sum, values + point * TV.Width);
            }

            for (int s = 0; s < side; s++) TWinograd.FilterGradient<TV>(values + s * TV.Width, side * TV.Width, half + s * TV.Width, side * TV.Width);
            float* filter = filters + (phase / stride * size + phase % stride) * Samples + lane;
            for (int r = 0; r < taps; r++)
            {
                TWinograd.FilterGradient<TV>(half + r * side * TV.Width, TV.Width, filter + r * stride * size * Samples, stride * Samples);
            }
        }

        Transposition.Run(filters, Samples, size * size, Samples, arguments.Dw + (long)first * size * size, size * size);
    }

    private struct Arguments
    {
        public BatchLastWinograd.Geometry Geometry;
        public float* X;
        public float* Dy;
        public float* Dw;
        public ThreadScratch Tiles;
        public float* CommonTiles;
        public long InputLength;
        public float* Sums;
        public long SumsLength;
        public int Chunk;
        public int Chunks;
        public int ChunksPerTask;
        public int Tasks;
        public int CommonChunk;

        public readonly int UnitsOf(int chunk) => Math.Min(Chunk, Geometry.Units - chunk * Chunk);

        // Tiles from a unit of a chunk on that lie in one row and are transformed together.
        public readonly int TilesFrom(int chunk, int unit)
        {
            int columns = Geometry.TileColumns, column = (chunk * Chunk + unit) % columns;
            return Math.Min(TileTransform.MostTiles, Math.Min(columns - column, UnitsOf(chunk) - unit));
        }
    }
}
