using System.Globalization;
using Engine.Bench.Report;
using Engine.Kernels;
using Engine.Tests;

namespace Engine.Bench.Tests;

public class ReportTests
{
    [Fact]
    public void ARightKernelPasses()
    {
        using IBackend backend = Backends.CreateCpu(2);
        Assert.InRange(Check.Kernel(Product((_, _) => { }), backend), 0, Check.KernelTolerance);
    }

    [Fact]
    public void AWrongKernelIsCaught()
    {
        using IBackend backend = Backends.CreateCpu(2);

        // One output of many is off, by ten times what is allowed.
        void Spoil(IBackend on, View y)
        {
            float[] result = new float[y.Length];
            on.Download(y, result);
            result[3] += 10 * (float)Check.KernelTolerance * result.Max(Math.Abs);
            on.Upload(result, y);
        }

        Failure.Says(() => Check.Kernel(Product(Spoil), backend), "at 3 of 35");
        Failure.Says(() => Check.Kernel(Product((on, y) => on.Upload([float.NaN], y.Slice(34, 1))), backend), "at 34 of 35");
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

    [Fact]
    public void EveryLineOfTheShapesGivesCases()
    {
        Assert.All(LayerRow.ReadAll(), row => Assert.Contains(KernelCases.All, kernel => kernel.Network == row.Network && kernel.Layer == row.Layer));
        Assert.Equal(KernelCases.All.Count, KernelCases.All.Select(kernel => $"{kernel}").Distinct().Count());
        Assert.All(KernelCases.All, kernel => Assert.True(kernel.Bytes > 0, $"{kernel}"));

        // What an excerpt is known to take: 242 million multiply-adds.
        double flops = KernelCases.All.Where(kernel => kernel is { Network: "svdnet", N: 1 }).Sum(kernel => kernel.Flops);
        Assert.InRange(flops / 2e6, 242, 243.5);
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
            0, ReportCommand.Run(["report", "--out", temp.Folder, "--filter", "svdnet N=1 fc9", "--device", "opencl", "--device-index", $"{index}",
                "--opencl-without-generic-address-space"]));
        string[] lines = File.ReadAllLines(temp.PathOf("results.csv")), row = lines[1].Split(',');
        Assert.Equal((2, "fc9", "dense"), (lines.Length, row[2], row[3]));
        Assert.All(row[4..9].Where(field => field != row[7]), field => Assert.True(double.Parse(field, CultureInfo.InvariantCulture) > 0));
        Assert.Contains(OpenClFactAttribute.Device.Name, File.ReadAllText(temp.PathOf("RESULTS.md")), StringComparison.Ordinal);
    }

    /// <summary>As many launches as take some milliseconds together, whatever the first of all takes.</summary>
    [Fact]
    public void ADeviceIsWaitedForOnceInManyLaunches()
    {
        int launches = 0, waits = 0;
        Assert.InRange(Alternation.LaunchesOfARun(() => launches++, () => waits++), 500, 1000);
        Assert.True(launches > 100 * waits);
        Assert.Equal(1, Alternation.LaunchesOfARun(() => Thread.Sleep(20), () => { }));
        Assert.Equal(new Times(0.5, 2), new Times(5, 20).Per(10));
    }

    [Fact]
    public void AVerdictSaysWhatWasReached()
    {
        Row row = new(Contests.Group, 1, "", "", 1, 1, 1, "GFLOP/s", 1, 0, AtLeast: 2, HopedFor: 3);
        Assert.Equal(["not measured", "missed", "met", "as hoped"], new double?[] { null, 1.99, 2, 3 }.Select(ratio => (row with { Ratio = ratio }).Verdict));
    }

    // A matrix product 5×7, after which a wrong backend may spoil the output; the definition is right.
    private static KernelCase Product(Action<IBackend, View> spoil)
    {
        DenseShape shape = new(5, 3, 7);
        return new KernelCase(
            "test", shape.N, "layer", "dense", [shape.XLength, shape.WLength], shape.YLength,
            (backend, x, y) =>
            {
                backend.Run(new DenseOp(shape, x[0], x[1], null, Activation.None, y));
                if (!backend.Name.StartsWith("reference", StringComparison.Ordinal)) spoil(backend, y);
            });
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
