using Engine.Kernels;
using Engine.Kernels.Simd;
using ILGPU.Runtime;

namespace Engine.Bench.Report;

/// <summary>What is measured: the processor with some number of threads and a vector width, or a GPU.</summary>
internal sealed class Machine
{
    private readonly GpuContext? _gpu;
    private readonly Func<IBackend, IBackend> _wrap;

    private Machine(int threads, VectorWidth width, GpuContext? gpu, Func<IBackend, IBackend>? wrap = null) =>
        (Threads, Width, _gpu, _wrap) = (threads, width, gpu, wrap ?? (backend => backend));

    /// <summary>The processor's threads, which beside a GPU are what peers and checks use.</summary>
    public int Threads { get; }

    /// <summary>The processor's vectors.</summary>
    public VectorWidth Width { get; }

    /// <summary>The GPU's name; null for the processor.</summary>
    public string? Gpu => _gpu?.Name;

    /// <summary>Whether it is a GPU that PyTorch drives as well.</summary>
    public bool IsCuda => _gpu?.Accelerator.AcceleratorType == AcceleratorType.Cuda;

    /// <summary>Float32 multiply-adds a second at most, measured now, in GFLOP/s.</summary>
    public double MeasureGflops() => _gpu is null ? MachinePeak.MeasureGflops(Threads, Width) : GpuPeak.MeasureGflops(_gpu);

    /// <summary>Memory bandwidth, measured now, in GB/s.</summary>
    public double MeasureBandwidth() => _gpu is null ? MachinePeak.MeasureBandwidth(Threads, Width) : GpuPeak.MeasureBandwidth(_gpu);

    /// <summary>How fast a thread reads what another wrote, measured now, in GB/s; null for a GPU and for one thread.</summary>
    public double? MeasureExchange() => _gpu is null && Threads > 1 ? MachinePeak.MeasureExchange(Threads, Width) : null;

    /// <summary>The processor. Each backend on it may be wrapped into another that looks on.</summary>
    public static Machine OfProcessor(int threads, VectorWidth width, Func<IBackend, IBackend>? wrap = null) => new(threads, width, null, wrap);

    /// <summary>An open GPU, which stays open.</summary>
    public static Machine OfGpu(GpuContext gpu, int threads) => new(threads, VectorSupport.Widest, gpu);

    /// <summary>Another backend on it; on the processor perhaps of one thread.</summary>
    public IBackend Open(int? threads = null) =>
        _wrap(_gpu is null ? Backends.CreateCpu(threads ?? Threads, Width) : new GpuBackend(_gpu, keepOpen: true));
}
