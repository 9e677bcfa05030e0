using System.Runtime.Intrinsics;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// The loops of all sums. Blocks of at most <see cref="Block"/> vectors are added in float32, and the sums of the blocks in double precision, so the
/// error does not grow with the length. The order is always the same. Whole arrays are parallel over fixed chunks, channels over planes. Memory bandwidth
/// bounds them.
/// </summary>
internal static unsafe class Reduction
{
    /// <summary>
    /// The number of vectors that are added in float32, in two sums, before these are added in double precision. That takes as long as the additions of 32
    /// vectors.
    /// </summary>
    public const int Block = 256;

    // The number of rows that a column sum adds in float32 before it is added in double precision.
    private const int RowBlock = 64;

    private const int Chunk = 16 * 1024;

    /// <summary>Both sums over a run of floats.</summary>
    public static void Run<TV, TOperator>(TOperator terms, float* a, float* b, float center, int length, out double first, out double second)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, ISumOperator
    {
        (first, second) = (0, 0);
        TV middle = TV.Broadcast(center);
        V1 narrowMiddle = V1.Broadcast(center);
        float* lanes = stackalloc float[2 * TV.Width];
        for (int i = 0; i < length;)
        {
            int end = i + Math.Min(Block * TV.Width, length - i);
            TV first0 = TV.Zero, second0 = TV.Zero, first1 = TV.Zero, second1 = TV.Zero;
            for (; i <= end - 2 * TV.Width; i += 2 * TV.Width)
            {
                terms.Add(TV.Load(a + i), TV.Load(b + i), middle, ref first0, ref second0);
                terms.Add(TV.Load(a + i + TV.Width), TV.Load(b + i + TV.Width), middle, ref first1, ref second1);
            }

            V1 restOfFirst = V1.Zero, restOfSecond = V1.Zero;
            for (; i < end; i++) terms.Add(V1.Load(a + i), V1.Load(b + i), narrowMiddle, ref restOfFirst, ref restOfSecond);
            TV.Store(first0 + first1, lanes);
            TV.Store(second0 + second1, lanes + TV.Width);
            first += SumOf(lanes, TV.Width);
            second += SumOf(lanes + TV.Width, TV.Width);
            V1.Store(restOfFirst, lanes);
            first += *lanes;
            V1.Store(restOfSecond, lanes);
            second += *lanes;
        }
    }

    // In double precision, and four at a time: one by one, each sum would wait for the one before.
    private static double SumOf(float* lanes, int count)
    {
        Vector128<double> low = default, high = default;
        int i = 0;
        for (; i <= count - 4; i += 4)
        {
            Vector128<float> four = Vector128.Load(lanes + i);
            low += Vector128.WidenLower(four);
            high += Vector128.WidenUpper(four);
        }

        double sum = Vector128.Sum(low + high);
        for (; i < count; i++) sum += lanes[i];
        return sum;
    }

    /// <summary>Both sums over the rows of a matrix, for one vector of its columns; <paramref name="center"/> has one number for each column.</summary>
    public static void RunColumns<TV, TOperator>(TOperator terms, float* a, float* b, TV center, int rows, int pitch, double* first, double* second)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, ISumOperator
    {
        float* lanes = stackalloc float[2 * TV.Width];
        new Span<double>(first, TV.Width).Clear();
        new Span<double>(second, TV.Width).Clear();
        for (int row = 0; row < rows;)
        {
            TV blockFirst = TV.Zero, blockSecond = TV.Zero;
            for (int end = row + Math.Min(RowBlock, rows - row); row < end; row++)
            {
                long at = (long)row * pitch;
                terms.Add(TV.Load(a + at), TV.Load(b + at), center, ref blockFirst, ref blockSecond);
            }

            TV.Store(blockFirst, lanes);
            TV.Store(blockSecond, lanes + TV.Width);
            for (int lane = 0; lane < TV.Width; lane++)
            {
                first[lane] += lanes[lane];
                second[lane] += lanes[TV.Width + lane];
            }
        }
    }

    /// <summary>The first sum over whole arrays.</summary>
    public static double Whole<TV, TOperator>(CpuContext cpu, TOperator terms, float* a, float* b, int length)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, ISumOperator
    {
        int chunks = (int)((length + Chunk - 1L) / Chunk);
        cpu.Workspace.Begin(Workspace.Aligned(2L * chunks));
        Arguments<TOperator> arguments = new() { Terms = terms, A = a, B = b, Length = length, Sums = (double*)cpu.Workspace.Take(2L * chunks) };
        cpu.Run(chunks, &RunChunk<TV, TOperator>, ref arguments);
        double sum = 0;
        for (int chunk = 0; chunk < chunks; chunk++) sum += arguments.Sums[chunk];
        return sum;
    }

    /// <summary>sums[c] = Σ_n,i x[n, c, i], the gradient of a bias. Overwrites sums.</summary>
    public static void Channels<TV>(CpuContext cpu, int samples, int channels, int inner, float* x, float* sums)
        where TV : unmanaged, IVector<TV>
    {
        int planes = samples * channels;
        cpu.Workspace.Begin(Workspace.Aligned(2L * planes));
        Arguments<PlainSum> arguments = new() { A = x, Length = inner, Sums = (double*)cpu.Workspace.Take(2L * planes) };
        cpu.Run(planes, &RunPlane<TV>, ref arguments);
        for (int c = 0; c < channels; c++)
        {
            double sum = 0;
            for (int n = 0; n < samples; n++) sum += arguments.Sums[n * channels + c];
            sums[c] = (float)sum;
        }
    }

    /// <summary>The same for maps that lie in any layout, with so many pixels.</summary>
    public static void Channels<TV>(CpuContext cpu, BatchLayout layout, int samples, int channels, int pixels, float* x, float* sums)
        where TV : unmanaged, IVector<TV>
    {
        if (layout != BatchLayout.ChannelsLast)
        {
            int together = BatchBlocks.SamplesOf(layout, samples);
            Channels<TV>(cpu, samples / together, channels, pixels * together, x, sums);
            return;
        }

        cpu.Workspace.Begin(Workspace.Aligned(2L * samples * channels));
        Arguments<PlainSum> arguments = new() { A = x, Length = pixels, Channels = channels, Sums = (double*)cpu.Workspace.Take(2L * samples * channels) };
        cpu.Run(samples, &RunPixels<TV>, ref arguments);
        for (int c = 0; c < channels; c++)
        {
            double sum = 0;
            for (int n = 0; n < samples; n++) sum += arguments.Sums[n * channels + c];
            sums[c] = (float)sum;
        }
    }

    // One task is a sample whose channels are last.
    private static void RunPixels<TV>(ref Arguments<PlainSum> arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        int channels = arguments.Channels, c = 0;
        float* x = arguments.A + (long)task * arguments.Length * channels;
        double* sums = arguments.Sums + (long)task * channels, unused = stackalloc double[TV.Width];
        for (; c <= channels - TV.Width; c += TV.Width)
        {
            RunColumns<TV, PlainSum>(default, x + c, x + c, TV.Zero, arguments.Length, channels, sums + c, unused);
        }

        for (; c < channels; c++) RunColumns<V1, PlainSum>(default, x + c, x + c, V1.Zero, arguments.Length, channels, sums + c, unused);
    }

    private static void RunChunk<TV, TOperator>(ref Arguments<TOperator> shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, ISumOperator
    {
        Arguments<TOperator> arguments = shared;
        int first = task * Chunk;
        Run<TV, TOperator>(
            arguments.Terms, arguments.A + first, arguments.B + first, 0, Math.Min(arguments.Length - first, Chunk), out arguments.Sums[task], out _);
    }

    private static void RunPlane<TV>(ref Arguments<PlainSum> arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        float* plane = arguments.A + (long)task * arguments.Length;
        Run<TV, PlainSum>(default, plane, plane, 0, arguments.Length, out arguments.Sums[task], out _);
    }

    private struct Arguments<TOperator>
        where TOperator : unmanaged
    {
        public TOperator Terms;
        public float* A;
        public float* B;
        public int Length;
        public int Channels;
        public double* Sums;
    }
}
