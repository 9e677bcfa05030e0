using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>Creates backends.</summary>
public static class Backends
{
    /// <summary>The most threads a backend takes.</summary>
    public const int MaxThreads = WorkerPool.MaxThreads;

    /// <summary>The definitions. They are slow; the other backends are tested against them.</summary>
    public static IBackend CreateReference() => new ReferenceBackend();

    /// <summary>The SIMD kernels. Without arguments they use all processors and the widest registers.</summary>
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

    /// <summary>All devices that the CUDA and OpenCL drivers know, including those that cannot be used. The list is empty if there is no driver.</summary>
    /// <param name="withoutGenericAddressSpace">Whether OpenCL devices that do not announce the generic address space are used all the same.</param>
    public static IReadOnlyList<GpuDevice> ListGpus(bool withoutGenericAddressSpace = false) => GpuDevices.List(withoutGenericAddressSpace);

    /// <summary>The kernels on a GPU. They are compiled when they are first used.</summary>
    /// <exception cref="EngineException">There is no such device, or it cannot be used.</exception>
    public static IBackend CreateGpu(GpuInterface @interface, int index = 0, bool withoutGenericAddressSpace = false) =>
        new GpuBackend(GpuDevices.Open(@interface, index, withoutGenericAddressSpace));
}
