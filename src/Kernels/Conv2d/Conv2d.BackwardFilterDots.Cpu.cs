using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The filter gradient of layers with few channels and stride 1, which would leave most of a register tile empty. It is a dot product for each filter tap,
/// dw[k,c,r,s] = ⟨dy[k], x[c] shifted by (r, s)⟩. For a band of rows, each shift gets a plane of its own, as wide as dy and with the padding written out. Then
/// the band of each dy[k] is one run that is read in place, once for nine taps, whose sums stay in registers. The gradient of the bias is one more tap, with a
/// plane of ones. Vectors run along the pixels, so no channel is wasted. The planes lie in the first-level cache. Its reads bound the kernel, with one read for
/// each multiply-add. If dy is the gradient behind an activation, each band of it is first turned into the gradient before the activation, in scratch memory.
/// Like the other forms it is parallel over pieces of the batch. The lanes of the sums are added at the very end, in double precision.
/// </content>
internal static unsafe partial class Conv2d
{
    // Floats in the planes of a band: 20 KB, so that a first-level cache of 32 KB holds them beside dy and the sums.
    private const int DotBandLength = 5 * 1024;

    // The cycles that it takes to load and store the sums of a tap for a band.
    private const int SumCycles = 3;

    // The number of taps whose sums a pass over dy keeps in registers.
    private const int DotTaps = 9;

    private static int DotBandRows(in Conv2dShape shape) => (int)Math.Clamp(DotBandLength / ((long)shape.C * shape.R * shape.S * shape.Q), 1, shape.P);

    private static void BackwardFilterDots<TV>(
        CpuContext cpu, in Conv2dShape shape, float* x, float* dy, float* dw, float* db, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        int bandRows = DotBandRows(shape), bands = (shape.P + bandRows - 1) / bandRows;
        int taps = shape.C * shape.R * shape.S + (db is null ? 0 : 1), plane = RoundUp(bandRows * shape.Q, TV.Width);
        long units = (long)shape.N * bands, sums = (long)shape.K * taps * TV.Width;
        long pieces = Math.Min(Math.Min(units, MaxPieces), Math.Max(1, (long)shape.N * shape.P * shape.Q / MinPiecePixels));
        pieces = Math.Clamp(MaxSumsLength / sums, 1, pieces);
        long scratch = Workspace.Aligned((long)taps * plane) + Workspace.Aligned(TV.Width) + (y is null ? 0 : Workspace.Aligned(plane));
        cpu.Workspace.Begin(Workspace.Aligned(pieces * sums), scratch);
        DotArguments arguments = new()
        {
            Shape = shape,
            X = x,
            Dy = dy,
            Activation = activation,
            Y = y,
            Dw = dw,
            Db = db,
            BandRows = bandRows,
            Bands = bands,
            Taps = taps,
            PlaneLength = plane,
            Pieces = (int)pieces,
            Sums = cpu.Workspace.Take(pieces * sums),
            SumsLength = sums,
            Scratch = cpu.Workspace.OfThreads,
        };
        cpu.Run((int)pieces, &SumDots<TV>, ref arguments);
        cpu.Run(shape.K, &MergeDots<TV>, ref arguments);
    }

    private static void SumDots<TV>(ref DotArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Conv2dShape shape = arguments.Shape;
        int taps = arguments.Taps, plane = arguments.PlaneLength;
        float* sums = arguments.Sums + task * arguments.SumsLength;
        float* tail = arguments.Scratch.Of(worker), planes = tail + Workspace.Aligned(TV.Width);
        float* before = planes + Workspace.Aligned((long)taps * plane);
        new Span<float>(sums, checked((int)arguments.SumsLength)).Clear();
        new Span<float>(tail, TV.Width).Clear();
        long units = (long)shape.N * arguments.Bands, unit = units * task / arguments.Pieces, lastUnit = units * (task + 1) / arguments.Pieces;
        for (; unit < lastUnit; unit++)
        {
            int n = (int)(unit / arguments.Bands), firstRow = (int)(unit % arguments.Bands) * arguments.BandRows;
            int rows = Math.Min(arguments.BandRows, shape.P - firstRow), pixels = rows * shape.Q;
            ShiftedPlanes(arguments, n, firstRow, rows, planes);

            // The floats behind the last pixels may be NaN, so the last pixels are read from a vector of their own.
            int whole = pixels / TV.Width * TV.Width;
            new Span<float>(tail + (pixels - whole), TV.Width - (pixels - whole)).Clear();
            float* sum = sums;
            for (int k = 0; k < shape.K; k++)
            {
                long at = (((long)n * shape.K + k) * shape.P + firstRow) * shape.Q;
                float* dy = arguments.Dy + at;

                // The processor does not foresee where the next channel's band lies.
                long next = (long)shape.P * shape.Q;
                Prefetch.ToSecondLevel(dy + next, pixels);
                if (arguments.Y is not null)
                {
                    Prefetch.ToSecondLevel(arguments.Y + at + next, pixels);
                    ActivationGradient.Run<TV>(arguments.Activation, arguments.Y + at, dy, before, pixels);
                    dy = before;
                }

                new Span<float>(dy + whole, pixels - whole).CopyTo(new Span<float>(tail, TV.Width));
                int tap = 0;
                for (; tap <= taps - DotTaps; tap += DotTaps, sum += DotTaps * TV.Width)
                {
                    NineDots<TV>(dy, tail, whole, pixels, planes + (long)tap * plane, plane, sum);
                }

                for (; tap < taps; tap++, sum += TV.Width) Dot<TV>(dy, tail, whole, pixels, planes + (long)tap * plane, sum);
            }
        }
    }

    // For each tap, the inputs that a band of outputs sees through it, filled up to whole vectors with zeros; for the bias, ones.
    private static void ShiftedPlanes(in DotArguments arguments, int n, int firstRow, int rows, float* planes)
    {
        Conv2dShape shape = arguments.Shape;
        int pixels = rows * shape.Q, perChannel = shape.R * shape.S;
        for (int tap = 0; tap < arguments.Taps; tap++, planes += arguments.PlaneLength)
        {
            int c = tap / perChannel, r = tap % perChannel / shape.S, s = tap % shape.S;
            if (c == shape.C) new Span<float>(planes, pixels).Fill(1);
            else
            {
                Plane.Gather(
                    arguments.X + ((long)n * shape.C + c) * shape.H * shape.W, shape.H, shape.W,
                    firstRow + r * shape.DilationH - shape.PadH, 1, rows, s * shape.DilationW - shape.PadW, 1, shape.Q, planes);
            }

            new Span<float>(planes + pixels, arguments.PlaneLength - pixels).Clear();
        }
    }

    // sums[t] += dy · planes[t], lane by lane.
    private static void NineDots<TV>(float* dy, float* tail, int whole, int length, float* planes, long plane, float* sums)
        where TV : unmanaged, IVector<TV>
    {
        TV s0 = TV.Load(sums), s1 = TV.Load(sums + TV.Width), s2 = TV.Load(sums + 2 * TV.Width);
        TV s3 = TV.Load(sums + 3 * TV.Width), s4 = TV.Load(sums + 4 * TV.Width), s5 = TV.Load(sums + 5 * TV.Width);
        TV s6 = TV.Load(sums + 6 * TV.Width), s7 = TV.Load(sums + 7 * TV.Width), s8 = TV.Load(sums + 8 * TV.Width);
        float* first = planes, second = planes + 3 * plane, third = planes + 6 * plane;
        for (int i = 0; i < length; i += TV.Width)
        {
            TV gradient = TV.Load(i < whole ? dy + i : tail);
            TV.Fma(ref s0, gradient, TV.Load(first));
            TV.Fma(ref s1, gradient, TV.Load(first + plane));
            TV.Fma(ref s2, gradient, TV.Load(first + 2 * plane));
            TV.Fma(ref s3, gradient, TV.Load(second));
            TV.Fma(ref s4, gradient, TV.Load(second + plane));
            TV.Fma(ref s5, gradient, TV.Load(second + 2 * plane));
            TV.Fma(ref s6, gradient, TV.Load(third));
            TV.Fma(ref s7, gradient, TV.Load(third + plane));
            TV.Fma(ref s8, gradient, TV.Load(third + 2 * plane));
            first += TV.Width;
            second += TV.Width;
            third += TV.Width;
        }

        TV.Store(s0, sums);
        TV.Store(s1, sums + TV.Width);
        TV.Store(s2, sums + 2 * TV.Width);
        TV.Store(s3, sums + 3 * TV.Width);
        TV.Store(s4, sums + 4 * TV.Width);
        TV.Store(s5, sums + 5 * TV.Width);
        TV.Store(s6, sums + 6 * TV.Width);
        TV.Store(s7, sums + 7 * TV.Width);
        TV.Store(s8, sums + 8 * TV.Width);
    }

    // One tap in two sums, to keep more than one multiply-add in flight.
    private static void Dot<TV>(float* dy, float* tail, int whole, int length, float* plane, float* sums)
        where TV : unmanaged, IVector<TV>
    {
        TV sum0 = TV.Load(sums), sum1 = TV.Zero;
        int i = 0;
        for (; i <= whole - 2 * TV.Width; i += 2 * TV.Width)
        {
            TV.Fma(ref sum0, TV.Load(dy + i), TV.Load(plane + i));
            TV.Fma(ref sum1, TV.Load(dy + i + TV.Width), TV.Load(plane + i + TV.Width));
        }

        for (; i < length; i += TV.Width) TV.Fma(ref sum0, TV.Load(i < whole ? dy + i : tail), TV.Load(plane + i));
        TV.Store(sum0 + sum1, sums);
    }

    // One task is one output channel. It adds the lanes of all pieces.
    private static void MergeDots<TV>(ref DotArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        int weights = arguments.Shape.C * arguments.Shape.R * arguments.Shape.S;
        for (int tap = 0; tap < arguments.Taps; tap++)
        {
            double sum = 0;
            for (int piece = 0; piece < arguments.Pieces; piece++)
            {
                float* lanes = arguments.Sums + piece * arguments.SumsLength + ((long)task * arguments.Taps + tap) * TV.Width;
                for (int lane = 0; lane < TV.Width; lane++) sum += lanes[lane];
            }

            if (tap < weights) arguments.Dw[(long)task * weights + tap] = (float)sum;
            else arguments.Db[task] = (float)sum;
        }
    }

    private struct DotArguments
    {
        public Conv2dShape Shape;
        public float* X;
        public float* Dy;
        public float* Y;
        public Activation Activation;
        public float* Dw;
        public float* Db;
        public int BandRows;
        public int Bands;
        public int Taps;
        public int PlaneLength;
        public int Pieces;
        public float* Sums;
        public long SumsLength;
        public ThreadScratch Scratch;
    }
}
