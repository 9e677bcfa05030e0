using System.Runtime.InteropServices;
using Engine.Tests;
using ILGPU;
using ILGPU.Runtime.Cuda;
using Xunit.Abstractions;

namespace Engine.Kernels.Tests;

/// <summary>
/// The stand-in CUDA driver finds what it is there to find: each test has a kernel with one fault, or takes a barrier from a kernel of the engine. A device
/// that failed stays unusable, so each opens one of its own.
/// </summary>
public sealed partial class StandInTests(ITestOutputHelper output)
{
    private const int Length = 2 * GpuContext.GroupSize;

    [StandInFact]
    public void ASoundKernelRuns()
    {
        using GpuContext gpu = TestGpus.OpenAnew(Device.Cuda);
        using GpuBuffer y = gpu.Memory.Rent(Length);
        gpu.Launch(Reverse, new Index3D(2, 1, 1), y.Floats);
        float[] actual = new float[Length];
        gpu.Download(y.Floats, actual);
        Assert.Equal(Enumerable.Range(0, Length).Select(i => (float)(GpuContext.GroupSize - 1 - i % GpuContext.GroupSize)), actual);
    }

    [StandInFact]
    public void FindsRacesInSharedMemory()
    {
        AssertFault("a race of", ReadsAnothersWrite);
        AssertFault("a race of", WritesWhatAnotherRead);
        AssertFault("a race of two writes", BothWriteShared);
    }

    [StandInFact]
    public void FindsRacesInGlobalMemory()
    {
        AssertFault("a race of two writes", BothWriteGlobal);
        AssertFault("a race of a read after a write", ReadsWhatAnotherGroupWrote);
    }

    [StandInFact]
    public void FindsBarriersThatNotAllThreadsMeet()
    {
        AssertFault("wait at barrier", HalfWait);
        AssertFault("wait at barriers", WaitApart);
    }

    [StandInFact]
    public void FindsAccessesOutOfBounds()
    {
        AssertFault("outside every allocation", ReadsBehind);
        AssertFault("outside every allocation", WritesBefore);
        AssertFault("outside shared memory", WritesBehindShared);
    }

    /// <summary>ILGPU takes pairs apart where it does not know that they are aligned, so this is PTX written by hand.</summary>
    [StandInFact]
    public void FindsMisalignedAccesses()
    {
        using GpuContext gpu = TestGpus.OpenAnew(Device.Cuda);
        Assert.Equal("no error", Launch(gpu, "ld.shared.v2.f32 {%f1, %f2}, [%rd1+8];", 0));
        Assert.Contains("misaligned access to shared memory", Launch(gpu, "ld.shared.v2.f32 {%f1, %f2}, [%rd1+4];", 0), StringComparison.Ordinal);
        using GpuContext other = TestGpus.OpenAnew(Device.Cuda);
        using GpuBuffer x = other.Memory.Rent(Length);
        nint start = ILGPU.Runtime.ArrayViewExtensions.LoadEffectiveAddressAsPtr(x.Floats);
        Assert.Equal("no error", Launch(other, "ld.global.v2.f32 {%f1, %f2}, [%rd2+8];", start));
        Assert.Contains("misaligned access to global memory", Launch(other, "ld.global.v2.f32 {%f1, %f2}, [%rd2+4];", start), StringComparison.Ordinal);
    }

    /// <summary>What was never written is NaN: in a new allocation, and in shared memory at the start of every group.</summary>
    [StandInFact]
    public void WhatWasNotWrittenIsNaN()
    {
        using GpuContext gpu = TestGpus.OpenAnew(Device.Cuda);
        using GpuBuffer y = gpu.Memory.Rent(Length);
        float[] actual = new float[Length];
        gpu.Download(y.Floats, actual);
        Assert.All(actual, value => Assert.Equal(float.NaN, value));
        gpu.Launch(ReadsUnwritten, new Index3D(2, 1, 1), y.Floats);
        gpu.Download(y.Floats, actual);
        Assert.All(actual, value => Assert.Equal(float.NaN, value));
    }

    /// <summary>x·x − 1 with x = 1 + 2⁻¹² is 2⁻¹¹, and 2⁻²⁴ more if it is one multiply-add.</summary>
    [StandInFact]
    public void TheSecondDeviceContracts()
    {
        const float x = 1 + 1f / 4096;
        foreach ((Device device, float expected) in ((Device, float)[])[(Device.Cuda, 1f / 2048), (Device.SecondCuda, 1f / 2048 + 1f / (1 << 24))])
        {
            using GpuContext gpu = TestGpus.OpenAnew(device);
            using GpuBuffer y = gpu.Memory.Rent(1);
            gpu.Upload([x], y.Floats);
            gpu.Launch(SquareLessOne, new Index3D(1, 1, 1), y.Floats);
            float[] actual = new float[1];
            gpu.Download(y.Floats, actual);
            Assert.Equal(expected, actual[0]);
        }
    }

    /// <summary>After a fault every call fails, as on a card, and the other devices go on.</summary>
    [StandInFact]
    public void AFaultStays()
    {
        using GpuContext gpu = TestGpus.OpenAnew(Device.Cuda), other = TestGpus.OpenAnew(Device.Cuda);
        using GpuBuffer y = gpu.Memory.Rent(Length), sound = other.Memory.Rent(Length);
        Failure.Says(() => gpu.Launch(BothWriteGlobal, new Index3D(1, 1, 1), y.Floats), gpu.Name, "failed (", "launch failure");
        Failure.Says(() => gpu.Download(y.Floats, new float[Length]), gpu.Name, "failed (", "launch failure");
        other.Launch(Reverse, new Index3D(2, 1, 1), sound.Floats);
        other.Synchronize();
    }

    /// <summary>A driver that is there and fails is told from one that is not there, and the message has the driver's own log.</summary>
    [StandInFact]
    public void ADriverThatFailsSaysWhatFailed()
    {
        Assert.Null(CudaProbe.Failure());
        using GpuContext gpu = TestGpus.OpenAnew(Device.Cuda);
        using GpuBuffer y = gpu.Memory.Rent(Length);
        try
        {
            foreach (string call in (string[])["cuInit", "cuDeviceGetCount"])
            {
                standinFail(call);
                Assert.Equal($"{call} failed with CUDA error 999, unknown error", CudaProbe.Failure());
            }

            standinFail("cuCtxCreate_v2");
            Failure.Says(() => TestGpus.OpenAnew(Device.Cuda), "CUDA device 0 cannot be opened (CUDA_ERROR_UNKNOWN: unknown error)");
            standinFail("cuModuleLoadDataEx");
            Failure.Says(
                () => gpu.Launch(Reverse, new Index3D(2, 1, 1), y.Floats), gpu.Name, "StandInTests.Reverse cannot be compiled", "CUDA_ERROR_INVALID_PTX",
                "ptxas application ptx input, line 1");
        }
        finally
        {
            standinFail("");
        }
    }

    /// <summary>
    /// Every kernel that has barriers needs each of them. Of kernels that are made for many structs, which share their barriers, one is taken.
    /// </summary>
    [StandInFact]
    public void AnyBarrierLeftOutIsFound()
    {
        Dictionary<string, OpCase> kernels = new()
        {
            ["GpuProductKernel.Large"] = Ops.Dense(new(1000, 64, 1200), bias: false),
            ["GpuProductKernel.Small"] = Ops.Dense(new(70, 600, 70), bias: false),
            ["GpuReduction.AddPieces"] = Ops.SumOver(Axes.Of(3, 1), Axes.Of(3, 700)),
            ["GpuReduction.SumPieces"] = Ops.SumOver(Axes.Of(3, 1), Axes.Of(3, 700)),
            ["RealFft.Kernel"] = Ops.RealFft(new(2, 16, 5, 9)),
            ["TopKMask.Kernel"] = new(TopKMaskOp.Spec(1, 300, 1)) { Adjust = inputs => inputs[1][0] = 70 },
        };
        var barriers = GpuKernels.All.Zip(GpuKernels.Ptx(CudaArchitecture.SM_80, GpuKernels.All.Select(kernel => kernel.Method)))
            .Select(kernel => (Name: kernel.First.Name.Split(" of ")[0], Barriers: kernel.Second.Split("bar.sync").Length - 1))
            .Where(kernel => kernel.Barriers > 0).Distinct().ToDictionary(kernel => kernel.Name, kernel => kernel.Barriers);
        Assert.Equal(kernels.Keys.Order(), barriers.Keys.Order());
        foreach ((string name, OpCase op) in kernels)
        {
            // One more than there are: with all of them, it runs.
            for (int barrier = 0; barrier <= barriers[name]; barrier++)
            {
                using GpuContext gpu = TestGpus.OpenAnew(Device.Cuda);
                using GpuBackend backend = new(gpu, keepOpen: true);
                standinDeleteBarrier($"Kernel_{name.Split('.')[1]}", barrier);
                try
                {
                    if (barrier == barriers[name]) op.Run(backend, op.RandomInputs());
                    else Failure.Says(() => op.Run(backend, op.RandomInputs()), gpu.Name, "failed (", "a race of");
                }
                finally
                {
                    standinDeleteBarrier("", -1);
                }
            }
        }

        output.WriteLine($"{barriers.Values.Sum()} barriers of {barriers.Count} kernels, each left out once and found");
    }

    private static void AssertFault(string expected, Action<ArrayView<float>> kernel)
    {
        using GpuContext gpu = TestGpus.OpenAnew(Device.Cuda);
        using GpuBuffer y = gpu.Memory.Rent(Length);
        Failure.Says(() => gpu.Launch(kernel, new Index3D(2, 1, 1), y.Floats), gpu.Name, "failed (", expected);
    }

    private static int Place => Grid.IdxX * GpuContext.GroupSize + Group.IdxX;

    private static void Reverse(ArrayView<float> y)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(GpuContext.GroupSize);
        shared[Group.IdxX] = Group.IdxX;
        Group.Barrier();
        y[Place] = shared[GpuContext.GroupSize - 1 - Group.IdxX];
    }

    private static void ReadsAnothersWrite(ArrayView<float> y)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(GpuContext.GroupSize);
        shared[Group.IdxX] = Group.IdxX;
        y[Place] = shared[GpuContext.GroupSize - 1 - Group.IdxX];
    }

    private static void WritesWhatAnotherRead(ArrayView<float> y)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(GpuContext.GroupSize);
        if (Group.IdxX == 0) shared[0] = 1;
        Group.Barrier();
        if (Group.IdxX == 1) y[Place] = shared[0];
        if (Group.IdxX == 2) shared[0] = 2;
        Group.Barrier();
    }

    private static void BothWriteShared(ArrayView<float> y)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(GpuContext.GroupSize);
        shared[Group.IdxX / 2] = 1;
        Group.Barrier();
        y[Place] = shared[0];
    }

    private static void BothWriteGlobal(ArrayView<float> y) => y[Place / 2] = 1;

    private static void ReadsWhatAnotherGroupWrote(ArrayView<float> y)
    {
        if (Grid.IdxX == 0) y[Group.IdxX] = 1;
        else y[Place] = y[Group.IdxX];
    }

    private static void HalfWait(ArrayView<float> y)
    {
        if (Group.IdxX < GpuContext.GroupSize / 2) Group.Barrier();
        y[Place] = 1;
    }

    private static void WaitApart(ArrayView<float> y)
    {
        if (Group.IdxX < GpuContext.GroupSize / 2)
        {
            y[Place] = 1;
            Group.Barrier();
        }
        else
        {
            y[Place] = 2;
            Group.Barrier();
        }
    }

    // Far behind the buffer, which a pool rounds up.
    // 2 GB behind, so that no allocation of a test that runs at the same time lies there.
    private static void ReadsBehind(ArrayView<float> y) => y[Place] = y[Place + (1 << 29)];

    private static void WritesBefore(ArrayView<float> y) => y[Place - Length - 1] = 1;

    private static void WritesBehindShared(ArrayView<float> y)
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(GpuContext.GroupSize);
        shared[Group.IdxX + 1] = 1;
        Group.Barrier();
        y[Place] = shared[0];
    }

    private static void ReadsUnwritten(ArrayView<float> y) => y[Place] = SharedMemory.Allocate<float>(GpuContext.GroupSize)[Group.IdxX];

    private static void SquareLessOne(ArrayView<float> y)
    {
        if (Group.IdxX == 0) y[0] = y[0] * y[0] - 1;
    }

    // Runs an instruction: %rd1 is the start of shared memory, %rd2 the argument. Returns what the driver says of it.
    private static unsafe string Launch(GpuContext gpu, string instruction, nint argument)
    {
        gpu.Accelerator.Bind();
        string ptx = $$"""
            .version 7.8
            .target sm_80
            .address_size 64

            .visible .entry Kernel_Written(
            	.param .align 8 .b8 _arguments[8]
            )
            {
            	.shared .align 8 .b8 __shared[1024];
            	.reg .b64	%rd<3>;
            	.reg .f32	%f<3>;

            	mov.b64	%rd1, __shared;
            	ld.param.b64	%rd2, [_arguments];
            	{{instruction}}
            	ret;
            }

            """;
        nint bytes = sizeof(nint);
        void** packed = stackalloc void*[] { (void*)1, &argument, (void*)2, &bytes, null };
        int error = cuModuleLoadDataEx(out nint module, ptx, 0, 0, 0);
        if (error == 0) error = cuModuleGetFunction(out module, module, "Kernel_Written");
        if (error == 0) error = cuLaunchKernel(module, 1, 1, 1, 1, 1, 1, 0, 0, null, packed);
        _ = cuGetErrorString(error, out nint text);
        return Marshal.PtrToStringUTF8(text)!;
    }

    [LibraryImport("libcuda.so.1", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int cuModuleLoadDataEx(out nint module, string ptx, uint options, nint names, nint values);

    [LibraryImport("libcuda.so.1", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int cuModuleGetFunction(out nint function, nint module, string name);

    [LibraryImport("libcuda.so.1")]
    private static unsafe partial int cuLaunchKernel(
        nint function, uint groupsX, uint groupsY, uint groupsZ, uint threadsX, uint threadsY, uint threadsZ, uint shared, nint stream, void** arguments,
        void** packed);

    [LibraryImport("libcuda.so.1")]
    private static partial int cuGetErrorString(int error, out nint text);

    [LibraryImport("libcuda.so.1", StringMarshalling = StringMarshalling.Utf8)]
    private static partial void standinDeleteBarrier(string kernel, int number);

    [LibraryImport("libcuda.so.1", StringMarshalling = StringMarshalling.Utf8)]
    private static partial void standinFail(string call);
}
