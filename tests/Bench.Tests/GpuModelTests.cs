using System.Globalization;
using System.Text.RegularExpressions;
using Engine.Bench.GpuModel;
using Engine.Bench.Peers;
using Engine.Kernels;
using Engine.Tests;
using ILGPU;
using ILGPU.Runtime.CPU;

namespace Engine.Bench.Tests;

public class GpuModelTests
{
    private static readonly GpuDescription Device = new(
        "a device", "sm_90", Multiprocessors: 10, ClockHertz: 1e9, Schedulers: 4, Registers: 65536, SharedBytes: 100 * 1024, Threads: 2048,
        BytesPerSecond: 1e12, LatencyCycles: 500, LaunchSeconds: 1e-6);

    /// <summary>Every work has launches, products and a time, and twice the clock makes none slower.</summary>
    [Fact]
    public void EveryWorkIsModelled()
    {
        using TempFolder temp = new();
        string h100 = File.ReadAllText(Path.Combine(ReferenceData.Repository, "bench", "GpuModel", "h100.json")), fast = temp.PathOf("fast.json");
        File.WriteAllText(fast, h100.Replace("1.755e9", "3.51e9", StringComparison.Ordinal));
        (string Work, double Launches, double Milliseconds)[] slow = Works("gpu-model"), faster = Works("gpu-model", "--device-file", fast);
        Assert.Equal(6, slow.Length);
        Assert.All(slow, work => Assert.True(work is { Launches: >= 10, Milliseconds: > 0 }));
        Assert.Equal(slow.Select(work => (work.Work, work.Launches)), faster.Select(work => (work.Work, work.Launches)));
        Assert.All(slow.Zip(faster), pair => Assert.True(pair.Second.Milliseconds <= pair.First.Milliseconds));
        Assert.True(faster.Sum(work => work.Milliseconds) < 0.8 * slow.Sum(work => work.Milliseconds));

        // Eight times the excerpts take no more launches, since a GPU takes them all at once. Few excerpts take one more, which adds the parts of a cut depth.
        Assert.InRange(slow[1].Launches, slow[0].Launches - 1, slow[0].Launches);
    }

    [Fact]
    public void ListsEveryLaunch()
    {
        using StringWriter output = new();
        Assert.Equal(0, GpuModelCommand.Run(["gpu-model", "--launches"], output));
        double launches = WorksIn(output.ToString()).Sum(work => work.Launches);
        Assert.Equal(launches, Regex.Count(output.ToString(), @" groups +[0-9.]+ µs"));
    }

    [Theory]
    [InlineData(1, "absent.json")]
    [InlineData(1, "text.json")]
    [InlineData(2, "text.json", "--whatever")]
    public void WrongDevicesAndOptionsFail(int code, string file, params string[] options)
    {
        using TempFolder temp = new();
        File.WriteAllText(temp.PathOf("text.json"), "text");
        using StringWriter output = new();
        Assert.Equal(code, GpuModelCommand.Run(["gpu-model", "--device-file", temp.PathOf(file), .. options], output));
        Assert.Equal("", output.ToString());
        if (code == 1 && File.Exists(temp.PathOf(file))) Failure.Says(() => GpuDescription.Read(temp.PathOf(file)), "text.json", "describes no device");
    }

    /// <summary>Of 65536 registers 128·56 fit nine times, and of 100 KB shared memory 33 KB three times.</summary>
    [Fact]
    public void RegistersAndSharedMemoryLimitTheGroups()
    {
        Assert.Equal(9, new KernelCode(56, 0, 1, 1, true).GroupsAtATime(Device));
        Assert.Equal(3, new KernelCode(56, 32 * 1024, 1, 1, true).GroupsAtATime(Device));
        Assert.Equal(16, new KernelCode(16, 0, 1, 1, true).GroupsAtATime(Device));
    }

    /// <summary>
    /// A product of 64×128 with a depth of 16 is one large tile with one chunk: (192·16/128 elements · 10 + 16·64 multiply-adds · 2) instructions of each of
    /// four warps on four schedulers, and a wait for memory; two waits more, and a launch. A pointwise kernel of 256 groups moves 256·128 floats.
    /// </summary>
    [Fact]
    public void LaunchesTakeWhatTheModelSays()
    {
        KernelCode code = new(120, 32 * 1024, PerMultiplyAdd: 2, PerElement: 10, true);
        LaunchModel model = new(Device with { BytesPerSecond = 1e10 }, code, code);
        Launch? seen = null;
        using Context context = Context.Create(builder => builder.CPU(CPUDevice.Nvidia));
        using GpuContext gpu = new(context, context.GetCPUDevice(0).CreateCPUAccelerator(context, CPUAcceleratorMode.Sequential), "a model", 1 << 20);
        gpu.InsteadOfLaunch = (kernel, groups, arguments) => seen = model.Of(kernel, groups, arguments);
        using GpuBackend backend = new(gpu, keepOpen: true);
        using DeviceBuffer buffer = backend.Allocate(256 * GpuContext.GroupSize);
        backend.Run(new FillOp(1, buffer.All));
        Assert.Equal((256, 0), (seen!.Groups, seen.MultiplyAdds));
        Assert.Equal(256 * 128 * 4 / 1e10, seen.Seconds, 1e-12);

        GpuTiling tiling = GpuTiling.Of(64, 128 * 128, 16, phases: 1);
        Assert.Equal((GpuTiling.LargeBits, 3, 4, 128), (tiling.ThreadBits, tiling.LineBits, tiling.ChunkBits, tiling.Groups));
        GpuProduct product = new() { Rows = 64, Columns = 128 * 128, Depth = 16, Phases = Phases.One };
        Launch launch = new LaunchModel(Device with { Multiprocessors = 128, BytesPerSecond = 1e13 }, code, code).Of(
            GpuProductKernel.Large, new Index3D(128, 1, 1), new GpuProductArguments { Product = product, Tiling = tiling });
        Assert.Equal(64L * 128 * 128 * 16, launch.MultiplyAdds);
        Assert.Equal((24 * 10 + 1024 * 2 + 3 * 500) / 1e9 + 1e-6, launch.Seconds, 1e-12);
    }

    /// <summary>The loops of a listing: one that copies an element with four instructions, and one with 16 multiply-adds in 21.</summary>
    [Fact]
    public void InstructionsAreCountedInLoops()
    {
        string[] code =
        [
            "MOV R1, c[0x0][0x28]", "LDG.E R2, [R4.64]", "IADD3 R5, R5, 0x1, RZ", "STS [R6], R2", "@P0 BRA 0x10",
            .. Enumerable.Repeat("LDS R3, [R7]", 4), .. Enumerable.Repeat("FFMA R8, R3, R2, R8", 16), "@!P1 BRA 0x50", "EXIT",
        ];
        string listing = string.Join('\n', code.Select((text, i) => $"        /*{16 * i:x4}*/                   {text} ;   /* 0x000fe200 */"));
        Assert.Equal((21.0 / 16, 4.0), Sass.Count(listing));
    }

    /// <summary>Where NVIDIA's libraries are not installed, the report goes on without them and says so in one line.</summary>
    [StandInFact]
    public void AMissingLibraryIsALine()
    {
        using GpuContext gpu = GpuDevices.Open(GpuInterface.Cuda, StandInFactAttribute.Device!.Index, withoutGenericAddressSpace: false);
        using GpuBackend backend = new(gpu, keepOpen: true);
        (string Op, Dictionary<string, string> Settings)[] peers =
        [
            ("Dense", new() { ["n"] = "2", ["in"] = "3", ["out"] = "4" }),
            ("RealFft", new() { ["frames"] = "2", ["size"] = "16", ["hop"] = "5", ["bins"] = "9" }),
        ];
        foreach ((string op, Dictionary<string, string> settings) in peers)
        {
            using StringWriter messages = new();
            Assert.Null(CudaPeer.Open(op, new OpSettings(settings), backend, messages));
            string line = Assert.Single(messages.ToString().TrimEnd().Split('\n'));
            Assert.StartsWith($"bench: {op} is not compared with NVIDIA's library", line, StringComparison.Ordinal);
            Assert.Contains(op == "Dense" ? "cublas" : "cufft", line, StringComparison.OrdinalIgnoreCase);
            Assert.Equal(0, gpu.Memory.Outstanding);
        }
    }

    private static (string Work, double Launches, double Milliseconds)[] Works(params string[] args)
    {
        using StringWriter output = new();
        Assert.Equal(0, GpuModelCommand.Run(args, output));
        return WorksIn(output.ToString());
    }

    // The rows of the second table, which ends the output.
    private static (string Work, double Launches, double Milliseconds)[] WorksIn(string output) =>
    [
        .. output[output.IndexOf("work on", StringComparison.Ordinal)..].Split('\n').Where(line => line.StartsWith('|')).Skip(1)
            .Select(line => line.Trim('|', '\r').Split('|')).Where(cells => !cells[0].Contains("---", StringComparison.Ordinal))
            .Select(cells => (cells[0].Trim(), Number(cells[1]), Number(cells[5]))),
    ];

    private static double Number(string cell) => double.Parse(cell, CultureInfo.InvariantCulture);
}

/// <summary>A fact on the stand-in CUDA driver, beside which NVIDIA's libraries are not installed; skipped, saying so, where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class StandInFactAttribute : FactAttribute
{
    public StandInFactAttribute() => Skip = Device is null ? "needs the stand-in CUDA driver; test.sh builds it" : null;

    /// <summary>Its first device.</summary>
    public static GpuDevice? Device { get; } = Backends.ListGpus(withoutGenericAddressSpace: true)
        .FirstOrDefault(gpu => gpu is { Interface: GpuInterface.Cuda, Refusal: null } && gpu.Name.StartsWith("stand-in", StringComparison.Ordinal));
}
