using System.Diagnostics;
using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// Measures the most that the processor can do; kernels are compared with these figures. Each is the best of several short runs, because other work on the
/// machine can only slow a run down.
/// </summary>
public static unsafe class MachinePeak
{
    private const int Runs = 12;
    private const int Accumulators = 12;
    private const int FmaRounds = 1_000_000;

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

    private static double Best(Action run)
    {
        double best = double.MaxValue;
        for (int i = 0; i < Runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private struct Arrays
    {
        public float* Start;
    }
}
