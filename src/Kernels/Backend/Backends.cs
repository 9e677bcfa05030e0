using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>Where backends come from.</summary>
public static class Backends
{
    /// <summary>The most threads a backend takes.</summary>
    public const int MaxThreads = WorkerPool.MaxThreads;

    /// <summary>The definitions: slow, and the oracle of the others.</summary>
    public static IBackend CreateReference() => new ReferenceBackend();

    /// <summary>The SIMD kernels. Without arguments: every processor, the widest registers there are.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number of threads is not between 1 and <see cref="MaxThreads"/>.</exception>
    public static IBackend CreateCpu(int? threads = null, VectorWidth? width = null)
    {
        int team = threads ?? Math.Min(Environment.ProcessorCount, MaxThreads);
        return (width ?? VectorSupport.Widest) switch
        {
            VectorWidth.Bits512 => new CpuBackend<V512>(team),
            VectorWidth.Bits256 => new CpuBackend<V256>(team),
            VectorWidth.Bits128 => new CpuBackend<V128>(team),
            _ => new CpuBackend<V1>(team),
        };
    }

    /// <summary>Everything that CUDA's and OpenCL's drivers know, the devices that cannot be used included; nothing where there are no drivers.</summary>
    /// <param name="withoutGenericAddressSpace">Whether OpenCL devices that do not announce the generic address space are tried nevertheless.</param>
    public static IReadOnlyList<GpuDevice> ListGpus(bool withoutGenericAddressSpace = false) => GpuDevices.List(withoutGenericAddressSpace);

    /// <summary>The kernels on a GPU; compiled when they are first used.</summary>
    /// <exception cref="EngineException">There is no such device, or it cannot be used.</exception>
    public static IBackend CreateGpu(GpuInterface @interface, int index = 0, bool withoutGenericAddressSpace = false) =>
        new GpuBackend(GpuDevices.Open(@interface, index, withoutGenericAddressSpace));
}
