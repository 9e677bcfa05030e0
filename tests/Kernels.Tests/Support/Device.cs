using System.Reflection;
using Engine.Kernels.Simd;
using Xunit.Sdk;

namespace Engine.Kernels.Tests;

/// <summary>
/// A backend that tests run on. The runtime emulates the vector widths that the processor lacks. This is slower, but they are tested as well.
/// </summary>
public enum Device
{
    Reference,
    Cpu512,
    Cpu256,
    Cpu128,
    CpuScalar,
    Cuda,
    SecondCuda,
    OpenCl,
}

/// <summary>The backends as theory data, so that one test body serves them all.</summary>
internal static class Devices
{
    /// <summary>Every vector width.</summary>
    public static IEnumerable<Device> Cpu => [Device.Cpu512, Device.Cpu256, Device.Cpu128, Device.CpuScalar];

    /// <summary>Every vector width, the definitions, and the GPUs that there are.</summary>
    public static IEnumerable<Device> All => [Device.Reference, .. Cpu, .. TestGpus.Present];

    /// <summary>Opens the backend; only those on the processor's vector units have as many threads as asked.</summary>
    public static IBackend Open(this Device device, int threads = 2) => device switch
    {
        Device.Reference => Backends.CreateReference(),
        Device.Cuda or Device.SecondCuda or Device.OpenCl => TestGpus.Open(device),
        Device.Cpu512 => Backends.CreateCpu(threads, VectorWidth.Bits512),
        Device.Cpu256 => Backends.CreateCpu(threads, VectorWidth.Bits256),
        Device.Cpu128 => Backends.CreateCpu(threads, VectorWidth.Bits128),
        _ => Backends.CreateCpu(threads, VectorWidth.Scalar),
    };
}

/// <summary>Runs a theory whose only argument is the device on every backend.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class EveryDeviceAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        Devices.All.Select(device => new object[] { device });
}

/// <summary>Runs a theory whose only argument is the device on every vector width.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class EveryWidthAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        Devices.Cpu.Select(device => new object[] { device });
}
