using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// The filter gradient of a convolution of maps whose batch is last, so that x and dy are C H W N for each block of samples:
/// <code>dw[k,c,r,s] = Σ_p,q,n dy[k,p,q,n] · x[c, p·StrideH + r·DilationH − PadH, q·StrideW + s·DilationW − PadW, n]</code>
/// A tile is 4 output channels (2 or 1 at the end) by 4 input channels, for one tap at a time. Input channels that are left over come one at a time, with
/// the taps of one filter row (4 or 3 taps, otherwise one at a time) in place of channels; pixels that lack a tap come with those that they see. Each pair
/// has a vector of sums, one sample per lane, so a pixel takes 8 loads for up to 16 accumulators. All c and r pass over a few output rows, which stay in
/// the second-level cache, before the next rows follow. At the end of a band of rows the lanes are added. Parallel over blocks of output channels and, if
/// there are few of these, over bands of the rows of all samples' blocks; the bands are merged in order. Memory bandwidth bounds it with up to 4 channels,
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
        cpu.Workspace.Begin(Workspace.Aligned(partial) + Workspace.Aligned(2 * shape.S), sums);
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
            OfTap = (Columns*)cpu.Workspace.Take(2 * shape.S),
        };
        FindColumns(shape, ref arguments);
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
            rows = Math.Min(run, Math.Min(end - line, shape.P - line % shape.P));
            for (int c = 0; c < shape.C; c += c <= shape.C - Together ? Together : 1)
            for (int r = 0; r < shape.R; r++)
            {
                if (!SeesRows(arguments, line, rows, k, c, r, out Area area)) continue;
                float* sum = sums + (c * taps + r * shape.S) * step;
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

    // Which output columns see an input through each tap, through all and through any.
    private static void FindColumns(in Conv2dShape shape, ref Arguments arguments)
    {
        TapAxis axis = TapAxis.ColumnsOf(shape);
        (arguments.OfAllTaps, arguments.OfAnyTap) = (new Columns { End = shape.Q }, new Columns { First = shape.Q });
        for (int s = 0; s < shape.S; s++)
        {
            int first = 0, end = shape.Q;
            while (first < end && axis.InputOf(first, s) < 0) first++;
            while (end > first && axis.InputOf(end - 1, s) < 0) end--;
            arguments.OfTap[s] = new Columns { First = first, End = end };
            ref Columns all = ref arguments.OfAllTaps, any = ref arguments.OfAnyTap;
            all = new Columns { First = Math.Max(all.First, first), End = Math.Min(all.End, end) };
            if (first < end) any = new Columns { First = Math.Min(any.First, first), End = Math.Max(any.End, end) };
        }
    }

    // Those of some output rows that see an input row through a tap. They are neighbours.
    private static bool SeesRows(in Arguments arguments, int line, int rows, int k, int c, int r, out Area area)
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int n = shape.BlockSamples, block = line / shape.P, from = line % shape.P, to = from + rows;
        while (from < to && arguments.Rows.InputOf(from, r) < 0) from++;
        while (to > from && arguments.Rows.InputOf(to - 1, r) < 0) to--;
        long plane = (long)shape.P * shape.Q * n, row = (long)shape.Q * n;
        area = new Area
        {
            Dy = arguments.Dy + ((long)block * shape.K + k) * plane + from * row,
            X = arguments.X + ((((long)block * shape.C + c) * shape.H + arguments.Rows.InputOf(from, r)) * shape.W - shape.PadW) * n,
            Rows = to - from,
            N = n,
            DyPlane = plane,
            DyRow = row,
            DyPixel = n,
            XRow = (long)shape.StrideH * shape.W * n,
            XPixel = (long)shape.StrideW * n,
            XTap = (long)shape.DilationW * n,
        };
        return to > from;
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
            Columns columns = arguments.OfTap[s];
            Run<TV, TChannels, Four>(area, columns.First, columns.End, area.Dy, area.X + s * tap, sums + s * vectors);
        }
    }

    // One input channel: for the pixels that see all taps of a filter row, these together; the others with the taps that they see. sums: tap by tap, a vector
    // for each output channel.
    private static void RunRows<TV, TChannels>(in Arguments arguments, Area area, float* sums)
        where TV : unmanaged, IVector<TV>
        where TChannels : IExtent
    {
        int taps = arguments.Shape.S;
        area.SumStep = TChannels.Count * TV.Width;
        if (taps is not (3 or 4))
        {
            for (int s = 0; s < taps; s++) RunTaps<TV, TChannels>(area, arguments.OfTap[s], s, 1, sums);
            return;
        }

        RunTaps<TV, TChannels>(area, arguments.OfAllTaps, 0, taps, sums);
        for (int q = arguments.OfAnyTap.First; q < arguments.OfAnyTap.End; q++)
        {
            if (arguments.OfAllTaps.Has(q))
            {
                q = arguments.OfAllTaps.End - 1;
                continue;
            }

            int first = 0, end = taps;
            while (!arguments.OfTap[first].Has(q) && first < end - 1) first++;
            while (!arguments.OfTap[end - 1].Has(q) && end > first) end--;
            RunTaps<TV, TChannels>(area, new() { First = q, End = q + 1 }, first, end - first, sums);
        }
    }

    // Some columns, with so many taps from the first on.
    private static void RunTaps<TV, TChannels>(in Area area, in Columns columns, int first, int taps, float* sums)
        where TV : unmanaged, IVector<TV>
        where TChannels : IExtent
    {
        float* x = area.X + first * area.XTap, sum = sums + first * area.SumStep;
        switch (taps)
        {
            case 1: Run<TV, TChannels, One>(area, columns.First, columns.End, area.Dy, x, sum); break;
            case 2: Run<TV, TChannels, Two>(area, columns.First, columns.End, area.Dy, x, sum); break;
            case 3: Run<TV, TChannels, Three>(area, columns.First, columns.End, area.Dy, x, sum); break;
            case 4: Run<TV, TChannels, Four>(area, columns.First, columns.End, area.Dy, x, sum); break;
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
        if (dyPixel == (long)vectors * TV.Width && xPixel == dyPixel) (pixels, vectors) = (1, pixels * vectors);
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

        // The output columns that see an input through each tap of a filter row, through all and through any of them.
        public Columns* OfTap;
        public Columns OfAllTaps;
        public Columns OfAnyTap;
    }

    private struct Columns
    {
        public int First;
        public int End;

        public readonly bool Has(int column) => column >= First && column < End;
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
