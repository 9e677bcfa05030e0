using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form for training.
/// <para>Forward: for each part of a plane, Σ(x − r) and Σ(x − r)² are computed about a rough mean r, the mean of the part's first elements. So a mean that is
/// large compared with the deviation costs no precision. These sums give the part's mean m and Σ(x − m)². Parts of L elements are merged in order and in double
/// precision: Σ(x − mean)² = Σ_parts (Σ(x − m)² + L·(m − mean)²). The mean is then subtracted in two pieces, because one float may not be precise enough
/// compared with the deviation.</para>
/// <para>Backward, with x̂ = (x − mean)·inverseStd over M = N·Inner elements of a channel and dz = activation′·dy: dbeta = Σ dz, dgamma = Σ dz·x̂, dx =
/// gamma·inverseStd·(dz − dbeta/M − x̂·dgamma/M). While the sums are computed, dz is stored in dx.</para>
/// Vectors run along Inner, or along C if Inner is 1. Parallel over planes or, of few samples, shares of large ones; if Inner is 1, the sums are parallel over
/// vectors of channels. Memory bandwidth bounds it: x is read for the sums and again for the result.
/// </content>
internal static unsafe partial class BatchNorm
{
    /// <summary>
    /// Normalises with the batch's own statistics. Overwrites y, which may be x, mean and inverseStd; updates the running statistics.
    /// </summary>
    public static void Train<TV>(
        CpuContext cpu, in BatchNormShape shape, float* x, float* gamma, float* beta, Activation activation, float* y, float* mean,
        float* inverseStd, float* runningMean, float* runningInverseStd, float momentum, float epsilon)
        where TV : unmanaged, IVector<TV>
    {
        TrainArguments arguments = Begin(cpu, shape) with { X = x, Activation = activation, Y = y, Mean = mean, Beta = beta };
        SumChannels<TV, MomentsOperator>(cpu, ref arguments);

        double count = (double)shape.N * shape.Inner;
        for (int c = 0; c < shape.C; c++)
        {
            // The mean of a part, and its Σ(x − m)².
            double middle = 0, squares = 0;
            for (int i = 0; i < arguments.Pieces; i++) middle += arguments.First[arguments.PieceOf(i, c, out int length)] * length;
            middle /= count;
            for (int i = 0; i < arguments.Pieces; i++)
            {
                int piece = arguments.PieceOf(i, c, out int length);
                double offset = arguments.First[piece] - middle;
                squares += arguments.Second[piece] + length * offset * offset;
            }

            double inverse = 1 / Math.Sqrt(squares / count + epsilon);
            mean[c] = (float)middle;
            inverseStd[c] = (float)inverse;
            runningMean[c] = (float)((1.0 - momentum) * runningMean[c] + momentum * middle);
            runningInverseStd[c] = (float)((1.0 - momentum) * runningInverseStd[c] + momentum * inverse);
            arguments.Low[c] = (float)(middle - mean[c]);
            arguments.Scale[c] = (float)(inverse * gamma[c]);
        }

        if (shape.Inner == 1) cpu.Run((shape.N + SamplesPerTask - 1) / SamplesPerTask, &TrainRows<TV>, ref arguments);
        else cpu.Run(shape.N * shape.C * arguments.Shares, &TrainPlane<TV>, ref arguments);
    }

    /// <summary>The gradients of <see cref="Train"/>. Overwrites dx, which may be dy, dgamma and dbeta.</summary>
    public static void Backward<TV>(
        CpuContext cpu, in BatchNormShape shape, float* x, float* mean, float* inverseStd, float* gamma, Activation activation, float* y,
        float* dy, float* dx, float* dgamma, float* dbeta)
        where TV : unmanaged, IVector<TV>
    {
        TrainArguments arguments = Begin(cpu, shape) with { X = x, Activation = activation, Result = y, Dy = dy, Y = dx, Mean = mean };
        if (shape.Inner == 1) ActivationGradient.Run<TV>(activation, y, dy, dx, shape.Length);
        SumChannels<TV, GradientOperator>(cpu, ref arguments);

        double count = (double)shape.N * shape.Inner;
        for (int c = 0; c < shape.C; c++)
        {
            double sum = 0, product = 0;
            for (int i = 0; i < arguments.Pieces; i++)
            {
                int piece = arguments.PieceOf(i, c, out _);
                sum += arguments.First[piece];
                product += arguments.Second[piece];
            }

            product *= inverseStd[c];
            dbeta[c] = (float)sum;
            dgamma[c] = (float)product;

            // dx = Scale·(dy − Low − (x − mean)·Slope).
            arguments.Low[c] = (float)(sum / count);
            arguments.Slope[c] = (float)(product / count * inverseStd[c]);
            arguments.Scale[c] = gamma[c] * inverseStd[c];
        }

        if (shape.Inner == 1) cpu.Run((shape.N + SamplesPerTask - 1) / SamplesPerTask, &BackwardRows<TV>, ref arguments);
        else cpu.Run(shape.N * shape.C * arguments.Shares, &BackwardPlane<TV>, ref arguments);
    }

    private static TrainArguments Begin(CpuContext cpu, in BatchNormShape shape)
    {
        int perChannel = shape.Inner == 1 ? 1 : shape.N * PartsOf(shape);
        long pieces = (long)perChannel * shape.C;
        cpu.Workspace.Begin(2 * Workspace.Aligned(2 * pieces) + 3 * Workspace.Aligned(shape.C));
        return new TrainArguments
        {
            Shape = shape,
            Shares = SharesOf(cpu, shape),
            Pieces = perChannel,
            First = (double*)cpu.Workspace.Take(2 * pieces),
            Second = (double*)cpu.Workspace.Take(2 * pieces),
            Scale = cpu.Workspace.Take(shape.C),
            Low = cpu.Workspace.Take(shape.C),
            Slope = cpu.Workspace.Take(shape.C),
        };
    }

    // Both sums of every part, or of every channel if there are no planes (Inner = 1).
    private static void SumChannels<TV, TOperator>(CpuContext cpu, ref TrainArguments arguments)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IChannelOperator
    {
        if (arguments.Shape.Inner == 1) cpu.Run((arguments.Shape.C + TV.Width - 1) / TV.Width, &SumColumns<TV, TOperator>, ref arguments);
        else cpu.Run(arguments.Shape.N * arguments.Shape.C * arguments.Shares, &SumPlane<TV, TOperator>, ref arguments);
    }

    private static void SumPlane<TV, TOperator>(ref TrainArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IChannelOperator
    {
        PlaneOf(arguments.Shape, arguments.Shares, task, out int n, out int c, out int part, out int end);
        for (; part < end; part++) default(TOperator).SumPart<TV>(arguments, n, c, part);
    }

    private static void SumColumns<TV, TOperator>(ref TrainArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IChannelOperator
    {
        int c = task * TV.Width, end = Math.Min(arguments.Shape.C, c + TV.Width);
        if (end - c == TV.Width) default(TOperator).SumColumns<TV>(arguments, c);
        else for (; c < end; c++) default(TOperator).SumColumns<V1>(arguments, c);
    }

    private static void TrainPlane<TV>(ref TrainArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        long start = ShareOf(arguments.Shape, arguments.Shares, task, out int c, out int length);
        Normalise<TV>(
            arguments.X + start, arguments.Mean[c], arguments.Low[c], arguments.Scale[c], arguments.Beta[c], arguments.Activation, arguments.Y + start, length);
    }

    private static void TrainRows<TV>(ref TrainArguments shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        TrainArguments arguments = shared;
        int channels = arguments.Shape.C, end = Math.Min(arguments.Shape.N, (task + 1) * SamplesPerTask);
        for (int n = task * SamplesPerTask; n < end; n++)
        {
            long row = (long)n * channels;
            int c = 0;
            for (; c <= channels - TV.Width; c += TV.Width) TrainAt<TV>(arguments, row, c);
            for (; c < channels; c++) TrainAt<V1>(arguments, row, c);
            Elementwise.RunLine<TV>(arguments.Activation, arguments.Y + row, channels);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TrainAt<TV>(in TrainArguments arguments, long row, int c)
        where TV : unmanaged, IVector<TV> =>
        TV.Store(
            Normalise(
                TV.Load(arguments.X + row + c) - TV.Load(arguments.Mean + c), TV.Load(arguments.Low + c), TV.Load(arguments.Scale + c),
                TV.Load(arguments.Beta + c)),
            arguments.Y + row + c);

    private static void BackwardPlane<TV>(ref TrainArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        long start = ShareOf(arguments.Shape, arguments.Shares, task, out int c, out int length);
        int i = 0;
        float* x = arguments.X + start;
        float* dx = arguments.Y + start;
        float mean = arguments.Mean[c], low = arguments.Low[c], slope = arguments.Slope[c], scale = arguments.Scale[c];
        for (; i <= length - TV.Width; i += TV.Width)
        {
            TV.Store(
                Differentiate(
                    TV.Load(x + i), TV.Load(dx + i), TV.Broadcast(mean), TV.Broadcast(low), TV.Broadcast(slope), TV.Broadcast(scale)),
                dx + i);
        }

        for (; i < length; i++)
        {
            V1.Store(
                Differentiate(
                    V1.Load(x + i), V1.Load(dx + i), V1.Broadcast(mean), V1.Broadcast(low), V1.Broadcast(slope), V1.Broadcast(scale)),
                dx + i);
        }
    }

    private static void BackwardRows<TV>(ref TrainArguments shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        TrainArguments arguments = shared;
        int channels = arguments.Shape.C, end = Math.Min(arguments.Shape.N, (task + 1) * SamplesPerTask);
        for (int n = task * SamplesPerTask; n < end; n++)
        {
            long row = (long)n * channels;
            int c = 0;
            for (; c <= channels - TV.Width; c += TV.Width) BackwardAt<TV>(arguments, row, c);
            for (; c < channels; c++) BackwardAt<V1>(arguments, row, c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void BackwardAt<TV>(in TrainArguments arguments, long row, int c)
        where TV : unmanaged, IVector<TV> =>
        TV.Store(
            Differentiate(
                TV.Load(arguments.X + row + c), TV.Load(arguments.Y + row + c), TV.Load(arguments.Mean + c), TV.Load(arguments.Low + c),
                TV.Load(arguments.Slope + c), TV.Load(arguments.Scale + c)),
            arguments.Y + row + c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV Differentiate<TV>(TV x, TV dy, TV mean, TV low, TV slope, TV scale)
        where TV : unmanaged, IVector<TV>
    {
        TV inner = dy - low;
        TV.Fma(ref inner, mean - x, slope);
        return inner * scale;
    }

    /// <summary>What the sums of a channel are made of.</summary>
    private interface IChannelOperator
    {
        void SumPart<TV>(in TrainArguments arguments, int n, int c, int part)
            where TV : unmanaged, IVector<TV>;

        void SumColumns<TV>(in TrainArguments arguments, int c)
            where TV : unmanaged, IVector<TV>;
    }

    /// <summary>The mean m, and Σ(x − m)².</summary>
    private readonly struct MomentsOperator : IChannelOperator
    {
        // The rough mean is taken over at least 1/32 of the part. The square of its distance from the mean is then less than 32 times the variance, which
        // float32 can afford.
        public void SumPart<TV>(in TrainArguments arguments, int n, int c, int part)
            where TV : unmanaged, IVector<TV>
        {
            float* x = arguments.X + PartOf(arguments.Shape, n, c, part, out int length);
            int few = Math.Min(length, Part / 32), piece = arguments.PieceOf(n, c, part);
            Reduction.Run<TV, PlainSum>(default, x, x, 0, few, out double sum, out _);
            float rough = (float)(sum / few);
            Reduction.Run<TV, DeviationSums>(default, x, x, rough, length, out double rest, out double squares);
            (arguments.First[piece], arguments.Second[piece]) = (rough + rest / length, squares - rest * rest / length);
        }

        public void SumColumns<TV>(in TrainArguments arguments, int c)
            where TV : unmanaged, IVector<TV>
        {
            int rows = arguments.Shape.N, channels = arguments.Shape.C;
            float* x = arguments.X + c;
            double* first = arguments.First + c;
            double* second = arguments.Second + c;
            float* rough = stackalloc float[TV.Width];
            Reduction.RunColumns(default(PlainSum), x, x, TV.Zero, rows, channels, first, second);
            for (int lane = 0; lane < TV.Width; lane++) rough[lane] = (float)(first[lane] / rows);
            Reduction.RunColumns(default(DeviationSums), x, x, TV.Load(rough), rows, channels, first, second);
            for (int lane = 0; lane < TV.Width; lane++)
            {
                double rest = first[lane];
                (first[lane], second[lane]) = (rough[lane] + rest / rows, second[lane] - rest * rest / rows);
            }
        }
    }

    /// <summary>Writes dz to dx and computes Σ dz and Σ dz·(x − mean).</summary>
    private readonly struct GradientOperator : IChannelOperator
    {
        public void SumPart<TV>(in TrainArguments arguments, int n, int c, int part)
            where TV : unmanaged, IVector<TV>
        {
            long start = PartOf(arguments.Shape, n, c, part, out int length);
            int piece = arguments.PieceOf(n, c, part);
            (double sum, double product) = (0, 0);
            for (int i = 0; i < length; i += Block)
            {
                long at = start + i;
                int count = Math.Min(Block, length - i);
                ActivationGradient.Run<TV>(arguments.Activation, arguments.Result + at, arguments.Dy + at, arguments.Y + at, count);
                Reduction.Run<TV, GradientSums>(
                    default, arguments.Y + at, arguments.X + at, arguments.Mean[c], count, out double first, out double second);
                (sum, product) = (sum + first, product + second);
            }

            (arguments.First[piece], arguments.Second[piece]) = (sum, product);
        }

        public void SumColumns<TV>(in TrainArguments arguments, int c)
            where TV : unmanaged, IVector<TV> =>
            Reduction.RunColumns(
                default(GradientSums), arguments.Y + c, arguments.X + c, TV.Load(arguments.Mean + c), arguments.Shape.N, arguments.Shape.C,
                arguments.First + c, arguments.Second + c);
    }

    // Σ(a − center) and Σ(a − center)².
    internal readonly struct DeviationSums : ISumOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add<TV>(TV a, TV b, TV center, ref TV first, ref TV second)
            where TV : unmanaged, IVector<TV>
        {
            TV difference = a - center;
            first += difference;
            TV.Fma(ref second, difference, difference);
        }
    }

    // Σa and Σa·(b − center).
    private readonly struct GradientSums : ISumOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add<TV>(TV a, TV b, TV center, ref TV first, ref TV second)
            where TV : unmanaged, IVector<TV>
        {
            first += a;
            TV.Fma(ref second, a, b - center);
        }
    }

    private struct TrainArguments
    {
        public BatchNormShape Shape;
        public int Shares;
        public float* X;
        public float* Result;
        public float* Dy;
        public float* Y;
        public float* Mean;
        public float* Beta;
        public float* Scale;
        public float* Low;
        public float* Slope;
        public Activation Activation;
        public double* First;
        public double* Second;

        // The number of pieces of a channel: the parts of its planes, or one.
        public int Pieces;

        // The index of the sums of a channel's i-th piece, and how many elements the piece has.
        public readonly int PieceOf(int i, int c, out int length)
        {
            length = Shape.N;
            if (Shape.Inner == 1) return c;
            int parts = PartsOf(Shape), n = i / parts, part = i % parts;
            PartOf(Shape, n, c, part, out length);
            return PieceOf(n, c, part);
        }

        // What different threads write lies apart: sums of different channels follow each other, not those of a plane's parts.
        public readonly int PieceOf(int n, int c, int part) => (n * PartsOf(Shape) + part) * Shape.C + c;
    }
}
