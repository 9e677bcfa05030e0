using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form. Forward takes a group a row and finds the order of the last number that is kept bit by bit, from the highest: a bit is 1 if enough orders are
/// at least as great with it. Each step counts over the row, which stays in the cache, and has one barrier that all threads meet; no atomics are needed.
/// Backward is a <see cref="GpuReduction"/> for each row's mean and one for its deviation, then one thread for each element. Latency bounds the first,
/// memory bandwidth the others.
/// </content>
internal static unsafe partial class TopKMask
{
    /// <summary>Overwrites y and, unless it is null, least.</summary>
    public static void Forward(GpuContext gpu, int rows, ArrayView<float> x, ArrayView<float> counts, ArrayView<float> y, ArrayView<float>? least)
    {
        int columns = (int)x.Length / rows;
        gpu.Launch(Kernel, new Index3D(rows, 1, 1), new GpuArguments
        {
            X = x, Counts = counts, Y = y, Least = least ?? y, HasLeast = least is null ? 0 : 1, Columns = columns, IndexBits = IndexBits(columns),
        });
    }

    /// <summary>Overwrites dx, which may be dy.</summary>
    public static void Backward(
        GpuContext gpu, int rows, float steepness, ArrayView<float> x, ArrayView<float> least, ArrayView<float> dy, ArrayView<float> dx)
    {
        int columns = (int)x.Length / rows;
        using GpuBuffer means = gpu.Memory.Rent(rows), slopes = gpu.Memory.Rent(rows);
        float one = (float)(1.0 / columns);
        GpuReduction.Run(gpu, new PlainTerms { X = x }, new ScaledTotals { Result = means.Floats, Scale = one }, 1, rows, columns);
        GpuReduction.Run(
            gpu, new BatchNorm.Deviations { X = x, Mean = means.Floats }, new Slopes { Result = slopes.Floats, One = one, Steepness = steepness },
            1, rows, columns);
        ForEach.Run(
            gpu, new Gradient { X = x, Least = least, Slopes = slopes.Floats, Dy = dy, Dx = dx, Columns = new Divisor(columns) }, (int)x.Length);
    }

    internal static void Kernel(GpuArguments arguments)
    {
        // Two places for each thread's count, used in turns, so that a step need not wait until all have read those of the step before.
        ArrayView<int> shared = SharedMemory.Allocate<int>(2 * GpuContext.GroupSize);
        int thread = Group.IdxX, columns = arguments.Columns, indexBits = arguments.IndexBits, wanted = (int)arguments.Counts[Grid.IdxX];
        ArrayView<float> x = arguments.X.SubView(Grid.IdxX * columns, columns), y = arguments.Y.SubView(Grid.IdxX * columns, columns);
        wanted = IntrinsicMath.Clamp(wanted, 1, columns);
        ulong last = 0;
        for (int bit = 31 + indexBits; bit >= 0; bit--)
        {
            ulong candidate = last | 1UL << bit;
            int own = 0;
            for (int i = thread; i < columns; i += GpuContext.GroupSize) own += OrderOf(Interop.FloatAsInt(x[i]), i, indexBits) >= candidate ? 1 : 0;
            ArrayView<int> counts = shared.SubView((bit & 1) * GpuContext.GroupSize, GpuContext.GroupSize);
            counts[thread] = own;
            Group.Barrier();
            int all = 0;
            for (int i = 0; i < GpuContext.GroupSize; i++) all += counts[i];
            if (all >= wanted) last = candidate;
        }

        for (int i = thread; i < columns; i += GpuContext.GroupSize)
        {
            ulong order = OrderOf(Interop.FloatAsInt(x[i]), i, indexBits);
            y[i] = order >= last ? 1f : 0f; // Of whole numbers ILGPU 1.5.3 would store the bits unconverted.
            if (order == last && arguments.HasLeast != 0) arguments.Least[Grid.IdxX] = x[i];
        }
    }

    internal struct GpuArguments
    {
        public ArrayView<float> X;
        public ArrayView<float> Counts;
        public ArrayView<float> Y;
        public ArrayView<float> Least;
        public int HasLeast;
        public int Columns;
        public int IndexBits;
    }

    /// <summary>steepness / standard deviation, from the deviations from a rounded mean.</summary>
    internal struct Slopes : IGpuTotals
    {
        public ArrayView<float> Result;
        public float One;
        public float Steepness;

        public readonly void Take(int channel, CompensatedSum first, CompensatedSum second)
        {
            float rest = first.Value * One, deviation = MathF.Sqrt(GpuMath.Max(second.Value * One - rest * rest, 0));
            Result[channel] = Steepness / GpuMath.Max(deviation, LeastDeviation);
        }
    }

    internal struct Gradient : IGpuBody
    {
        public ArrayView<float> X;
        public ArrayView<float> Least;
        public ArrayView<float> Slopes;
        public ArrayView<float> Dy;
        public ArrayView<float> Dx;
        public Divisor Columns;

        public readonly void Run(int i)
        {
            int row = Columns.Divide(i, out _);
            float slope = Slopes[row];
            Sigmoid sigmoid = default;
            Dx[i] = sigmoid.GradientOnGpu(sigmoid.OnGpu(slope * (X[i] - Least[row])), Dy[i] * slope);
        }
    }
}
