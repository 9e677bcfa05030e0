using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Engine.CustomOp;
using Engine.Kernels;
using Engine.Nn;
using Engine.Tensors;
using Engine.Tests;

namespace Engine.Samples.Tests;

/// <summary>The samples run, and do what they say. They see the engine's public types only.</summary>
public sealed class SampleTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheCnnLearnsAndIsSaved()
    {
        string path = _folder.PathOf("cnn.npz");
        double[] losses = LossesIn(Run("Engine.Cnn", path));
        Assert.Equal(5, losses.Length);
        Assert.True(losses[^1] < 0.1 && losses[^1] < losses[0] / 2, $"the loss went from {losses[0]} to {losses[^1]}");
        using IBackend backend = Backends.CreateReference();
        using Sequential same = new(new Conv2d(1, 8, 3), new Conv2d(8, 16, 3), new Dense(64, 2));
        same.Load(path, backend);
        Assert.Contains(same.Parameters[^1].Value.ToArray(), value => value != 0);
    }

    [Fact]
    public void TheCnnTakesAtMost25Lines()
    {
        string[] lines = File.ReadAllLines(Path.Combine(ReferenceData.Repository, "samples", "Cnn", "Program.cs"));
        Assert.InRange(lines.Length, 1, 25);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, 160));
    }

    [Fact]
    public void TheCustomOpHasTheRightGradient()
    {
        string text = Run("Engine.CustomOp");
        Assert.Equal(2, Regex.Count(text, Regex.Escape("-0.8  -0.5  -0.2  0.2  0.5  0.8")));
        Assert.Contains("Softsign: input 0", text, StringComparison.Ordinal);
    }

    [GpuFact]
    public void TheCustomOpRunsOnGpusToo()
    {
        foreach (GpuDevice device in GpuFactAttribute.Devices)
        {
            using IBackend gpu = Backends.CreateGpu(device.Interface, device.Index, withoutGenericAddressSpace: true);
            using Tensor x = Tensor.From(gpu, new Shape(6), [-4, -1, -0.25f, 0.25f, 1, 4]), y = x.Softsign();
            Assert.Equal([-0.8f, -0.5f, -0.2f, 0.2f, 0.5f, 0.8f], y.ToArray(), (a, b) => Math.Abs(a - b) < 1e-6);
            GradientError error = GradientCheck.LargestError(v => v[0].Softsign(), [x]);
            Assert.True(error.Error < 1e-3, $"{error} on {gpu.Name}");
        }
    }

    [Fact]
    public void TheNetworkWithGroupNormLearns()
    {
        double[] losses = LossesIn(Run("Engine.GroupNorm"));
        Assert.True(losses[^1] < 0.2 && losses[^1] < losses[0], $"the loss went from {losses[0]} to {losses[^1]}");
    }

    [Fact]
    public void TheDetectorFindsSinging()
    {
        string text = Run("Engine.FindSinging", Sample);
        Assert.Matches(@"(?m)^0\.00 s to \d+\.\d\d s: no singing$", text);
        Assert.Matches(@"(?m): singing$", text);
    }

    [Fact]
    public void TheDetectorExplains()
    {
        string text = Run("Engine.ExplainSong", Sample);
        Assert.Contains("At 7.84 s: P(singing) = 1.000.", text, StringComparison.Ordinal);
        Assert.Contains("the label stays.", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("FindSinging")]
    [InlineData("ExplainSong")]
    public void TheDetectorsSamplesTakeFewerThanTenLines(string sample) =>
        Assert.InRange(File.ReadAllLines(Path.Combine(ReferenceData.Repository, "samples", sample, "Program.cs")).Length, 1, 9);

    private static string Sample => Path.Combine(ReferenceData.Repository, "samples", "sample.wav");

    private static string Run(string sample, params string[] arguments)
    {
        TextWriter before = Console.Out;
        using StringWriter output = new();
        Console.SetOut(output);
        try
        {
            object? code = Assembly.Load(sample).EntryPoint!.Invoke(null, [arguments]);
            Assert.True(code is null or 0, output.ToString());
        }
        finally
        {
            Console.SetOut(before);
        }

        return output.ToString();
    }

    private static double[] LossesIn(string text) =>
        [.. Regex.Matches(text, @"loss ([\d.]+)").Select(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];
}

/// <summary>A fact on every CUDA and OpenCL device, skipped where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GpuFactAttribute : FactAttribute
{
    public GpuFactAttribute() => Skip = Devices.Count == 0 ? "needs a CUDA or OpenCL device" : null;

    public static IReadOnlyList<GpuDevice> Devices { get; } =
        [.. Backends.ListGpus(withoutGenericAddressSpace: true).Where(device => device.Refusal is null)];
}
