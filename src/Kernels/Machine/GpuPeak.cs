using System.Diagnostics;
using ILGPU;

namespace Engine.Kernels;

/// <summary>
/// What a GPU can do at most, measured: the figures that kernels are held against. Drivers do not tell them in one way, and what they tell is no figure that
/// a program reaches.
/// </summary>
internal static class GpuPeak
{
    // Enough threads for the largest devices, and enough work for each that its start is nothing beside it.
    private const int Threads = 1 << 20;
    private const int Chains = 8;
    private const int Rounds = 128;

    // Far larger than any cache.
    private const int StreamLength = 1 << 26;

    private const int Runs = 3;
    private const double LeastSeconds = 0.02;

    /// <summary>Float32 multiply-adds a second on registers alone, in GFLOP/s, a multiply-add counted as two.</summary>
    public static double MeasureGflops(GpuContext gpu, int threads = Threads)
    {
        using GpuBuffer y = gpu.Memory.Rent(threads);
        double seconds = SecondsOf(gpu, () => ForEach.Run(gpu, new MultiplyAdds { A = 0.5f, B = 0.25f, Y = y.Floats }, threads));
        return 2.0 * Chains * Rounds * threads / seconds / 1e9;
    }

    /// <summary>Memory bandwidth of y[i] += s · x[i] over arrays of up to 256 MB, in GB/s, counting x once and y twice.</summary>
    public static double MeasureBandwidth(GpuContext gpu, int length = StreamLength)
    {
        length = (int)Math.Min(length, gpu.Memory.Limit / (8 * sizeof(float)));
        using GpuBuffer x = gpu.Memory.Rent(length), y = gpu.Memory.Rent(length);
        ForEach.Run(gpu, new Filling { Value = 1, Y = x.Floats }, length);
        ForEach.Run(gpu, new Filling { Value = 1, Y = y.Floats }, length);
        double seconds = SecondsOf(gpu, () => ForEach.Run(gpu, new AddScaled.Body { Scale = 1e-3f, X = x.Floats, Y = y.Floats }, length));
        return 3.0 * sizeof(float) * length / seconds / 1e9;
    }

    // Of the best of several runs of as many launches as take long enough for the clock, with one wait for the device at the end of each.
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

    // Eight independent chains hide the latency of a multiply-add; the result is stored so that they are not left out.
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
