using System.Numerics;
using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;
using static Engine.Kernels.BatchLastWinograd;

namespace Engine.Kernels;

/// <summary>
/// The filter gradient of a convolution of maps whose batch is last in Winograd's tiles. Each step of <see cref="BatchLastWinograd"/> is replaced by its
/// transpose:
/// <code>dw[k, c] = Gᵀ·[Σ_tile,n (A·dy[k, tile, n]·Aᵀ) ⊙ (Bᵀ·x[c, tile, n]·B)]·G</code>
/// 3×3 filters take 36 products in place of 144 for 16 pixels. 4×4 filters with a stride of 2 are four filters of 2×2 taps, one for each phase of the inputs,
/// and take 100 in place of 256.
/// <para>
/// A vector of a transform holds samples. A unit is a tile of 16 samples; its rows are the channels of both maps (of x those of each phase), each transformed
/// to points × units × samples. A task transforms a chunk of units, which fits into the second-level cache, and multiplies it at once, point by point, before
/// the next chunk follows. Both take place in its thread's own scratch memory, because lines that another processor wrote last are expensive. For the products
/// see <see cref="UnitProduct"/>. A task has sums of its own. At the end they are added and transformed, 16 sums in the lanes. There are as many tasks as their
/// sums fit into a cache, by the shape alone, since the order of the sums depends on it. If there are more threads, each task is cut by its input channels, and
/// each part transforms dy again. Compute bounds it; with few channels the transforms do.
/// </para>
/// </summary>
internal static unsafe class BatchLastWinogradGradient
{
    private const int Samples = TileTransform.Samples;

    // Room for a tile of the larger kind.
    private const int MaxSide = 6;
    private const int MaxTaps = 3;

    // Floats of a chunk: 640 KB, which stay in a thread's second-level cache. With fewer units than the least, adding up lanes would take too much of the time.
    private const int ChunkLength = 160 * 1024;
    private const int LeastChunk = 2, LeastChunkOfDots = 8;

    // As many tasks as their sums fit into so many floats, within limits.
    private const int AllSumsLength = 160 * 1024;
    private const int LeastTasks = 2, MostTasks = 16;

    // A part of a task has at least so many input channels, phases counted: two of the widest vectors.
    private const int LeastInputs = 32;

    // The sums are added up in so many tasks.
    private const int MergeTasks = 32;

    // With fewer pairs of channels the transforms take longer than the products that they save, and with fewer units, too, unless there are many pairs.
    private const int LeastPairs = 64, ManyPairs = 1024;
    private const int LeastProducts = 4096;

    /// <summary>Whether a shape suits: whole vectors of samples at every width, whole register tiles, and little waste of the tiles.</summary>
    public static bool Suits(in Conv2dShape shape)
    {
        if (shape.C % UnitProduct.Together != 0 || shape.K % UnitProduct.Together != 0 || !HasTiles(shape)) return false;
        Geometry geometry = Geometry.Of(shape);
        return geometry.Pairs >= ManyPairs || (geometry.Pairs >= LeastPairs && (long)geometry.Pairs * geometry.Units >= LeastProducts);
    }

    /// <summary>dw of x and dy. Overwrites dw.</summary>
    public static void Run<TV>(CpuContext cpu, in Conv2dShape shape, float* x, float* dy, float* dw)
        where TV : unmanaged, IVector<TV>
    {
        Geometry geometry = Geometry.Of(shape);
        int points = geometry.Side * geometry.Side, inputs = geometry.C * geometry.Phases, vectors = geometry.K * inputs / Samples;
        bool hasLanes = UnitProduct.SuitsLanes(inputs, geometry.K);
        long unitLength = (long)points * (inputs + geometry.K) * Samples, sumsLength = Workspace.Aligned((long)points * geometry.K * inputs);
        int chunk = EvenPart(geometry.Units, (int)Math.Max(ChunkLength / unitLength, hasLanes ? LeastChunk : LeastChunkOfDots));
        int chunks = PartsOf(geometry.Units, chunk);
        int most = PowerOfTwo((int)Math.Clamp(AllSumsLength / sumsLength, LeastTasks, MostTasks));
        int chunksPerTask = PartsOf(chunks, most), tasks = PartsOf(chunks, chunksPerTask);
        int block = LeastInputs / geometry.Phases, blocks = PartsOf(geometry.C, block);
        int channels = Math.Min(geometry.C, PartsOf(blocks, PartsOf(cpu.Threads, tasks)) * block);
        Arguments arguments = new()
        {
            Geometry = geometry,
            X = x,
            Dy = dy,
            Dw = dw,
            Inputs = inputs,
            HasLanes = hasLanes,
            Chunk = chunk,
            Chunks = chunks,
            ChunksPerTask = chunksPerTask,
            Tasks = tasks,
            Channels = channels,
            Parts = PartsOf(geometry.C, channels),
            InputLength = Workspace.Aligned(points * PointLength((long)channels * geometry.Phases * chunk * Samples)),
            GradientLength = Workspace.Aligned(points * PointLength((long)geometry.K * chunk * Samples)),
            SumsLength = sumsLength,
            Vectors = vectors,
            VectorsPerTask = PartsOf(vectors, MergeTasks),
        };
        long lanes = hasLanes ? UnitProduct.LanesLength<TV>(chunk) : 0;
        cpu.Workspace.Begin(arguments.Tasks * sumsLength, arguments.InputLength + arguments.GradientLength + lanes);
        arguments.Tiles = cpu.Workspace.OfThreads;
        arguments.Sums = cpu.Workspace.Take(arguments.Tasks * sumsLength);
        if (geometry.Taps == 3) Run<TV, WinogradOf4>(cpu, ref arguments);
        else Run<TV, WinogradOf4With2Taps>(cpu, ref arguments);
    }

    // The length of parts that are of about the same length, and at most so long.
    private static int EvenPart(int length, int most) => PartsOf(length, PartsOf(length, most));

    // The largest up to a number. Threads are mostly a power of two, too, and each has as many tasks then.
    private static int PowerOfTwo(int most) => 1 << BitOperations.Log2((uint)most);

    private static void Run<TV, TWinograd>(CpuContext cpu, ref Arguments arguments)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinogradGradient
    {
        cpu.Run(arguments.Tasks * arguments.Parts, &RunChunks<TV, TWinograd>, ref arguments);
        cpu.Run(PartsOf(arguments.Vectors, arguments.VectorsPerTask), &Merge<TV, TWinograd>, ref arguments);
    }

    private static void RunChunks<TV, TWinograd>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinogradGradient
    {
        ref readonly Geometry geometry = ref arguments.Geometry;
        int part = task % arguments.Parts, own = task / arguments.Parts, points = geometry.Side * geometry.Side, step = arguments.Chunk * Samples;
        int firstChannel = part * arguments.Channels, endChannel = Math.Min(geometry.C, firstChannel + arguments.Channels);
        long xLength = PointLength((long)arguments.Channels * geometry.Phases * step);
        long dyLength = PointLength((long)geometry.K * step);
        float* x = arguments.Tiles.Of(worker), dy = x + arguments.InputLength, lanes = dy + arguments.GradientLength;
        float* sums = arguments.Sums + own * arguments.SumsLength + firstChannel * geometry.Phases;
        int first = own * arguments.ChunksPerTask, end = Math.Min(arguments.Chunks, first + arguments.ChunksPerTask);
        for (int chunk = first; chunk < end; chunk++)
        {
            TransformInputs<TV, TWinograd>(arguments, chunk, firstChannel, endChannel, x);
            TransformGradients<TV, TWinograd>(arguments, chunk, dy);
            for (int point = 0; point < points; point++)
            {
                UnitProduct product = new()
                {
                    X = x + point * xLength,
                    Dy = dy + point * dyLength,
                    Step = step,
                    Sums = sums + (long)point * geometry.K * arguments.Inputs,
                    SumStep = arguments.Inputs,
                    Inputs = (endChannel - firstChannel) * geometry.Phases,
                    Outputs = geometry.K,
                    Units = arguments.UnitsOf(chunk),
                    IsFurther = chunk > first,
                };
                if (arguments.HasLanes) product.AddWithChannelsInLanes<TV>(lanes);
                else product.AddDots<TV>();
            }
        }
    }

    // Channels of x from `first` to `end` − 1, to [point][c][phase][unit][sample].
    private static void TransformInputs<TV, TWinograd>(in Arguments arguments, int chunk, int first, int end, float* v)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinogradGradient
    {
        ref readonly Geometry geometry = ref arguments.Geometry;
        long step = arguments.Chunk * Samples, plane = (long)geometry.H * geometry.W * geometry.N;
        long pointLength = PointLength(arguments.Channels * geometry.Phases * step);
        for (int phase = 0; phase < geometry.Phases; phase++)
        for (int i = 0, tiles; (tiles = arguments.TilesFrom(chunk, i)) > 0; i += tiles)
        {
            Tile tile = TileOf(geometry, chunk * arguments.Chunk + i, 0);
            TileTransform.Window window = geometry.WindowOf<TileTransform.Inputs<TWinograd>>(tile, phase, tiles);
            float* x = arguments.X + tile.Block * geometry.XBlock, to = v + phase * step + i * Samples;
            for (int c = first; c < end; c++)
            {
                TileTransform.Run<TV, TileTransform.Inputs<TWinograd>>(window, x + c * plane, to + (c - first) * geometry.Phases * step, pointLength);
            }
        }
    }

    // dy, to [point][k][unit][sample].
    private static void TransformGradients<TV, TWinograd>(in Arguments arguments, int chunk, float* v)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinogradGradient
    {
        ref readonly Geometry geometry = ref arguments.Geometry;
        long step = arguments.Chunk * Samples, plane = (long)geometry.P * geometry.Q * geometry.N;
        long pointLength = PointLength(geometry.K * step);
        for (int i = 0, tiles; (tiles = arguments.TilesFrom(chunk, i)) > 0; i += tiles)
        {
            Tile tile = TileOf(geometry, chunk * arguments.Chunk + i, 0);
            TileTransform.Window window = TileTransform.Window.Of<TileTransform.Gradients<TWinograd>>(
                geometry.P, geometry.Q, geometry.N, 1, tile.P, tile.Q, tiles);
            float* dy = arguments.Dy + tile.Block * geometry.YBlock, to = v + i * Samples;
            for (int k = 0; k < geometry.K; k++)
            {
                TileTransform.Run<TV, TileTransform.Gradients<TWinograd>>(window, dy + k * plane, to + k * step, pointLength);
            }
        }
    }

    // Some vectors of 16 sums: the sums of all tasks are added and transformed.
    [SkipLocalsInit]
    private static void Merge<TV, TWinograd>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinogradGradient
    {
        ref readonly Geometry geometry = ref arguments.Geometry;
        int taps = TWinograd.Taps, side = geometry.Side, points = side * side;
        long pointLength = (long)geometry.K * arguments.Inputs;
        float* room = stackalloc float[(MaxSide * MaxSide + MaxTaps * MaxSide + MaxTaps * MaxTaps) * Samples + Workspace.Line];
        float* values = Workspace.OnLine(room), half = values + MaxSide * MaxSide * Samples, filters = half + MaxTaps * MaxSide * Samples;
        int end = Math.Min(arguments.Vectors, (task + 1) * arguments.VectorsPerTask);
        for (int vector = task * arguments.VectorsPerTask; vector < end; vector++)
        {
            for (int lane = 0; lane < Samples; lane += TV.Width)
            {
                for (int point = 0; point < points; point++)
                {
                    float* sums = arguments.Sums + point * pointLength + vector * Samples + lane;
                    TV sum = TV.Load(sums);
                    for (int other = 1; other < arguments.Tasks; other++) sum += TV.Load(sums + other * arguments.SumsLength);
                    TV.Store(sum, values + point * TV.Width);
                }

                for (int s = 0; s < side; s++) TWinograd.FilterGradient<TV>(values + s * TV.Width, side * TV.Width, half + s * TV.Width, side * TV.Width);
                for (int r = 0; r < taps; r++)
                {
                    TWinograd.FilterGradient<TV>(half + r * side * TV.Width, TV.Width, filters + r * taps * Samples + lane, Samples);
                }
            }

            float* dw = arguments.Dw + (long)vector * Samples * taps * taps;
            if (taps == 3) Transposition.Run(filters, Samples, taps * taps, Samples, dw, taps * taps);
            else Interleave(filters, dw);
        }
    }

    // Four filters of 4×4 taps from [tap of a phase][filter][phase]. Phases of columns lie next to each other on both sides.
    private static void Interleave(float* phases, float* filters)
    {
        for (int tap = 0; tap < 4; tap++)
        for (int pair = 0; pair < 8; pair++)
        {
            int filter = pair / 2, row = tap / 2 * 2 + pair % 2, column = tap % 2 * 2;
            *(long*)(filters + (filter * 4 + row) * 4 + column) = *(long*)(phases + tap * Samples + pair * 2);
        }
    }

    private struct Arguments
    {
        public Geometry Geometry;
        public float* X;
        public float* Dy;
        public float* Dw;
        public ThreadScratch Tiles;
        public float* Sums;
        public long InputLength;
        public long GradientLength;
        public long SumsLength;
        public int Inputs;
        public bool HasLanes;
        public int Chunk;
        public int Chunks;
        public int ChunksPerTask;
        public int Tasks;
        public int Channels;
        public int Parts;
        public int Vectors;
        public int VectorsPerTask;

        public readonly int UnitsOf(int chunk) => Math.Min(Chunk, Geometry.Units - chunk * Chunk);

        // Tiles from a unit of a chunk on that lie in one row and are transformed together.
        public readonly int TilesFrom(int chunk, int unit)
        {
            int columns = Geometry.TileColumns, column = (chunk * Chunk + unit) % columns;
            return Math.Min(TileTransform.MostTiles, Math.Min(columns - column, UnitsOf(chunk) - unit));
        }
    }
}
