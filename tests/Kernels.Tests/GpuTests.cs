using System.Reflection;
using System.Text.RegularExpressions;
using Engine.Tests;
using ILGPU;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using Group = ILGPU.Group;

namespace Engine.Kernels.Tests;

/// <summary>
/// Tests that concern only GPUs: threads, barriers and bounds in ILGPU's CPU accelerator, the code for devices that are not here, memory, failures. The tests
/// of all backends tell whether the kernels compute the right thing on the GPUs of this machine.
/// </summary>
public sealed partial class GpuTests : IDisposable
{
    // The oldest, and the newest that ILGPU makes PTX for.
    private static readonly CudaArchitecture[] Architectures = [CudaArchitecture.SM_60, CudaArchitecture.SM_80];

    private readonly GpuContext _emulated = Emulate();

    public void Dispose() => _emulated.Dispose();

    [GpuFact(Device.Cuda)]
    public void CudaIsTested() => Assert.Contains(Device.Cuda, Devices.All);

    [GpuFact(Device.OpenCl)]
    public void OpenClIsTested() => Assert.Contains(Device.OpenCl, Devices.All);

    /// <summary>
    /// Runs a tiny case of every operation on an accelerator where every GPU thread is a thread of the processor, barriers really wait, and an access outside a
    /// view fails. Then compiles every kernel to PTX for an old and a new architecture. It must keep everything in registers and need no more shared
    /// memory than every device has.
    /// </summary>
    [Fact]
    public void EveryKernelMindsItsBoundsAndFitsEveryDevice()
    {
        using GpuBackend backend = new(_emulated, keepOpen: true);
        foreach (OpCase op in TinyCases()) op.AssertExpected(op.Run(backend, op.RandomInputs()), backend.Name);

        Assert.True(GpuPeak.MeasureGflops(_emulated, threads: 1) > 0 && GpuPeak.MeasureBandwidth(_emulated, length: 1) > 0);
        Assert.Equal([], PtxFaults(GpuKernels.All.Select(kernel => kernel.Method)));

        // A kernel for each struct of the library that says what one is to do.
        Assert.Empty(GpuKernels.Bodies.Except(_emulated.Kernels.SelectMany(kernel => kernel.Method.GetGenericArguments())));
    }

    /// <summary>What the check of the PTX is there for, it finds, on both architectures.</summary>
    [Fact]
    public void BadPtxIsFound()
    {
        foreach ((Action<ArrayView<float>> kernel, string expected) in ((Action<ArrayView<float>>, string)[])
            [(Spilling, "local memory"), (Doubling, "double precision"), (Sharing, "50176 bytes of shared memory")])
        {
            Assert.Equal(Architectures.Select(architecture => (architecture, $"{kernel.Method}", expected)), PtxFaults([kernel.Method]));
        }
    }

    /// <summary>Neither the kernels' arguments nor ILGPU's launchers take memory from the managed heap.</summary>
    [GpuFact(Device.OpenCl)]
    public void AllocatesNothingOnceWarm()
    {
        const int Calls = 10, Attempts = 5;
        using IBackend backend = TestGpus.Open(Device.OpenCl);
        foreach (OpCase op in TinyCases())
        {
            DeviceBuffer[] buffers = [.. op.Spec.Operands.Select(operand => backend.Allocate(operand.Length))];
            View[] views = [.. buffers.Select(buffer => buffer.All)];
            long least = long.MaxValue;
            for (int attempt = 0; attempt < Attempts && least != 0; attempt++)
            {
                op.Spec.Run(backend, views);
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int call = 0; call < Calls; call++) op.Spec.Run(backend, views);
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            Assert.True(least == 0, $"{op} allocated {least} bytes in {Calls} calls");
            foreach (DeviceBuffer buffer in buffers) buffer.Dispose();
        }
    }

    [Fact]
    public void GivesTheSameBufferBack()
    {
        GpuMemory memory = _emulated.Memory;
        GpuBuffer first = memory.Rent(100);
        long allocated = memory.BytesAllocated;
        first.Dispose();
        Assert.Throws<ObjectDisposedException>(first.Dispose);
        using GpuBuffer second = memory.Rent(101);
        Assert.Same(first, second);
        Assert.Equal((101, 1, allocated), (second.Length, memory.Outstanding, memory.BytesAllocated));
        using GpuBuffer third = memory.Rent(101);
        Assert.NotSame(second, third);
    }

    [Fact]
    public void SaysHowMuchMemoryWasNeeded()
    {
        using GpuContext small = Emulate(memoryLimit: 3 << 20);
        GpuBuffer half = small.Memory.Rent(1 << 19);
        Failure.Says(() => small.Memory.Rent(1 << 19), small.Name, "not have enough memory", "4 MiB were needed", "it has 3 MiB");
        half.Dispose();

        // Free buffers in the pool make room.
        small.Memory.Rent(3 << 18).Dispose();
    }

    [Fact]
    public void NamesAKernelThatCannotBeCompiled() =>
        Failure.Says(
            () => _emulated.Launch(Impossible, new Index3D(1, 1, 1), 5), _emulated.Name, "GpuTests.Impossible", "cannot be compiled", "another device");

    /// <summary>The queue of commands goes away under the engine, as when a device is lost: the driver refuses every call from then on.</summary>
    [GpuFact(Device.OpenCl)]
    public void SaysThatADeviceFails()
    {
        using GpuContext gpu = TestGpus.OpenAnew(Device.OpenCl);
        using GpuBackend backend = new(gpu, keepOpen: true);
        using DeviceBuffer buffer = backend.Allocate(1000);
        backend.Run(new FillOp(1, buffer.All));
        gpu.Accelerator.DefaultStream.Dispose();
        foreach (Action call in (Action[])
            [
                () => backend.Run(new FillOp(2, buffer.All)), () => backend.Upload(new float[1000], buffer.All),
                () => backend.Download(buffer.All, new float[1000]), backend.Synchronize,
            ])
        {
            Failure.Says(call, gpu.Name, "failed (OpenCL error CL_INVALID_COMMAND_QUEUE)");
        }
    }

    /// <summary>Every reason that a driver's description of a device gives has its own line.</summary>
    [Fact]
    public void SaysWhyADeviceIsRefused()
    {
        Assert.Null(GpuDevices.RefusalOf(CudaArchitecture.SM_60, driverCompiles: true, "CUDA 11.8"));
        Assert.Equal("it has compute capability 5.2, and 6.0 is needed", GpuDevices.RefusalOf(CudaArchitecture.SM_52, driverCompiles: true, "CUDA 11.8"));
        Assert.Equal("it has compute capability unknown, and 6.0 is needed", GpuDevices.RefusalOf((CudaArchitecture?)null, driverCompiles: true, "CUDA 11.8"));
        Assert.Equal(
            "its driver (CUDA 9.0) is too old for compute capability 9.0; update it",
            GpuDevices.RefusalOf(CudaArchitecture.SM_90, driverCompiles: false, "CUDA 9.0"));
        Assert.Null(GpuDevices.RefusalOf("NVIDIA CUDA", CLDeviceVersion.CL30));
        Assert.Contains("Apple's drivers end at", GpuDevices.RefusalOf("Apple", CLDeviceVersion.CL12), StringComparison.Ordinal);
        Assert.Contains("OpenCL 2.0 is needed; a newer driver", GpuDevices.RefusalOf("Clover", CLDeviceVersion.CL11), StringComparison.Ordinal);
    }

    [Fact]
    public void DivisorsDivide()
    {
        Random random = new(3);
        int[] numbers = [0, 1, 2, 3, 6, 7, 1000, int.MaxValue - 1, int.MaxValue, .. Enumerable.Range(0, 2000).Select(_ => random.Next())];
        foreach (int by in (int[])[1, 2, 3, 5, 7, 64, 641, 65535, 65536, 65537, 1 << 30, int.MaxValue - 1, int.MaxValue])
        {
            Divisor divisor = new(by);
            foreach (int number in numbers)
            {
                Assert.Equal(number / by, divisor.Divide(number, out int remainder));
                Assert.Equal(number % by, remainder);
            }
        }
    }

    /// <summary>A million ones beside ten millions: float32 alone would lose them all.</summary>
    [Fact]
    public void CompensatedSumsLoseNothing()
    {
        CompensatedSum sum = default;
        sum.Add(3e7f);
        for (int i = 0; i < 1_000_000; i++) sum.Add(1);
        CompensatedSum other = default;
        other.Add(-3e7f);
        sum.Add(other);
        Assert.Equal(1_000_000, sum.Value);
    }

    // The smallest case of every operation that is not trivial. For operations that work in tiles and pieces, also a case with edges that fill no tile, with
    // pieces to be added up, and with outputs that no tap reaches.
    private static IEnumerable<OpCase> TinyCases()
    {
        Conv2dShape conv = new(2, 2, 5, 6, 3, 2, 3, strideH: 2, strideW: 1, padH: 1, padW: 2, dilationH: 2, dilationW: 1);
        ConvTranspose2dShape transposed = new(2, 2, 2, 3, 3, 2, 2, strideH: 3, strideW: 2, padH: 1, padW: 0);
        ConvMaxPool2dShape pooled = new(new Conv2dShape(1, 2, 5, 6, 2, 2, 2), 2, 3, 2, 1);
        DenseShape dense = new(2, 600, 3);
        var smallest = Ops.ByName.Values.GroupBy(op => op.Spec.Name)
            .Select(cases => cases.OrderBy(op => op.Spec.Bytes).FirstOrDefault(op => op.Inputs.Any(length => length > 4)) ?? cases.First());
        return
        [
            .. smallest, .. Ops.Pointwise(5), Ops.Conv2d(conv, bias: true, Activation.Elu), Ops.Conv2dBackwardData(conv),
            Ops.Conv2dBackwardFilter(conv, bias: true),
            Ops.ConvTranspose2d(transposed, bias: true), Ops.ConvTranspose2dBackwardData(transposed),
            Ops.ConvTranspose2dBackwardFilter(transposed, bias: true), Ops.Dense(dense, bias: true), Ops.DenseBackwardData(dense),
            Ops.DenseBackwardFilter(dense, bias: true), Ops.BatchNorm(new(2, 3, 4)), Ops.BatchNormTrain(new(2, 3, 4)), Ops.BatchNormBackward(new(2, 3, 4)),
            Ops.MaxPool2d(pooled.Pool), Ops.MaxPool2dBackward(pooled.Pool), Ops.ConvMaxPool2d(pooled, bias: true),
            Ops.ConvMaxPool2dBackwardData(pooled), Ops.ConvMaxPool2dBackwardFilter(pooled, bias: true), Ops.Pad2d(new(2, 4, 5, 3, 2)),
            Ops.Pad2d(new(2, 4, 5, 5, 6, 1, -2)), Ops.Transpose(new(3, 5)), Ops.RealFft(new(2, 16, 5, 9)),
            Ops.SumOver(Axes.Of(3, 1), Axes.Of(3, 70)),
        ];
    }

    // Kernels whose PTX shows one of the faults, by architecture. PTX does not assign registers yet, so what the driver spills is told by ptxas alone. What
    // is found here is a thread's own array that was not resolved into registers.
    private static List<(CudaArchitecture Architecture, string Kernel, string Fault)> PtxFaults(IEnumerable<MethodInfo> kernels)
    {
        const int MostSharedBytes = 48 * 1024;
        List<(CudaArchitecture, string, string)> faults = [];
        MethodInfo[] methods = [.. kernels];
        foreach (CudaArchitecture architecture in Architectures)
        {
            foreach ((MethodInfo method, string code) in methods.Zip(GpuKernels.Ptx(architecture, methods)))
            {
                Assert.Contains(".entry", code, StringComparison.Ordinal);
                int shared = SharedArrays().Matches(code).Sum(match => int.Parse(match.Groups[1].Value));
                string[] found =
                [
                    .. code.Contains(".local", StringComparison.Ordinal) ? ["local memory"] : Array.Empty<string>(),
                    .. code.Contains(".f64", StringComparison.Ordinal) ? ["double precision"] : Array.Empty<string>(),
                    .. shared > MostSharedBytes ? [$"{shared} bytes of shared memory"] : Array.Empty<string>(),
                ];
                faults.AddRange(found.Select(fault => (architecture, $"{method}", fault)));
            }
        }

        return faults;
    }

    // An array with an index that is known only at run time.
    private static void Spilling(ArrayView<float> y)
    {
        ArrayView<float> own = LocalMemory.Allocate<float>(64);
        for (int i = 0; i < 64; i++) own[i] = y[i];
        y[0] = own[Group.IdxX % 64];
    }

    private static void Doubling(ArrayView<float> y) => y[0] = (float)(y[1] * 0.1);

    private static void Sharing(ArrayView<float> y)
    {
        ArrayView<float> first = SharedMemory.Allocate<float>(24 * 256), second = SharedMemory.Allocate<float>(25 * 256);
        first[Group.IdxX] = y[0];
        second[Group.IdxX] = y[1];
        Group.Barrier();
        y[2] = first[0] + second[0];
    }

    private static void Impossible(int number) => Console.WriteLine(number);

    private static GpuContext Emulate(long memoryLimit = long.MaxValue)
    {
        Context context = Context.Create(builder => builder.CPU(CPUDevice.Nvidia));
        return new GpuContext(
            context, context.GetCPUDevice(0).CreateCPUAccelerator(context, CPUAcceleratorMode.Parallel), "ILGPU's CPU accelerator", memoryLimit);
    }

    [GeneratedRegex(@"\.shared[^;]*\[(\d+)\]")]
    private static partial Regex SharedArrays();
}
