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
    public void WrongOptionsEndWithTwo(params string[] options)
    {
        using TempFolder temp = new();
        Assert.Equal(2, ReportCommand.Run(["report", "--out", temp.PathOf("out"), .. options]));
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
                backend.Dense(shape, x[0], x[1], null, Activation.None, y);
                if (!backend.Name.StartsWith("reference", StringComparison.Ordinal)) spoil(backend, y);
            });
    }
}
