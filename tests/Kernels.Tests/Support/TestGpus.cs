namespace Engine.Kernels.Tests;

/// <summary>
/// The GPUs that tests run on: the first CUDA device and the first OpenCL device, even if it is a processor or lacks the generic address space. Each thread
/// that runs tests opens a device once, because kernels are compiled for an open device and one thread must drive it.
/// </summary>
internal static class TestGpus
{
    private static readonly IReadOnlyList<GpuDevice> Found = Backends.ListGpus(withoutGenericAddressSpace: true);

    [ThreadStatic]
    private static Dictionary<Device, GpuContext>? opened;

    /// <summary>Those that there are here.</summary>
    public static IEnumerable<Device> Present => new[] { Device.Cuda, Device.OpenCl }.Where(gpu => Find(gpu) is not null);

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

    private static GpuInterface InterfaceOf(Device gpu) => gpu == Device.Cuda ? GpuInterface.Cuda : GpuInterface.OpenCl;

    private static GpuDevice? Find(Device gpu) => Found.FirstOrDefault(device => device.Interface == InterfaceOf(gpu) && device.Refusal is null);
}

/// <summary>A fact on a GPU, and skipped, saying so, where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GpuFactAttribute : FactAttribute
{
    public GpuFactAttribute(Device gpu) => Skip = TestGpus.WhyAbsent(gpu);
}
