using System.CommandLine;
using Engine.Bench.Report;
using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Train;
using Engine.Tensors;
using ILGPU;
using ILGPU.Runtime.CPU;
using Spectre.Console;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Bench.GpuModel;

/// <summary>
/// <c>gpu-model</c>: what the networks ask of a GPU, launch by launch, and how long a model says that it takes; nothing is measured. The launches are those
/// that the program makes, noted down instead of started.
/// </summary>
internal static class GpuModelCommand
{
    private const int Batch = 32;

    // Room for everything that 256 excerpts make at once.
    private const long MemoryBytes = 16L << 30;

    /// <summary>Runs the command line, from <c>gpu-model</c> on, writes to standard output or elsewhere, and returns the exit code.</summary>
    public static int Run(string[] args, TextWriter? output = null)
    {
        Option<string> file = new("--device-file")
        {
            Description = "The device: a JSON file such as bench/GpuModel/h100.json, which is the default.", HelpName = "FILE",
            DefaultValueFactory = _ => Path.Combine(AppContext.BaseDirectory, "GpuModel", "h100.json"),
        };
        Option<bool> launches = new("--launches") { Description = "Also lists every launch." };
        Command model = new(
            "gpu-model",
            "Models how long the networks take on a GPU, from their launches and a description of the device. Instructions are counted where ptxas and "
            + "cuobjdump are on the PATH.\n\nExample:\n  dotnet run -c Release --project bench -- gpu-model")
        {
            file, launches,
        };
        model.SetAction(parsed => Run(GpuDescription.Read(parsed.GetValue(file)!), parsed.GetValue(launches), output ?? Console.Out));
        return CommandLine.Run(model, args);
    }

    private static int Run(GpuDescription device, bool lists, TextWriter output)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = 200;
        KernelCode large = KernelCode.Of(device, large: true), small = KernelCode.Of(device, large: false);
        Table kernels = TableOf("product kernel", "registers", "shared bytes", "groups at a time", "occupancy", "instructions an FMA", "an element", "counted");
        foreach ((string name, KernelCode code) in (ReadOnlySpan<(string, KernelCode)>)[("large tiles", large), ("small tiles", small)])
        {
            int atATime = code.GroupsAtATime(device);
            kernels.AddRow(
                name, $"{code.Registers}", $"{code.SharedBytes}", $"{atATime}", $"{100.0 * atATime * GpuContext.GroupSize / device.Threads:F0} %",
                $"{code.PerMultiplyAdd:F2}", $"{code.PerElement:F1}", code.Measured ? "now" : "before");
        }

        console.Write(kernels);
        Table works = TableOf($"work on {device.Name}, modelled", "launches", "products", "fewest groups of one", "GFMA", "ms", "% of peak");
        LaunchModel model = new(device, large, small);
        foreach ((string name, Launch[] all) in Modelled(model))
        {
            double seconds = all.Sum(launch => launch.Seconds), multiplyAdds = all.Sum(launch => (double)launch.MultiplyAdds);
            Launch[] products = [.. all.Where(launch => launch.MultiplyAdds > 0)];
            double peak = multiplyAdds / (device.Multiprocessors * device.Schedulers * 32 * device.ClockHertz);
            works.AddRow(
                name, $"{all.Length}", $"{products.Length}", $"{products.Min(launch => launch.Groups)}", $"{multiplyAdds / 1e9:F2}", $"{1e3 * seconds:F2}",
                $"{100 * peak / seconds:F0}");
            if (!lists) continue;
            foreach (Launch launch in all) output.WriteLine($"{name,-45} {launch.Kernel,-45} {launch.Groups,8} groups {1e6 * launch.Seconds,9:F1} µs");
        }

        console.Write(works);
        return 0;
    }

    /// <summary>Each piece of work and its launches.</summary>
    internal static IEnumerable<(string Name, Launch[] Launches)> Modelled(LaunchModel model) =>
        Works().Select(work => (work.Name, Record(model, work.Prepare)));

    private static Table TableOf(params string[] columns)
    {
        Table table = new() { Border = TableBorder.Markdown };
        foreach (string column in columns) table.AddColumn(column);
        return table;
    }

    // The launches of a piece of work, without those that prepare it.
    private static Launch[] Record(LaunchModel model, Func<IBackend, List<IDisposable>, Action> prepare)
    {
        using Context context = Context.Create(builder => builder.CPU(CPUDevice.Nvidia));
        using GpuContext gpu = new(context, context.GetCPUDevice(0).CreateCPUAccelerator(context, CPUAcceleratorMode.Sequential), "a model", MemoryBytes);
        List<Launch> launches = [];
        gpu.InsteadOfLaunch = (kernel, groups, arguments) => launches.Add(model.Of(kernel, groups, arguments));
        using GpuBackend backend = new(gpu, keepOpen: true);
        List<IDisposable> owned = [];
        Action work = prepare(backend, owned);
        launches.Clear();
        work();
        Launch[] all = [.. launches];
        for (int i = owned.Count - 1; i >= 0; i--) owned[i].Dispose();
        return all;
    }

    private static IEnumerable<(string Name, Func<IBackend, List<IDisposable>, Action> Prepare)> Works()
    {
        yield return ("SVDNet forward, 32 excerpts", (backend, owned) => Forward(backend, owned, Batch));
        yield return ("SVDNet forward, 256 excerpts", (backend, owned) => Forward(backend, owned, 8 * Batch));
        yield return ("SVDNet training step, 32 excerpts", TrainClassifier);
        foreach (InversionArchitecture size in Contests.InversionSizes)
        {
            yield return ($"inversion training step, 32, {size.Name} size", (backend, owned) => TrainInverter(backend, owned, size));
        }

        yield return ("mask network training step, 32", TrainMasker);
    }

    private static Action Forward(IBackend backend, List<IDisposable> owned, int count)
    {
        SvdNet network = SvdNet.Create(backend, new RandomSource(1));
        Tensor input = Tensor.Allocate(backend, new Shape(count, 1, ExcerptFrames, Bands));
        owned.AddRange([network, input]);
        return () => network.Features(input).Dispose();
    }

    private static Action TrainClassifier(IBackend backend, List<IDisposable> owned)
    {
        const int frames = ExcerptFrames + Batch;
        TrainingSong song = new(MagnitudeSpectrogram.From(new float[frames * SpectrumBins]), new float[frames]);
        BandStatistics statistics = new(new double[Bands], [.. Enumerable.Repeat(1.0, Bands)]);
        ClassifierTraining training = new(backend, [song], [], [], statistics, augment: true, batchesPerEpoch: 2, Batch, seed: 1);
        owned.Add(training);
        return StepOf(training.Plan(1, []));
    }

    private static Action TrainInverter(IBackend backend, List<IDisposable> owned, InversionArchitecture size)
    {
        SvdNet detector = SvdNet.Create(backend, new RandomSource(1));
        float[] song = new float[(ExcerptFrames + Batch - 1) * Bands];
        InverterTraining training = new(backend, detector, [song], [], size, hop: 1, Batch, seed: 1, (_, _) => { });
        owned.AddRange([detector, training]);
        return StepOf(training.Plan(1, []));
    }

    private static Action TrainMasker(IBackend backend, List<IDisposable> owned)
    {
        SvdNet classifier = SvdNet.Create(backend, new RandomSource(1));
        float[] song = new float[(ExcerptFrames + Batch - 1) * Bands];
        MaskerTraining training = new(backend, classifier, [], [song], [], hop: 1, Batch, classThreshold: 0.5, seed: 1);
        owned.AddRange([classifier, training]);
        return StepOf(training.Plan(1, []));
    }

    private static Action StepOf(TrainingPlan plan) => () =>
    {
        plan.Step(0, 0);
        plan.Optimizer.Step(0.001);
    };
}
