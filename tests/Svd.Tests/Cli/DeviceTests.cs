using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Cli;
using Engine.Tests;

namespace Engine.Svd.Tests.Cli;

/// <summary>Which device is taken on machines with other drivers than this one, and what is said where one is missing.</summary>
public sealed class DeviceTests : CommandTest
{
    private static readonly GpuDevice Cuda = new(GpuInterface.Cuda, 0, "a", "", 1 << 30, 8, 1 << 16, 1024, IsGpu: true, Refusal: null);
    private static readonly GpuDevice SecondCuda = Cuda with { Index = 1 };
    private static readonly GpuDevice OpenCl = Cuda with { Interface = GpuInterface.OpenCl };
    private static readonly GpuDevice Processor = OpenCl with { Index = 1, IsGpu = false };
    private static readonly GpuDevice Refused = OpenCl with { Index = 2, Refusal = "it is too old" };

    /// <summary>CUDA before OpenCL, a GPU before a processor, nothing that is refused; on a machine with none the processor remains.</summary>
    [Fact]
    public void AutoTakesTheBestThereIs()
    {
        Assert.Equal([Cuda, SecondCuda, OpenCl], DeviceOptions.Candidates([OpenCl, Processor, SecondCuda, Refused, Cuda]));
        Assert.Equal([Cuda], DeviceOptions.Candidates([Cuda]));
        Assert.Equal([SecondCuda], DeviceOptions.Candidates([Cuda with { Refusal = "it is too old" }, SecondCuda]));
        Assert.Equal([OpenCl], DeviceOptions.Candidates([Processor, OpenCl]));
        Assert.Empty(DeviceOptions.Candidates([Processor, Refused]));
        Assert.Empty(DeviceOptions.Candidates([]));
    }

    /// <summary>The kernels say what failed; what to do about it on this command line is added here, once.</summary>
    [Theory]
    [InlineData(DeviceProblem.NotFound, "svd devices")]
    [InlineData(DeviceProblem.Unsuitable, "svd devices")]
    [InlineData(DeviceProblem.CannotBeOpened, "svd devices")]
    [InlineData(DeviceProblem.NoGenericAddressSpace, "--opencl-without-generic-address-space")]
    [InlineData(DeviceProblem.OutOfMemory, "--device")]
    [InlineData(DeviceProblem.CannotCompile, "--device")]
    [InlineData(DeviceProblem.Failed, "--checkpoint")]
    public void SaysWhatHelpsWhereADeviceFails(DeviceProblem problem, string advice)
    {
        string message = DeviceAdvice.MessageOf(new EngineException("it failed") { DeviceProblem = problem });
        Assert.StartsWith("it failed; ", message, StringComparison.Ordinal);
        Assert.Contains(advice, message, StringComparison.Ordinal);
        Assert.Equal("it failed", DeviceAdvice.MessageOf(new EngineException("it failed")));
    }

    /// <summary>Where no package for developers is installed: <c>libOpenCL.so</c> is no library, and the driver's own name for it has to do.</summary>
    [GpuFact(Gpu.OpenCl)]
    public void TheDriversOwnLibraryIsFound()
    {
        Put("libOpenCL.so", [0]);
        ProgramResult devices = SvdProgram.Shell($"LD_LIBRARY_PATH='{PathOf("")}' $svd devices --threads 1 --json");
        Assert.Equal((0, ""), (devices.ExitCode, devices.Errors));
        Assert.Contains("\"opencl\"", devices.Output, StringComparison.Ordinal);
    }

    /// <summary>The loader, if there is one, finds no driver behind it.</summary>
    [UnixFact]
    public void AMachineWithoutOpenClDriversStarts()
    {
        const string None = "OCL_ICD_VENDORS=/nonexistent";
        ProgramResult devices = SvdProgram.Shell($"{None} $svd devices --threads 1 --json");
        Assert.Equal((0, ""), (devices.ExitCode, devices.Errors));
        using JsonDocument document = JsonDocument.Parse(devices.Output);
        Assert.DoesNotContain(document.RootElement.GetProperty("gpus").EnumerateArray(), gpu => gpu.GetProperty("device").GetString() == "opencl");

        ProgramResult absent = SvdProgram.Shell($"{None} $svd explain --out '{Out}' --device opencl");
        Assert.Equal((1, ""), (absent.ExitCode, absent.Output));
        AssertOneLine(absent.Errors, "no OpenCL device was found");

        ProgramResult auto = SvdProgram.Shell($"{None} $svd logmel '{Song()}' --out '{PathOf("logmel.npy")}' --device auto");
        Assert.Equal(0, auto.ExitCode);
        AssertOneLine(auto.Errors, "running on ");
    }

    /// <summary>A driver that fails is named, and <c>auto</c> goes on to the processor, whichever call it is that fails.</summary>
    [StandInFact]
    public void AutoGoesOnWhereADriverFails()
    {
        (string Call, string Message)[] failures =
        [
            ("cuInit", "not on NVIDIA driver: cuInit failed with CUDA error 999"), ("cuCtxCreate_v2", "CUDA device 0 cannot be opened (CUDA_ERROR_UNKNOWN"),
            ("cuModuleLoadDataEx", "cannot be compiled (CUDA_ERROR_INVALID_PTX: a PTX JIT compilation failed: ptxas application ptx input"),
        ];
        foreach ((string call, string message) in failures)
        {
            string environment = $"OCL_ICD_VENDORS=/nonexistent STANDIN_FAIL={call}";
            ProgramResult auto = SvdProgram.Shell($"{environment} $svd logmel '{Song()}' --out '{PathOf($"{call}.npy")}' --device auto");
            Assert.Equal(0, auto.ExitCode);
            Assert.Contains(message, auto.Errors, StringComparison.Ordinal);
            Assert.Contains("svd: running on cpu", auto.Errors, StringComparison.Ordinal);
        }

        ProgramResult refused = SvdProgram.Shell($"STANDIN_FAIL=cuInit $svd logmel '{Song()}' --out '{PathOf("refused.npy")}' --device cuda");
        Assert.Equal(1, refused.ExitCode);
        AssertOneLine(refused.Errors, "no CUDA device can be used: its driver is there, but cuInit failed with CUDA error 999, unknown error");
    }
}
