using System.Diagnostics;
using ILGPU;

namespace Engine.Kernels;

/// <summary>
/// Measures the most that a GPU can do; kernels are compared with these figures. Drivers report such figures in different ways, and programs do not reach them.
/// </summary>
internal static class GpuPeak
{
    // Enough threads for the largest devices, and enough work for each that starting it takes no noticeable time.
    private const int Threads = 1 << 20;
    private const int Chains = 8;
    private const int Rounds = 128;

    // Far larger than any cache.
    private const int StreamLength = 1 << 26;

    private const int Runs = 3;
    private const double LeastSeconds = 0.02;

    /// <summary>Float32 multiply-adds per second on registers alone, in GFLOP/s; a multiply-add counts as two operations.</summary>
    public static double MeasureGflops(GpuContext gpu, int threads = Threads)
    {
        using GpuBuffer y = gpu.Memory.Rent(threads);
        double seconds = SecondsOf(gpu, () => ForEach.Run(gpu, new MultiplyAdds { A = 0.5f, B = 0.25f, Y = y.Floats }, threads));
        return 2.0 * Chains * Rounds * threads / seconds / 1e9;
    }

    /// <summary>Memory bandwidth of y[i] += s · x[i] over arrays of up to 256 MB, in GB/s, which counts x once and y twice.</summary>
    public static double MeasureBandwidth(GpuContext gpu, int length = StreamLength)
    {
        length = (int)Math.Min(length, gpu.Memory.Limit / (8 * sizeof(float)));
        using GpuBuffer x = gpu.Memory.Rent(length), y = gpu.Memory.Rent(length);
        ForEach.Run(gpu, new Filling { Value = 1, Y = x.Floats }, length);
        ForEach.Run(gpu, new Filling { Value = 1, Y = y.Floats }, length);
        double seconds = SecondsOf(gpu, () => ForEach.Run(gpu, new AddScaled.Body { Scale = 1e-3f, X = x.Floats, Y = y.Floats }, length));
        return 3.0 * sizeof(float) * length / seconds / 1e9;
    }

    // The time of one launch in the best of several runs. A run makes enough launches for the clock and waits for the device once, at its end.
    private static double SecondsOf(GpuContext gpu, Action launch)
    {
        int launches = 1;
        double Run()
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < launches; i++) launch();
            gpu.Synchronize();
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        // The first one compiles.
        Run();
        while (Run() < LeastSeconds) launches *= 2;
        return Enumerable.Range(0, Runs).Min(_ => Run()) / launches;
    }

    // Eight independent chains hide the latency of a multiply-add; the result is stored so that the compiler keeps them.
    internal struct MultiplyAdds : IGpuBody
    {
        public float A;
        public float B;
        public ArrayView<float> Y;

        public readonly void Run(int i)
        {
            float c0 = i, c1 = c0 + 1, c2 = c0 + 2, c3 = c0 + 3, c4 = c0 + 4, c5 = c0 + 5, c6 = c0 + 6, c7 = c0 + 7;
            for (int round = 0; round < Rounds; round++)
            {
                c0 = c0 * A + B;
                c1 = c1 * A + B;
                c2 = c2 * A + B;
                c3 = c3 * A + B;
                c4 = c4 * A + B;
                c5 = c5 * A + B;
                c6 = c6 * A + B;
                c7 = c7 * A + B;
            }

            Y[i] = c0 + c1 + c2 + c3 + (c4 + c5 + c6 + c7);
        }
    }
}
