using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Engine.Kernels;

/// <summary>The interface through which a GPU is driven.</summary>
public enum GpuInterface
{
    /// <summary>NVIDIA's driver.</summary>
    Cuda,

    /// <summary>Any OpenCL driver.</summary>
    OpenCl,
}

/// <summary>A device that CUDA or OpenCL knows, and why kernels cannot run on it if they cannot.</summary>
/// <param name="Interface">The interface through which it is driven.</param>
/// <param name="Index">Its number among those of the same interface, from 0.</param>
/// <param name="Name">What its driver calls it.</param>
/// <param name="Driver">The platform and its version, or the compute capability.</param>
/// <param name="MemoryBytes">Its memory.</param>
/// <param name="Multiprocessors">Its multiprocessors or compute units.</param>
/// <param name="SharedMemoryBytes">Shared memory of a group.</param>
/// <param name="GroupSize">The most threads of a group.</param>
/// <param name="IsGpu">Whether it is a GPU and not a processor that OpenCL drives.</param>
/// <param name="Refusal">Why it cannot be used; null if it can.</param>
/// <param name="LacksOnlyGenericAddressSpace">Whether it could be used if devices without the generic address space were allowed.</param>
public sealed record GpuDevice(
    GpuInterface Interface, int Index, string Name, string Driver, long MemoryBytes, int Multiprocessors, int SharedMemoryBytes, int GroupSize, bool IsGpu,
    string? Refusal, bool LacksOnlyGenericAddressSpace = false);

/// <summary>Finds and opens GPUs.</summary>
internal static class GpuDevices
{
    // ILGPU asks for libraries by names that only development packages install on Linux. A driver itself installs the name with the version. macOS has OpenCL
    // as a framework.
    static GpuDevices() => NativeLibrary.SetDllImportResolver(
        typeof(Context).Assembly,
        (name, _, _) => name is ("cuda" or "OpenCL") && LibraryOf(name) is { } file && NativeLibrary.TryLoad(file, out nint library) ? library : 0);

    /// <summary>
    /// All devices that the drivers know, including the refused ones. A CUDA driver that fails counts as a refused device. The list is empty if there is no
    /// driver.
    /// </summary>
    public static IReadOnlyList<GpuDevice> List(bool withoutGenericAddressSpace)
    {
        using Context context = CreateContext();
        GpuDevice[] found = [.. Describe(context, withoutGenericAddressSpace).Select(device => device.Description)];
        if (found.Any(device => device.Interface == GpuInterface.Cuda) || CudaProbe.Failure() is not { } failure) return found;
        return [new GpuDevice(GpuInterface.Cuda, 0, "NVIDIA driver", "fails", 0, 0, 0, 0, IsGpu: true, failure), .. found];
    }

    /// <summary>Opens a device.</summary>
    /// <exception cref="EngineException">There is no such device, it is refused, or it cannot be opened.</exception>
    public static GpuContext Open(GpuInterface @interface, int index, bool withoutGenericAddressSpace, long? memoryLimit = null)
    {
        Context context = CreateContext();
        try
        {
            (Device device, GpuDevice description) = Find(Describe(context, withoutGenericAddressSpace), @interface, index);
            if (device is CLDevice cl) AnnounceGenericAddressSpace(cl);
            return new GpuContext(
                context, device.CreateAccelerator(context), $"{NameOf(@interface)} {description.Name}", memoryLimit ?? description.MemoryBytes);
        }
        catch (AcceleratorException failure)
        {
            context.Dispose();
            throw new EngineException(
                $"{NameOf(@interface)} device {index} cannot be opened ({GpuContext.ReasonOf(failure)})", failure)
            {
                DeviceProblem = DeviceProblem.CannotBeOpened,
            };
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    /// <summary>How people write it.</summary>
    public static string NameOf(GpuInterface @interface) => @interface == GpuInterface.Cuda ? "CUDA" : "OpenCL";

    private static string? LibraryOf(string name) =>
        OperatingSystem.IsLinux() ? $"lib{name}.so.1"
        : OperatingSystem.IsMacOS() && name == "OpenCL" ? "/System/Library/Frameworks/OpenCL.framework/OpenCL"
        : null;

    private static Context CreateContext() => Context.Create(builder => builder.Cuda(_ => true).OpenCL(_ => true).Optimize(OptimizationLevel.O2));

    private static (Device Device, GpuDevice Description) Find(
        IReadOnlyList<(Device Device, GpuDevice Description)> all, GpuInterface @interface, int index)
    {
        (Device Device, GpuDevice Description)[] found = [.. all.Where(device => device.Description.Interface == @interface)];
        string name = NameOf(@interface);
        if (index >= found.Length)
        {
            string? failure = found.Length == 0 && @interface == GpuInterface.Cuda ? CudaProbe.Failure() : null;
            string message = failure is not null ? $"no {name} device can be used: its driver is there, but {failure}"
                : found.Length == 0 ? $"no {name} device was found: its driver may not be installed"
                : $"there is no {name} device {index}: the last is {found.Length - 1}";
            throw new EngineException(message) { DeviceProblem = DeviceProblem.NotFound };
        }

        GpuDevice chosen = found[index].Description;
        if (chosen.Refusal is null) return found[index];
        throw new EngineException($"{name} device {index}, {chosen.Name}, cannot be used: {chosen.Refusal}")
        {
            DeviceProblem = chosen.LacksOnlyGenericAddressSpace ? DeviceProblem.NoGenericAddressSpace : DeviceProblem.Unsuitable,
        };
    }

    private static List<(Device Device, GpuDevice Description)> Describe(Context context, bool withoutGenericAddressSpace)
    {
        List<(Device, GpuDevice)> all = [];
        foreach (CudaDevice device in context.GetCudaDevices())
        {
            all.Add((device, new GpuDevice(
                GpuInterface.Cuda, all.Count, device.Name, $"compute capability {device.Architecture?.Major}.{device.Architecture?.Minor}",
                device.MemorySize, device.NumMultiprocessors, device.MaxSharedMemoryPerGroup, device.MaxNumThreadsPerGroup, true, RefusalOf(device))));
        }

        int first = all.Count;
        foreach (CLDevice device in context.GetCLDevices())
        {
            bool lacksOnlyAddressSpace = RefusalOf(device) is null && !device.Capabilities.GenericAddressSpace && !withoutGenericAddressSpace;
            all.Add((device, new GpuDevice(
                GpuInterface.OpenCl, all.Count - first, device.Name, $"{device.PlatformName}, {device.DeviceVersion}", device.MemorySize,
                device.NumMultiprocessors, device.MaxSharedMemoryPerGroup, device.MaxNumThreadsPerGroup,
                device.DeviceType.HasFlag(CLDeviceType.CL_DEVICE_TYPE_GPU),
                lacksOnlyAddressSpace ? "it does not announce the generic address space, an optional part of OpenCL 3" : RefusalOf(device),
                lacksOnlyAddressSpace)));
        }

        return all;
    }

    /// <summary>Why a card of this compute capability cannot be used; null if it can.</summary>
    /// <param name="capability">Its compute capability, if ILGPU knows it.</param>
    /// <param name="driverCompiles">Whether ILGPU knows PTX that its driver can compile.</param>
    /// <param name="driver">The version of the driver.</param>
    internal static string? RefusalOf(CudaArchitecture? capability, bool driverCompiles, string driver) =>
        capability is not { } known || known < CudaArchitecture.SM_60
            ? $"it has compute capability {(capability is { } old ? $"{old.Major}.{old.Minor}" : "unknown")}, and 6.0 is needed"
        : !driverCompiles ? $"its driver ({driver}) is too old for compute capability {known.Major}.{known.Minor}; update it"
        : null;

    /// <summary>Why an OpenCL device of this version cannot be used; null if it can.</summary>
    internal static string? RefusalOf(string platform, CLDeviceVersion version) =>
        version >= CLDeviceVersion.CL20 ? null
        : platform.Contains("Apple", StringComparison.OrdinalIgnoreCase)
            ? $"Apple's drivers end at {version}, and OpenCL 2.0 is needed; the processor is used instead"
        : $"it has {version}, and OpenCL 2.0 is needed; a newer driver may have it";

    private static string? RefusalOf(CudaDevice device) =>
        RefusalOf(device.Architecture, device.InstructionSet is not null, $"CUDA {device.DriverVersion}") ?? RefusalOf((Device)device);

    private static string? RefusalOf(CLDevice device) => RefusalOf(device.PlatformName, device.DeviceVersion) ?? RefusalOf((Device)device);

    private static string? RefusalOf(Device device) =>
        device.MaxNumThreadsPerGroup < GpuContext.GroupSize ? $"its groups have {device.MaxNumThreadsPerGroup} threads, and {GpuContext.GroupSize} are needed"
        : device.MaxSharedMemoryPerGroup < GpuContext.SharedMemoryNeeded
            ? $"its groups have {device.MaxSharedMemoryPerGroup / 1024} KiB of shared memory, and {GpuContext.SharedMemoryNeeded / 1024} are needed"
        : null;

    // ILGPU refuses to open a device that does not announce the generic address space. Kernels never use it unless they have pointers that may point to either
    // kind of memory. The announcement has no public setter.
    private static void AnnounceGenericAddressSpace(CLDevice device) =>
        device.Capabilities.GetType().GetProperty(nameof(device.Capabilities.GenericAddressSpace))!.GetSetMethod(nonPublic: true)!
            .Invoke(device.Capabilities, [true]);
}
