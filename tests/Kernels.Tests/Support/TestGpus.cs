namespace Engine.Kernels.Tests;

/// <summary>
/// The GPUs that tests run on: the first two devices that CUDA has, and the first that OpenCL has, even if it is a processor or lacks the generic address
/// space. The stand-in driver in <c>tests/CudaStandIn</c> has two CUDA devices, of which the second contracts multiplications and additions. Each is opened
/// once by each thread that runs tests, since kernels are compiled for an open device, which one thread drives.
/// </summary>
internal static class TestGpus
{
    private static readonly IReadOnlyList<GpuDevice> Found = Backends.ListGpus(withoutGenericAddressSpace: true);

    [ThreadStatic]
    private static Dictionary<Device, GpuContext>? opened;

    /// <summary>Those that there are here.</summary>
    public static IEnumerable<Device> Present => new[] { Device.Cuda, Device.SecondCuda, Device.OpenCl }.Where(gpu => Find(gpu) is not null);

    /// <summary>Why CUDA is not the stand-in driver; null if it is.</summary>
    public static string? WhyNotStandIn =>
        Find(Device.Cuda)?.Name.StartsWith("stand-in", StringComparison.Ordinal) == true ? null : "needs the stand-in CUDA driver; test.sh builds it";

    /// <summary>A backend on a device that stays open.</summary>
    public static IBackend Open(Device gpu)
    {
        opened ??= [];
        if (!opened.TryGetValue(gpu, out GpuContext? context)) opened[gpu] = context = OpenAnew(gpu);
        return new GpuBackend(context, keepOpen: true);
    }

    /// <summary>The device opened another time, with no more memory than this.</summary>
    public static GpuContext OpenAnew(Device gpu, long? memoryLimit = null) =>
        GpuDevices.Open(InterfaceOf(gpu), Find(gpu)!.Index, withoutGenericAddressSpace: true, memoryLimit);

    /// <summary>Why there is no such device here; null if there is.</summary>
    public static string? WhyAbsent(Device gpu) => Find(gpu) is null ? $"needs a device that {GpuDevices.NameOf(InterfaceOf(gpu))} can use" : null;

    private static GpuInterface InterfaceOf(Device gpu) => gpu == Device.OpenCl ? GpuInterface.OpenCl : GpuInterface.Cuda;

    private static GpuDevice? Find(Device gpu) =>
        Found.Where(device => device.Interface == InterfaceOf(gpu) && device.Refusal is null).ElementAtOrDefault(gpu == Device.SecondCuda ? 1 : 0);
}

/// <summary>A fact on a GPU, and skipped, saying so, where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GpuFactAttribute : FactAttribute
{
    public GpuFactAttribute(Device gpu) => Skip = TestGpus.WhyAbsent(gpu);
}

/// <summary>A fact about the stand-in CUDA driver, and skipped, saying so, where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class StandInFactAttribute : FactAttribute
{
    public StandInFactAttribute() => Skip = TestGpus.WhyNotStandIn;
}
