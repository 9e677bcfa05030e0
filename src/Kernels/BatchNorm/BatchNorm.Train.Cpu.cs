using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form for training.
/// <para>Forward: a plane (one channel of one sample) is read twice while it is in the cache, for its mean m and then for Σ(x − m) and Σ(x − m)², so a
/// mean that is large against the deviation costs no digits. Planes are of one size, so they merge simply, in order and in double precision:
/// Σ(x − mean)² = Σ_planes (Σ(x − m)² + Inner·(m − mean)²). The mean is then subtracted in two parts, since one float may not hold it to a small
/// fraction of the deviation.</para>
/// <para>Backward, with x̂ = (x − mean)·inverseStd over M = N·Inner elements of a channel:
/// dbeta = Σ dy, dgamma = Σ dy·x̂, dx = gamma·inverseStd·(dy − dbeta/M − x̂·dgamma/M).</para>
/// Vectors run along Inner, or along C where Inner is 1. Parallel over planes, or vectors of channels for the sums where Inner is 1; memory bandwidth
/// bounds it: x is read for the sums and again for the result.
/// </content>
internal static unsafe partial class BatchNorm
{
    /// <summary>
    /// Normalises with the batch's own statistics. Overwrites y, which may be x, mean and inverseStd; moves the running statistics.
    /// </summary>
    public static void Train<TV>(
        CpuContext cpu, in BatchNormShape shape, float* x, float* gamma, float* beta, float* y, float* mean, float* inverseStd,
        float* runningMean, float* runningInverseStd, float momentum, float epsilon)
        where TV : unmanaged, IVector<TV>
    {
        TrainArguments arguments = Begin(cpu, shape) with { X = x, Y = y, Mean = mean, Beta = beta };
        SumChannels<TV, MomentsOperator>(cpu, ref arguments);

        double count = (double)shape.N * shape.Inner;
        int planes = arguments.PlanesPerChannel;
        double perPlane = count / planes;
        for (int c = 0; c < shape.C; c++)
        {
            // Of a plane: its mean and its Σ(x − m)².
            double middle = 0, squares = 0;
            for (int n = 0; n < planes; n++) middle += arguments.First[n * shape.C + c];
            middle /= planes;
            for (int n = 0; n < planes; n++)
            {
                double offset = arguments.First[n * shape.C + c] - middle;
                squares += arguments.Second[n * shape.C + c] + perPlane * offset * offset;
            }

            double inverse = 1 / Math.Sqrt(squares / count + epsilon);
            mean[c] = (float)middle;
            inverseStd[c] = (float)inverse;
            runningMean[c] = (float)((1.0 - momentum) * runningMean[c] + momentum * middle);
            runningInverseStd[c] = (float)((1.0 - momentum) * runningInverseStd[c] + momentum * inverse);
            arguments.Low[c] = (float)(middle - mean[c]);
            arguments.Scale[c] = (float)(inverse * gamma[c]);
        }

        if (shape.Inner == 1) cpu.Run((shape.N + SamplesPerTask - 1) / SamplesPerTask, &TrainRows<TV>, &arguments);
        else cpu.Run(shape.N * shape.C, &TrainPlane<TV>, &arguments);
    }

    /// <summary>The gradients of <see cref="Train"/>. Overwrites dx, which may be dy, dgamma and dbeta.</summary>
    public static void Backward<TV>(
        CpuContext cpu, in BatchNormShape shape, float* x, float* mean, float* inverseStd, float* gamma, float* dy, float* dx,
        float* dgamma, float* dbeta)
        where TV : unmanaged, IVector<TV>
    {
        TrainArguments arguments = Begin(cpu, shape) with { X = x, Dy = dy, Y = dx, Mean = mean };
        SumChannels<TV, GradientOperator>(cpu, ref arguments);

        double count = (double)shape.N * shape.Inner;
        for (int c = 0; c < shape.C; c++)
        {
            double sum = 0, product = 0;
            for (int n = 0; n < arguments.PlanesPerChannel; n++)
            {
                sum += arguments.First[n * shape.C + c];
                product += arguments.Second[n * shape.C + c];
            }

            product *= inverseStd[c];
            dbeta[c] = (float)sum;
            dgamma[c] = (float)product;

            // dx = Scale·(dy − Low − (x − mean)·Slope).
            arguments.Low[c] = (float)(sum / count);
            arguments.Slope[c] = (float)(product / count * inverseStd[c]);
            arguments.Scale[c] = gamma[c] * inverseStd[c];
        }

        if (shape.Inner == 1) cpu.Run((shape.N + SamplesPerTask - 1) / SamplesPerTask, &BackwardRows<TV>, &arguments);
        else cpu.Run(shape.N * shape.C, &BackwardPlane<TV>, &arguments);
    }

    private static TrainArguments Begin(CpuContext cpu, in BatchNormShape shape)
    {
        int planesPerChannel = shape.Inner == 1 ? 1 : shape.N;
        long planes = (long)planesPerChannel * shape.C;
        cpu.Workspace.Begin(2 * Workspace.Aligned(2 * planes) + 3 * Workspace.Aligned(shape.C));
        return new TrainArguments
        {
            Shape = shape,
            PlanesPerChannel = planesPerChannel,
            First = (double*)cpu.Workspace.Take(2 * planes),
            Second = (double*)cpu.Workspace.Take(2 * planes),
            Scale = cpu.Workspace.Take(shape.C),
            Low = cpu.Workspace.Take(shape.C),
            Slope = cpu.Workspace.Take(shape.C),
        };
    }

    // Both sums of every plane; without planes (Inner = 1), of every channel.
    private static void SumChannels<TV, TOperator>(CpuContext cpu, ref TrainArguments arguments)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IChannelOperator
    {
        fixed (TrainArguments* context = &arguments)
        {
            if (arguments.Shape.Inner == 1) cpu.Run((arguments.Shape.C + TV.Width - 1) / TV.Width, &SumColumns<TV, TOperator>, context);
            else cpu.Run(arguments.Shape.N * arguments.Shape.C, &SumPlane<TV, TOperator>, context);
        }
    }

    private static void SumPlane<TV, TOperator>(void* context, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IChannelOperator => default(TOperator).SumPlane<TV>(*(TrainArguments*)context, task);

    private static void SumColumns<TV, TOperator>(void* context, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IChannelOperator
    {
        ref TrainArguments arguments = ref *(TrainArguments*)context;
        int c = task * TV.Width, end = Math.Min(arguments.Shape.C, c + TV.Width);
        if (end - c == TV.Width) default(TOperator).SumColumns<TV>(arguments, c);
        else for (; c < end; c++) default(TOperator).SumColumns<V1>(arguments, c);
    }

    private static void TrainPlane<TV>(void* context, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref TrainArguments arguments = ref *(TrainArguments*)context;
        int c = task % arguments.Shape.C, inner = arguments.Shape.Inner, i = 0;
        float* x = arguments.X + (long)task * inner;
        float* y = arguments.Y + (long)task * inner;
        float mean = arguments.Mean[c], low = arguments.Low[c], scale = arguments.Scale[c], beta = arguments.Beta[c];
        for (; i <= inner - TV.Width; i += TV.Width)
        {
            TV.Store(Normalise(TV.Load(x + i) - TV.Broadcast(mean), TV.Broadcast(low), TV.Broadcast(scale), TV.Broadcast(beta)), y + i);
        }

        for (; i < inner; i++)
        {
            V1.Store(Normalise(V1.Load(x + i) - V1.Broadcast(mean), V1.Broadcast(low), V1.Broadcast(scale), V1.Broadcast(beta)), y + i);
        }
    }

    private static void TrainRows<TV>(void* context, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        TrainArguments arguments = *(TrainArguments*)context;
        int channels = arguments.Shape.C, end = Math.Min(arguments.Shape.N, (task + 1) * SamplesPerTask);
        for (int n = task * SamplesPerTask; n < end; n++)
        {
            long row = (long)n * channels;
            int c = 0;
            for (; c <= channels - TV.Width; c += TV.Width) TrainAt<TV>(arguments, row, c);
            for (; c < channels; c++) TrainAt<V1>(arguments, row, c);
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

    private static void BackwardPlane<TV>(void* context, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref TrainArguments arguments = ref *(TrainArguments*)context;
        int c = task % arguments.Shape.C, inner = arguments.Shape.Inner, i = 0;
        float* x = arguments.X + (long)task * inner;
        float* dy = arguments.Dy + (long)task * inner;
        float* dx = arguments.Y + (long)task * inner;
        float mean = arguments.Mean[c], low = arguments.Low[c], slope = arguments.Slope[c], scale = arguments.Scale[c];
        for (; i <= inner - TV.Width; i += TV.Width)
        {
            TV.Store(
                Differentiate(
                    TV.Load(x + i), TV.Load(dy + i), TV.Broadcast(mean), TV.Broadcast(low), TV.Broadcast(slope), TV.Broadcast(scale)),
                dx + i);
        }

        for (; i < inner; i++)
        {
            V1.Store(
                Differentiate(
                    V1.Load(x + i), V1.Load(dy + i), V1.Broadcast(mean), V1.Broadcast(low), V1.Broadcast(slope), V1.Broadcast(scale)),
                dx + i);
        }
    }

    private static void BackwardRows<TV>(void* context, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        TrainArguments arguments = *(TrainArguments*)context;
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
                TV.Load(arguments.X + row + c), TV.Load(arguments.Dy + row + c), TV.Load(arguments.Mean + c), TV.Load(arguments.Low + c),
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
        void SumPlane<TV>(in TrainArguments arguments, int plane)
            where TV : unmanaged, IVector<TV>;

        void SumColumns<TV>(in TrainArguments arguments, int c)
            where TV : unmanaged, IVector<TV>;
    }

    /// <summary>The mean m, and Σ(x − m)².</summary>
    private readonly struct MomentsOperator : IChannelOperator
    {
        public void SumPlane<TV>(in TrainArguments arguments, int plane)
            where TV : unmanaged, IVector<TV>
        {
            int inner = arguments.Shape.Inner;
            float* x = arguments.X + (long)plane * inner;
            Reduction.Run<TV, PlainSum>(default, x, x, 0, inner, out double sum, out _);
            float rough = (float)(sum / inner);
            Reduction.Run<TV, DeviationSums>(default, x, x, rough, inner, out double rest, out double squares);
            (arguments.First[plane], arguments.Second[plane]) = (rough + rest / inner, squares - rest * rest / inner);
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

    /// <summary>Σ dy and Σ dy·(x − mean).</summary>
    private readonly struct GradientOperator : IChannelOperator
    {
        public void SumPlane<TV>(in TrainArguments arguments, int plane)
            where TV : unmanaged, IVector<TV>
        {
            int inner = arguments.Shape.Inner;
            Reduction.Run<TV, GradientSums>(
                default, arguments.Dy + (long)plane * inner, arguments.X + (long)plane * inner, arguments.Mean[plane % arguments.Shape.C], inner,
                out arguments.First[plane], out arguments.Second[plane]);
        }

        public void SumColumns<TV>(in TrainArguments arguments, int c)
            where TV : unmanaged, IVector<TV> =>
            Reduction.RunColumns(
                default(GradientSums), arguments.Dy + c, arguments.X + c, TV.Load(arguments.Mean + c), arguments.Shape.N, arguments.Shape.C,
                arguments.First + c, arguments.Second + c);
    }

    // Σ(a − center) and Σ(a − center)².
    private readonly struct DeviationSums : ISumOperator
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
        public float* X;
        public float* Dy;
        public float* Y;
        public float* Mean;
        public float* Beta;
        public float* Scale;
        public float* Low;
        public float* Slope;
        public int PlanesPerChannel;
        public double* First;
        public double* Second;
    }
}
