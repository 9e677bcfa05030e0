using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// The filter gradient of a convolution of maps whose batch is last, so that x and dy are C H W N for each block of samples:
/// <code>dw[k,c,r,s] = Σ_p,q,n dy[k,p,q,n] · x[c, p·StrideH + r·DilationH − PadH, q·StrideW + s·DilationW − PadW, n]</code>
/// A tile is 4 output channels (2 or 1 at the end) by 4 input channels, for one tap at a time. Input channels that are left over come one at a time, with
/// the taps of one filter row (4 or 3 taps, otherwise one at a time) in place of channels; pixels that lack a tap are then added tap by tap. Each pair has
/// a vector of sums, one sample per lane, so a pixel takes 8 loads for up to 16 accumulators. All c and r pass over a few output rows, which stay in the
/// second-level cache, before the next rows follow. At the end of a band of rows the lanes are added. Parallel over blocks of output channels and, if there
/// are few of these, over bands of the rows of all samples' blocks; the bands are merged in order. Memory bandwidth bounds it with up to 4 channels,
/// compute with more. With many channels <see cref="BatchLastWinogradGradient"/> takes its place.
/// </summary>
internal static unsafe class BatchLastFilterGradient
{
    // A layer is cut into at least this many tasks, if it has enough rows.
    private const int MinTasks = 16;

    // Input channels of a tile.
    private const int Together = 4;

    // Floats of a channel in a run of rows that all input channels pass over in turn: 4 channels of both maps take 32 KB.
    private const int RunLength = 1024;

    // Weights of a task that merges bands.
    private const int WeightsPerTask = 1024;

    public static void Run<TV>(CpuContext cpu, in Conv2dShape shape, float* x, float* dy, float* dw)
        where TV : unmanaged, IVector<TV>
    {
        int block = TV.HasManyRegisters ? 4 : 2, blocks = (shape.K + block - 1) / block, rows = shape.Blocks * shape.P;
        int bands = Math.Clamp((MinTasks + blocks - 1) / blocks, 1, rows), bandRows = (rows + bands - 1) / bands, taps = shape.R * shape.S;
        bands = (rows + bandRows - 1) / bandRows;
        long sums = (long)shape.C * taps * block * TV.Width, partial = bands == 1 ? 0 : (long)bands * shape.WLength;
        cpu.Workspace.Begin(Workspace.Aligned(partial), sums);
        Arguments arguments = new()
        {
            Shape = shape,
            X = x,
            Dy = dy,
            Sums = cpu.Workspace.OfThreads,
            Partial = bands == 1 ? dw : cpu.Workspace.Take(partial),
            Dw = dw,
            Block = block,
            Bands = bands,
            BandRows = bandRows,
            Rows = TapAxis.RowsOf(shape),
            Columns = TapAxis.ColumnsOf(shape),
        };
        cpu.Run(blocks * bands, &RunBlock<TV>, ref arguments);
        if (bands > 1) cpu.Run((shape.WLength + WeightsPerTask - 1) / WeightsPerTask, &MergeBands, ref arguments);
    }

    private static void MergeBands(ref Arguments arguments, int task, int worker)
    {
        int length = arguments.Shape.WLength, first = task * WeightsPerTask, end = Math.Min(length, first + WeightsPerTask);
        for (int i = first; i < end; i++)
        {
            double sum = 0;
            for (int band = 0; band < arguments.Bands; band++) sum += arguments.Partial[(long)band * length + i];
            arguments.Dw[i] = (float)sum;
        }
    }

    private static void RunBlock<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        int blocks = (arguments.Shape.K + arguments.Block - 1) / arguments.Block, band = task / blocks;
        int k = task % blocks * arguments.Block, channels = Math.Min(arguments.Block, arguments.Shape.K - k);
        if (channels == 4) RunBand<TV, Four>(arguments, k, band, worker);
        else if (channels >= 2) RunBand<TV, Two>(arguments, k, band, worker);
        if (channels % 2 == 1) RunBand<TV, One>(arguments, k + channels - 1, band, worker);
    }

    private static void RunBand<TV, TChannels>(in Arguments arguments, int k, int band, int worker)
        where TV : unmanaged, IVector<TV>
        where TChannels : IExtent
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        float* sums = arguments.Sums.Of(worker);
        int step = TChannels.Count * TV.Width, taps = shape.R * shape.S;
        int first = band * arguments.BandRows, end = Math.Min(shape.Blocks * shape.P, first + arguments.BandRows);
        int run = Math.Max(1, RunLength / (shape.Q * shape.BlockSamples));
        new Span<float>(sums, shape.C * taps * step).Clear();
        for (int line = first, rows; line < end; line += rows)
        {
            int block = line / shape.P, p = line % shape.P;
            rows = Math.Min(run, Math.Min(end - line, shape.P - p));
            for (int c = 0; c < shape.C; c += c <= shape.C - Together ? Together : 1)
            for (int r = 0; r < shape.R; r++)
            {
                // The rows of the run that see an input row through this tap. They are neighbours.
                int from = p, to = p + rows;
                while (from < to && arguments.Rows.InputOf(from, r) < 0) from++;
                while (to > from && arguments.Rows.InputOf(to - 1, r) < 0) to--;
                if (from == to) continue;
                float* sum = sums + (c * taps + r * shape.S) * step;
                Area area = AreaOf(arguments, block, k, c, r, from, to - from);
                if (c <= shape.C - Together) RunChannels<TV, TChannels>(arguments, area, sum);
                else RunRows<TV, TChannels>(arguments, area, sum);
            }
        }

        for (int j = 0; j < TChannels.Count; j++)
        {
            float* partial = arguments.Partial + (long)band * shape.WLength + (long)(k + j) * shape.C * taps;
            AddLanes<TV>(sums + j * TV.Width, step, shape.C * taps, partial);
        }
    }

    // The sums of the lanes of so many vectors, a step of floats apart.
    private static void AddLanes<TV>(float* vectors, int step, int count, float* to)
        where TV : unmanaged, IVector<TV>
    {
        int i = 0;
        for (; i <= count - 4; i += 4, vectors += 4 * step)
        {
            LaneSums.Of(TV.Load(vectors), TV.Load(vectors + step), TV.Load(vectors + 2 * step), TV.Load(vectors + 3 * step)).Store(to + i);
        }

        for (; i < count; i++, vectors += step) to[i] = Vector128.Sum(TV.Fold(TV.Load(vectors)));
    }

    private static Area AreaOf(in Arguments arguments, int block, int k, int c, int r, int p, int rows)
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int n = shape.BlockSamples;
        long plane = (long)shape.P * shape.Q * n, row = (long)shape.Q * n;
        return new Area
        {
            Dy = arguments.Dy + ((long)block * shape.K + k) * plane + p * row,
            X = arguments.X + ((((long)block * shape.C + c) * shape.H + arguments.Rows.InputOf(p, r)) * shape.W - shape.PadW) * n,
            Rows = rows,
            N = n,
            DyPlane = plane,
            DyRow = row,
            DyPixel = n,
            XRow = (long)shape.StrideH * shape.W * n,
            XPixel = (long)shape.StrideW * n,
            XTap = (long)shape.DilationW * n,
        };
    }

    // The output columns that see an input through a tap.
    private static void ColumnsOf(in Arguments arguments, int tap, out int from, out int to)
    {
        (from, to) = (0, arguments.Shape.Q);
        while (from < to && arguments.Columns.InputOf(from, tap) < 0) from++;
        while (to > from && arguments.Columns.InputOf(to - 1, tap) < 0) to--;
    }

    // Some input channels together, tap by tap. sums: as below, for the first of them.
    private static void RunChannels<TV, TChannels>(in Arguments arguments, Area area, float* sums)
        where TV : unmanaged, IVector<TV>
        where TChannels : IExtent
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int vectors = TChannels.Count * TV.Width;
        long tap = area.XTap;
        area.XTap = (long)shape.H * shape.W * area.N;
        area.SumStep = shape.R * shape.S * vectors;
        for (int s = 0; s < shape.S; s++)
        {
            ColumnsOf(arguments, s, out int from, out int to);
            Run<TV, TChannels, Four>(area, from, to, area.Dy, area.X + s * tap, sums + s * vectors);
        }
    }

    // sums: tap by tap, a vector for each output channel.
    private static void RunRows<TV, TChannels>(in Arguments arguments, Area area, float* sums)
        where TV : unmanaged, IVector<TV>
        where TChannels : IExtent
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        arguments.Columns.Interior(0, out int left, out int right);
        int vectors = TChannels.Count * TV.Width;
        area.SumStep = vectors;
        float* dy = area.Dy, x = area.X;
        for (int s = 0; s < shape.S;)
        {
            int together = right > left && shape.S - s >= 3 && shape.S is 3 or 4 ? shape.S : 1;
            float* at = x + s * area.XTap, sum = sums + s * vectors;
            if (together == 4) Run<TV, TChannels, Four>(area, left, right, dy, at, sum);
            else if (together == 3) Run<TV, TChannels, Three>(area, left, right, dy, at, sum);
            for (int tap = s; tap < s + together; tap++)
            {
                ColumnsOf(arguments, tap, out int from, out int to);
                at = x + tap * area.XTap;
                sum = sums + tap * vectors;
                if (together == 1)
                {
                    Run<TV, TChannels, One>(area, from, to, dy, at, sum);
                    continue;
                }

                Run<TV, TChannels, One>(area, from, left, dy, at, sum);
                Run<TV, TChannels, One>(area, right, to, dy, at, sum);
            }

            s += together;
        }
    }

    // Adds the products of output columns from `first` to `end` − 1.
    private static void Run<TV, TChannels, TTaps>(in Area area, int first, int end, float* dy, float* x, float* sums)
        where TV : unmanaged, IVector<TV>
        where TChannels : IExtent
        where TTaps : IExtent
    {
        if (first >= end) return;
        dy += first * area.DyPixel;
        x += first * area.XPixel;
        int vectors = area.N / TV.Width, n = vectors * TV.Width;
        if (vectors > 0) Add<TV, TChannels, TTaps, Whole>(area, end - first, vectors, TV.Width, dy, x, sums);
        if (n < area.N) Add<TV, TChannels, TTaps, Part>(area, end - first, 1, area.N - n, dy + n, x + n, sums);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Add<TV, TChannels, TTaps, TLanes>(in Area area, int pixels, int vectors, int lanes, float* dy, float* x, float* sums)
        where TV : unmanaged, IVector<TV>
        where TChannels : IExtent
        where TTaps : IExtent
        where TLanes : ILanes
    {
        TV a0 = TV.Zero, a1 = TV.Zero, a2 = TV.Zero, a3 = TV.Zero;
        TV b0 = TV.Zero, b1 = TV.Zero, b2 = TV.Zero, b3 = TV.Zero;
        TV c0 = TV.Zero, c1 = TV.Zero, c2 = TV.Zero, c3 = TV.Zero;
        TV d0 = TV.Zero, d1 = TV.Zero, d2 = TV.Zero, d3 = TV.Zero;
        long plane = area.DyPlane, dyPixel = area.DyPixel, xPixel = area.XPixel, tap = area.XTap;

        // Pixels without gaps between them count as one.
        if (dyPixel == (long)vectors * TV.Width && xPixel == dyPixel)
        {
            (pixels, vectors) = (1, pixels * vectors);
            dyPixel = xPixel = (long)vectors * TV.Width;
        }

        long dyRow = area.DyRow - pixels * dyPixel, xRow = area.XRow - pixels * xPixel;
        dyPixel -= (long)vectors * TV.Width;
        xPixel -= (long)vectors * TV.Width;

        // A pixel's vectors follow each other, so that each cache line is visited once.
        float* g = dy, at = x;
        for (int row = area.Rows; row > 0; row--, g += dyRow, at += xRow)
        for (int pixel = pixels; pixel > 0; pixel--, g += dyPixel, at += xPixel)
        {
            for (int vector = vectors; vector > 0; vector--, g += TV.Width, at += TV.Width)
            {
                TV x0 = TLanes.Load<TV>(at, lanes);
                TV x1 = TTaps.Count > 1 ? TLanes.Load<TV>(at + tap, lanes) : x0;
                TV x2 = TTaps.Count > 2 ? TLanes.Load<TV>(at + 2 * tap, lanes) : x0;
                TV x3 = TTaps.Count > 3 ? TLanes.Load<TV>(at + 3 * tap, lanes) : x0;
                Step<TV, TTaps>(TLanes.Load<TV>(g, lanes), x0, x1, x2, x3, ref a0, ref a1, ref a2, ref a3);
                if (TChannels.Count > 1) Step<TV, TTaps>(TLanes.Load<TV>(g + plane, lanes), x0, x1, x2, x3, ref b0, ref b1, ref b2, ref b3);
                if (TChannels.Count > 2) Step<TV, TTaps>(TLanes.Load<TV>(g + 2 * plane, lanes), x0, x1, x2, x3, ref c0, ref c1, ref c2, ref c3);
                if (TChannels.Count > 3) Step<TV, TTaps>(TLanes.Load<TV>(g + 3 * plane, lanes), x0, x1, x2, x3, ref d0, ref d1, ref d2, ref d3);
            }
        }

        AddTo<TV, TChannels>(sums, a0, b0, c0, d0);
        if (TTaps.Count > 1) AddTo<TV, TChannels>(sums + area.SumStep, a1, b1, c1, d1);
        if (TTaps.Count > 2) AddTo<TV, TChannels>(sums + 2 * area.SumStep, a2, b2, c2, d2);
        if (TTaps.Count > 3) AddTo<TV, TChannels>(sums + 3 * area.SumStep, a3, b3, c3, d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TV, TTaps>(TV dy, TV x0, TV x1, TV x2, TV x3, ref TV s0, ref TV s1, ref TV s2, ref TV s3)
        where TV : unmanaged, IVector<TV>
        where TTaps : IExtent
    {
        TV.Fma(ref s0, dy, x0);
        if (TTaps.Count > 1) TV.Fma(ref s1, dy, x1);
        if (TTaps.Count > 2) TV.Fma(ref s2, dy, x2);
        if (TTaps.Count > 3) TV.Fma(ref s3, dy, x3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo<TV, TChannels>(float* sums, TV a, TV b, TV c, TV d)
        where TV : unmanaged, IVector<TV>
        where TChannels : IExtent
    {
        TV.Store(TV.Load(sums) + a, sums);
        if (TChannels.Count > 1) TV.Store(TV.Load(sums + TV.Width) + b, sums + TV.Width);
        if (TChannels.Count > 2) TV.Store(TV.Load(sums + 2 * TV.Width) + c, sums + 2 * TV.Width);
        if (TChannels.Count > 3) TV.Store(TV.Load(sums + 3 * TV.Width) + d, sums + 3 * TV.Width);
    }

    /// <summary>Whether all lanes hold a sample. A lane without a sample is loaded as zero, because the floats behind a batch must not be added.</summary>
    private interface ILanes
    {
        static abstract TV Load<TV>(float* source, int lanes)
            where TV : unmanaged, IVector<TV>;
    }

    private readonly struct Whole : ILanes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Load<TV>(float* source, int lanes)
            where TV : unmanaged, IVector<TV> => TV.Load(source);
    }

    private readonly struct Part : ILanes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Load<TV>(float* source, int lanes)
            where TV : unmanaged, IVector<TV> => TV.LoadFirst(source, lanes);
    }

    private struct Arguments
    {
        public Conv2dShape Shape;
        public float* X;
        public float* Dy;
        public ThreadScratch Sums;
        public float* Partial;
        public float* Dw;
        public int Block;
        public int Bands;
        public int BandRows;
        public TapAxis Rows;
        public TapAxis Columns;
    }

    // Rows of pixels: the first output, the place where tap 0 of output column 0 would be, and the floats from one place to the next. A tap may stand for a
    // channel.
    private struct Area
    {
        public float* Dy;
        public float* X;
        public int Rows;
        public int N;
        public long DyPlane;
        public long DyRow;
        public long DyPixel;
        public long XRow;
        public long XPixel;
        public long XTap;
        public int SumStep;
    }
}
