using Engine.Kernels;

namespace Engine.Svd.Tests;

/// <summary>The GPUs that tests run on: the first that CUDA has, and the first that OpenCL has, without the generic address space if need be.</summary>
internal static class Gpu
{
    public const string Cuda = "cuda";
    public const string OpenCl = "opencl";

    private static readonly IReadOnlyList<GpuDevice> Found = Backends.ListGpus(withoutGenericAddressSpace: true);

    /// <summary>Those that there are here, as the command line calls them.</summary>
    public static IEnumerable<string> Present => new[] { Cuda, OpenCl }.Where(device => Find(device) is not null);

    public static IBackend Open(string device) => new GpuBackend(OpenAnew(device));

    /// <summary>The device itself, opened another time.</summary>
    public static GpuContext OpenAnew(string device) => GpuDevices.Open(InterfaceOf(device), Find(device)!.Index, withoutGenericAddressSpace: true);

    /// <summary>Why there is no such device here; null if there is.</summary>
    public static string? WhyAbsent(string device) => Find(device) is null ? $"needs a device that --device {device} can use" : null;

    /// <summary>Whether CUDA is the stand-in driver, which runs GPU code on the processor.</summary>
    public static bool IsStandIn => Find(Cuda)?.Name.StartsWith("stand-in", StringComparison.Ordinal) == true;

    private static GpuInterface InterfaceOf(string device) => device == Cuda ? GpuInterface.Cuda : GpuInterface.OpenCl;

    private static GpuDevice? Find(string device) => Found.FirstOrDefault(gpu => gpu.Interface == InterfaceOf(device) && gpu.Refusal is null);
}

/// <summary>A fact on a GPU, and skipped, saying so, where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GpuFactAttribute : FactAttribute
{
    public GpuFactAttribute(string device) => Skip = Gpu.WhyAbsent(device);
}

/// <summary>A fact about the stand-in CUDA driver, and skipped, saying so, where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class StandInFactAttribute : FactAttribute
{
    public StandInFactAttribute() => Skip = Gpu.IsStandIn ? null : "needs the stand-in CUDA driver; test.sh builds it";
}
