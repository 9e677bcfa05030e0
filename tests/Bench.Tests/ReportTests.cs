using System.Globalization;
using Engine.Bench.Report;
using Engine.Kernels;
using Engine.Kernels.Simd;
using Engine.Tests;

namespace Engine.Bench.Tests;

public class ReportTests
{
    [Fact]
    public void ARightKernelPasses()
    {
        using IBackend backend = Backends.CreateCpu(2);
        Assert.InRange(Check.Kernel(Product(-1, 0), backend), 0, Check.KernelTolerance);
    }

    [Fact]
    public void AWrongKernelIsCaught()
    {
        using IBackend backend = Backends.CreateCpu(2);
        Failure.Says(() => Check.Kernel(Product(3, 1), backend), "at 3 of 35");
        Failure.Says(() => Check.Kernel(Product(34, float.NaN), backend), "at 34 of 35");
    }

    [Fact]
    public void AWrongOutputIsCaught()
    {
        Assert.Equal(0, Check.Close([1, -2], [1, -2], 0, ""));
        Assert.Equal(0.25, Check.Close([1, -2], [1.5f, -2], 0.25, ""));
        Failure.Says(() => Check.Close([1, -2], [1.5f, -2], 0.2, "layer"), "layer: at 0 of 2 stands 1.5 instead of 1");
        Failure.Says(() => Check.Close([0, 0], [0, 1e-30f], 1, "layer"), "at 1 of 2");
        Failure.Says(() => Check.Close([1], [float.NaN], 1, "layer"), "NaN");
        Failure.Says(() => Check.Close([float.NaN], [float.NaN], 1, "layer"), "NaN");
        Failure.Says(() => Check.Close([1, 2], [1], 1, "layer"), "1 numbers instead of 2");
    }

    [Theory]
    [InlineData("--vector", "64")]
    [InlineData("--threads", "0")]
    [InlineData("--whatever")]
    [InlineData("--filter", "no kernel has this name")]
    [InlineData("--device", "reference")]
    [InlineData("--device", "opencl", "--vector", "256")]
    [InlineData("--device", "opencl", "--other-settings")]
    public void WrongOptionsEndWithTwo(params string[] options)
    {
        using TempFolder temp = new();
        Assert.Equal(2, ReportCommand.Run(["report", "--out", temp.PathOf("out"), .. options]));
    }

    [Fact]
    public void ADeviceThatIsAbsentEndsWithOne()
    {
        using TempFolder temp = new();
        Assert.Equal(1, ReportCommand.Run(["report", "--out", temp.PathOf("out"), "--device", "cuda", "--device-index", "99"]));
    }

    [OpenClFact]
    public void AGpuIsMeasured()
    {
        using TempFolder temp = new();
        int index = OpenClFactAttribute.Device!.Index;
        Assert.Equal(
            0,
            ReportCommand.Run([
                "report", "--out", temp.Folder, "--filter", "SVDNet forward, 1 excerpt: fc9", "--device", "opencl", "--device-index", $"{index}",
                "--opencl-without-generic-address-space"]));
        string[] lines = File.ReadAllLines(temp.PathOf("results.csv")), row = lines[1].Split(',');
        Assert.Equal((2, "fc9", "Dense"), (lines.Length, row[2], row[3]));
        Assert.All(row[4..10].Where(field => field != row[8]), field => Assert.True(double.Parse(field, CultureInfo.InvariantCulture) > 0));
        Assert.Contains(OpenClFactAttribute.Device.Name, File.ReadAllText(temp.PathOf("RESULTS.md")), StringComparison.Ordinal);
    }

    /// <summary>The launches take some milliseconds together, however long the very first one takes.</summary>
    [Fact]
    public void ADeviceIsWaitedForOnceInManyLaunches()
    {
        int launches = 0, waits = 0;
        Assert.InRange(Alternation.LaunchesOfARun(() => launches++, () => waits++, 10), 500, 1000);
        Assert.True(launches > 100 * waits);
        Assert.Equal(1, Alternation.LaunchesOfARun(() => Thread.Sleep(20), () => { }, 10));
        Assert.Equal(new Times(0.5, 2), new Times(5, 20).Per(10));
    }

    [Fact]
    public void ARateAboveThePeakSaysWhy()
    {
        Row row = new("work", "layer", "Conv2d", 1, 1, 1, 1, "GFLOP/s", 0.9, 1);
        Assert.Equal(["", "fewer operations"], new[] { 0.9, 1.1 }.Select(part => (row with { OfPeak = part }).AboveThePeak));
        Assert.Equal("in cache", (row with { OfPeak = 1.1, Unit = "GB/s" }).AboveThePeak);
    }

    // A matrix product 5×7 whose CPU form adds something to one element of the result.
    private static KernelCase Product(int place, float error) =>
        new("test", "layer", 1, OpSpec.Of((ref v) => new SpoiltProductOp(
            new DenseOp(new DenseShape(5, 3, 7), v.Next(), v.Next(), null, default, v.Next()), place, error)));

    private readonly record struct SpoiltProductOp(DenseOp Product, int Place, float Error) : IOp
    {
        public void Operands(ref OperandList list) => Product.Operands(ref list);

        public void Reference(ReferenceContext host) => Product.Reference(host);

        public void Cpu<TV>(CpuContext cpu)
            where TV : unmanaged, IVector<TV>
        {
            Product.Cpu<TV>(cpu);
            if (Place >= 0) cpu.SpanAt(Product.Y)[Place] += Error;
        }

        public void Gpu(GpuContext gpu) => Product.Gpu(gpu);
    }
}

/// <summary>A fact on an OpenCL device, and skipped, saying so, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OpenClFactAttribute : FactAttribute
{
    public OpenClFactAttribute() => Skip = Device is null ? "needs a device that --device opencl can use" : null;

    /// <summary>The first one.</summary>
    public static GpuDevice? Device { get; } =
        Backends.ListGpus(withoutGenericAddressSpace: true).FirstOrDefault(gpu => gpu is { Interface: GpuInterface.OpenCl, Refusal: null });
}
