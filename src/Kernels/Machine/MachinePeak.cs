using System.Diagnostics;
using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// Measures the most that the processor can do; kernels are compared with these figures. Each comes from several short runs, mostly the best of them, because
/// other work on the machine can only slow a run down.
/// </summary>
public static unsafe class MachinePeak
{
    private const int Runs = 12;
    private const int Accumulators = 12;
    private const int FmaRounds = 1_000_000;

    // What each thread writes for another: half of a second-level cache of 1 MB.
    private const int ExchangeLength = 1 << 17;

    // Far larger than any cache.
    private const int TriadLength = 1 << 24;
    private const int TriadChunk = 1 << 18;

    /// <summary>Float32 multiply-adds per second on registers alone, in GFLOP/s; a multiply-add counts as two operations.</summary>
    public static double MeasureGflops(int threads, VectorWidth width) => width switch
    {
        VectorWidth.Bits512 => MeasureGflops<V512>(threads),
        VectorWidth.Bits256 => MeasureGflops<V256>(threads),
        VectorWidth.Bits128 => MeasureGflops<V128>(threads),
        _ => MeasureGflops<V1>(threads),
    };

    /// <summary>
    /// Memory bandwidth of a[i] = b[i] + s · c[i] over arrays of 64 MB, in GB/s, which counts each of the three arrays once (STREAM's triad).
    /// </summary>
    public static double MeasureBandwidth(int threads, VectorWidth width) => width switch
    {
        VectorWidth.Bits512 => MeasureBandwidth<V512>(threads),
        VectorWidth.Bits256 => MeasureBandwidth<V256>(threads),
        VectorWidth.Bits128 => MeasureBandwidth<V128>(threads),
        _ => MeasureBandwidth<V1>(threads),
    };

    /// <summary>
    /// How fast each thread reads 512 KB that another has just written, in GB/s, while all do. Kernels that follow each other exchange their results at this
    /// rate wherever they do not give the same part to the same thread. It is several times as high for processors that share a cache, and a virtual machine's
    /// processors may be moved. NaN for one thread.
    /// </summary>
    public static double MeasureExchange(int threads, VectorWidth width) => width switch
    {
        VectorWidth.Bits512 => MeasureExchange<V512>(threads),
        VectorWidth.Bits256 => MeasureExchange<V256>(threads),
        VectorWidth.Bits128 => MeasureExchange<V128>(threads),
        _ => MeasureExchange<V1>(threads),
    };

    private static double MeasureGflops<TV>(int threads)
        where TV : unmanaged, IVector<TV>
    {
        using HostMemory memory = new();
        using CpuContext cpu = new(threads, memory);
        cpu.Workspace.Begin(Workspace.Aligned(threads));
        Arrays sums = new() { Start = cpu.Workspace.Take(threads) };
        double seconds = Best(() => cpu.Run(threads, &Multiply<TV>, ref sums));
        return 2.0 * Accumulators * TV.Width * FmaRounds * threads / seconds / 1e9;
    }

    // Twelve independent chains hide the latency of the multiply-add on two units.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Multiply<TV>(ref Arrays sums, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        TV a = TV.Broadcast(0.5f), b = TV.Broadcast(0.25f);
        TV c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a, c6 = a, c7 = a, c8 = a, c9 = a, c10 = a, c11 = a;
        for (int round = 0; round < FmaRounds; round++)
        {
            TV.Fma(ref c0, a, b);
            TV.Fma(ref c1, a, b);
            TV.Fma(ref c2, a, b);
            TV.Fma(ref c3, a, b);
            TV.Fma(ref c4, a, b);
            TV.Fma(ref c5, a, b);
            TV.Fma(ref c6, a, b);
            TV.Fma(ref c7, a, b);
            TV.Fma(ref c8, a, b);
            TV.Fma(ref c9, a, b);
            TV.Fma(ref c10, a, b);
            TV.Fma(ref c11, a, b);
        }

        float* sum = stackalloc float[TV.Width];
        TV.Store(c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11, sum);
        sums.Start[task] = *sum;
    }

    private static double MeasureBandwidth<TV>(int threads)
        where TV : unmanaged, IVector<TV>
    {
        using HostMemory memory = new();
        using CpuContext cpu = new(threads, memory);
        cpu.Workspace.Begin(3L * TriadLength);
        Arrays arrays = new() { Start = cpu.Workspace.Take(3L * TriadLength) };
        double seconds = Best(() => cpu.Run(TriadLength / TriadChunk, &Triad<TV>, ref arrays));
        return 3.0 * sizeof(float) * TriadLength / seconds / 1e9;
    }

    private static void Triad<TV>(ref Arrays arrays, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        float* a = arrays.Start + (long)task * TriadChunk;
        TV scale = TV.Broadcast(0.5f);
        for (float* end = a + TriadChunk; a < end; a += TV.Width)
        {
            TV sum = TV.Load(a + TriadLength);
            TV.Fma(ref sum, scale, TV.Load(a + 2 * TriadLength));
            TV.Store(sum, a);
        }
    }

    private static double MeasureExchange<TV>(int threads)
        where TV : unmanaged, IVector<TV>
    {
        if (threads == 1) return double.NaN;
        using HostMemory memory = new();
        using CpuContext cpu = new(threads, memory);
        cpu.Workspace.Begin((long)threads * ExchangeLength + Workspace.Aligned(threads));
        Arrays arrays = new() { Start = cpu.Workspace.Take((long)threads * ExchangeLength), Sums = cpu.Workspace.Take(threads), Count = threads };
        double[] seconds = new double[Runs];
        for (int i = 0; i < Runs; i++)
        {
            cpu.Run(threads, &Write<TV>, ref arrays);
            seconds[i] = Time(() => cpu.Run(threads, &ReadNext<TV>, ref arrays));
        }

        // Not the best, which may be a run in which a thread was late and another read what it had written itself.
        return sizeof(float) * ExchangeLength / seconds.Order().ElementAt(Runs / 4) / 1e9;
    }

    private static void Write<TV>(ref Arrays arrays, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        float* block = arrays.Start + (long)task * ExchangeLength;
        for (int i = 0; i < ExchangeLength; i += TV.Width) TV.Store(TV.Broadcast(1), block + i);
    }

    private static void ReadNext<TV>(ref Arrays arrays, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        float* block = arrays.Start + (long)((task + 1) % arrays.Count) * ExchangeLength, sum = stackalloc float[TV.Width];
        TV s0 = TV.Zero, s1 = TV.Zero, s2 = TV.Zero, s3 = TV.Zero;
        for (float* end = block + ExchangeLength; block < end; block += 4 * TV.Width)
        {
            s0 += TV.Load(block);
            s1 += TV.Load(block + TV.Width);
            s2 += TV.Load(block + 2 * TV.Width);
            s3 += TV.Load(block + 3 * TV.Width);
        }

        TV.Store(s0 + s1 + s2 + s3, sum);
        arrays.Sums[task] = *sum;
    }

    private static double Best(Action run)
    {
        double best = double.MaxValue;
        for (int i = 0; i < Runs; i++) best = Math.Min(best, Time(run));
        return best;
    }

    private static double Time(Action run)
    {
        long start = Stopwatch.GetTimestamp();
        run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private struct Arrays
    {
        public float* Start;
        public float* Sums;
        public int Count;
    }
}
