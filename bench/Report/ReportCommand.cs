using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Engine.Bench.Peers;
using Engine.Kernels;
using Engine.Kernels.Simd;
using Engine.Svd.Cli;

namespace Engine.Bench.Report;

/// <summary>
/// <c>report</c>: checks every kernel, then measures kernels and whole work beside their peers. Exit codes: 0 for success, 1 for failure, 2 for wrong usage.
/// </summary>
public static class ReportCommand
{
    // With warm-up and set-up, about half a second a kernel, so that the whole report takes less than five minutes, and less than six with other settings.
    private const double KernelBudgetMs = 150;
    private const double ContestBudgetMs = 5000;
    private const double OtherContestBudgetMs = 2500;

    // The shortest time that is measured, with many launches if necessary.
    private const double ProcessorRunMs = 0.2;
    private const double DeviceRunMs = 10;

    /// <summary>Runs the command line, from <c>report</c> on, and returns the exit code.</summary>
    public static int Run(string[] args)
    {
        DeviceOptions device = new();
        Option<string> vector = new("--vector")
        {
            Description = "Bits of the registers; without it the widest.", DefaultValueFactory = _ => $"{(int)VectorSupport.Widest}",
        };
        vector.AcceptOnlyFromAmong("512", "256", "128");
        Option<string> output = new("--out")
        {
            Description = "The folder for RESULTS.md, results.csv and roofline.png.", HelpName = "DIR", DefaultValueFactory = _ => Path.Combine("out", "bench"),
        };
        Option<string?> filter = new("--filter") { Description = "Only what has this text in its name, for example conv2 or training.", HelpName = "TEXT" };
        Option<string?> python = new("--python")
        {
            Description = "A Python that can import torch; without it the first on the search path that can.", HelpName = "FILE",
        };
        Option<bool> others = new("--other-settings")
        {
            Description = "Also the whole work with 256-bit vectors and on one thread, which takes a minute and a half more.",
        };
        Option<bool> json = Options.Json("the report");
        Command report = new("report", "Checks every kernel, then measures kernels and whole work beside their peers.")
        {
            device, vector, others, output, filter, python, json,
        };
        report.Validators.Add(result =>
        {
            if (device.IsReference(result)) result.AddError("the definitions are what kernels are checked against: they are not measured");
            if (!device.IsCpu(result) && (result.GetValue(others) || result.GetResult(vector) is { Implicit: false }))
            {
                result.AddError($"{vector.Name} and {others.Name} are the processor's: they do not go with another --device");
            }
        });
        report.SetAction(parsed => Run(
            device.Of(parsed), device.ThreadsOf(parsed), Enum.Parse<VectorWidth>(parsed.GetValue(vector)!), parsed.GetValue(others),
            parsed.GetValue(output)!, parsed.GetValue(filter) ?? "", parsed.GetValue(python), parsed.GetValue(json)));
        return CommandLine.Run(report, args);
    }

    private static int Run(
        Func<IBackend> create, int threads, VectorWidth width, bool others, string folder, string filter, string? namedPython, bool json)
    {
        KernelCase[] kernels = [.. KernelCases.All.Where(kernel => $"{kernel}".Contains(filter, StringComparison.OrdinalIgnoreCase))];
        (string Name, Func<Contests, Contest> Make)[] works =
            [.. Contests.All.Where(work => $"{Contests.Group}: {work.Name}".Contains(filter, StringComparison.OrdinalIgnoreCase))];
        if (kernels.Length + works.Length == 0) return CommandLine.Complain($"nothing has {filter} in its name", CommandLine.UsedWrongly);
        OutputFolder.Prepare(folder);
        using IBackend asked = create();
        Machine machine = asked is GpuBackend on ? Machine.OfGpu(on.Gpu, threads) : Machine.OfProcessor(threads, width);
        string? python = TorchPeer.FindPython(namedPython, machine.IsCuda);
        double error;
        using (IBackend backend = machine.Open())
        {
            // The longest checks come first, so that the threads finish together.
            KernelCase[] checks = [.. kernels.DistinctBy(kernel => (kernel.Spec.Name, kernel.CheckedAs.Title))];
            Progress progress = new("checking kernels against their definitions", checks.Sum(kernel => kernel.CheckWork));
            error = checks.OrderByDescending(kernel => kernel.CheckWork).AsParallel().WithDegreeOfParallelism(threads)
                .WithMergeOptions(ParallelMergeOptions.NotBuffered)
                .Select(kernel => (kernel.CheckWork, Error: Check.Kernel(kernel, backend))).Aggregate(0.0, (largest, done) =>
                {
                    progress.Add(done.Item1);
                    return Math.Max(largest, done.Error);
                });
        }

        (Setting setting, List<Row> rows) = MeasureWork(works, machine, python, Contests.Group, ContestBudgetMs);
        using (IBackend backend = machine.Open())
        {
            Progress progress = new("measuring kernels", kernels.Length);
            foreach (KernelCase kernel in kernels)
            {
                rows.Add(Measure(kernel, backend, setting));
                progress.Add(1);
            }
        }

        if (others)
        {
            VectorWidth narrow = (VectorWidth)Math.Min((int)width, (int)VectorWidth.Bits256);
            Add(Machine.OfProcessor(threads, narrow), $"{(int)narrow}-bit vectors");
            Add(Machine.OfProcessor(1, width), "1 thread");

            void Add(Machine other, string what) =>
                rows.AddRange(MeasureWork(works, other, python, $"{Contests.Group}, {what}", OtherContestBudgetMs).Rows);
        }

        ReportData data = new(setting, error, rows);
        if (json) Console.WriteLine(JsonSerializer.Serialize(data, Json.Indented));
        else ReportTables.Print(data);
        ReportFiles.Write(data, folder);
        Console.Error.WriteLine($"written: {Path.Combine(folder, ReportFiles.Markdown)}, {ReportFiles.Csv}, {ReportFiles.Plot}");
        return 0;
    }

    private static (Setting Setting, List<Row> Rows) MeasureWork(
        (string Name, Func<Contests, Contest> Make)[] works, Machine machine, string? python, string group, double budgetMs)
    {
        // The peers take the processors while they start.
        (double gflops, double bandwidth, double? exchange) = (machine.MeasureGflops(), machine.MeasureBandwidth(), machine.MeasureExchange());
        using Contests contests = Contests.Open(machine, python);
        Setting setting = new(
            Processor.Name, RuntimeInformation.RuntimeIdentifier, RuntimeInformation.FrameworkDescription, Processor.InstructionSets, (int)machine.Width,
            machine.Threads, Environment.ProcessorCount, gflops, bandwidth, exchange, contests.Peers,
            DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture), machine.Gpu);
        List<Row> rows = [];
        Progress progress = new($"measuring {group}", works.Length);
        foreach ((_, Func<Contests, Contest> make) in works)
        {
            using Contest contest = make(contests);
            (Times ours, Times? theirs) = Alternation.Measure(contest.Run, contest.PeerTimes, budgetMs);
            rows.Add(RowOf(contest, group, ours, theirs, setting));
            progress.Add(1);
        }

        return (setting, rows);
    }

    private static Row Measure(KernelCase kernel, IBackend backend, Setting setting)
    {
        using KernelRun run = new(kernel.Spec, backend);
        using CudaPeer? library = backend is GpuBackend device ? CudaPeer.Open(kernel.Spec.Name, kernel.Settings, device, Console.Error) : null;
        using OnnxPeer? peer = setting.Gpu is null && kernel.Peer is { } operation ? PeerOf(kernel, operation, setting.Threads) : null;
        if (peer is not null)
        {
            run.Call();
            Check.Close(
                peer.Output("y"), kernel.Peer!.OutputOf(run.Results().First().Values), Check.KernelTolerance, $"{kernel}, against ONNX Runtime's");
        }

        // A clock cannot measure less than a tick, and waiting for a device takes longer than a small kernel.
        int launches = Alternation.LaunchesOfARun(run.Launch, backend.Synchronize, setting.Gpu is null ? ProcessorRunMs : DeviceRunMs);
        Action? once = library is not null ? library.Launch : peer is not null ? peer.Run : null, repeated = once is null ? null : () =>
        {
            for (int i = 0; i < launches; i++) once();
            if (library is not null) backend.Synchronize();
        };
        (Times ours, Times? theirs) = Alternation.Measure(
            () => run.Call(launches), repeated is null ? null : Alternation.TimesOf(repeated), KernelBudgetMs);
        (ours, theirs) = (ours.Per(launches), theirs?.Per(launches));
        OpSpec spec = kernel.Spec;
        bool isProduct = spec.Flops > 0;
        double rate = (isProduct ? spec.Flops : spec.Bytes) / ours.Min / 1e6;
        return new Row(
            kernel.Work, kernel.Layer, spec.Name, kernel.Calls, ours.Min, ours.Median, rate, isProduct ? "GFLOP/s" : "GB/s",
            rate / (isProduct ? setting.PeakGflops : setting.BandwidthGbs), (double)spec.Flops / spec.Bytes,
            library is not null ? library.Name : peer is not null ? "ONNX Runtime" : null,
            theirs?.Min, theirs?.Median, theirs?.Min / ours.Min);
    }

    private static OnnxPeer PeerOf(KernelCase kernel, OnnxOperation operation, int threads)
    {
        float[][] inputs = [.. kernel.Spec.Operands.Where(operand => operand.Role == OperandRole.In).Select(KernelRun.InputOf)];
        return new OnnxPeer(operation.Graph(inputs), threads, operation.InputShape, operation.InputOf(inputs[0]));
    }

    private static Row RowOf(Contest contest, string group, Times ours, Times? theirs, Setting setting)
    {
        double rate = contest.Flops / ours.Min / 1e6;

        // Work on one thread is compared with one thread's peak.
        double peak = contest.AudioSeconds is null || setting.Gpu is not null ? setting.PeakGflops : setting.PeakGflops / setting.Threads;
        (double shown, string unit) = contest.AudioSeconds is { } seconds ? (1000 * seconds / ours.Min, "× real time") : (rate, "GFLOP/s");
        return new Row(
            group, contest.Name, "", 1, ours.Min, ours.Median, shown, unit, rate / peak, 0, contest.Peer, theirs?.Min, theirs?.Median,
            theirs?.Min / ours.Min);
    }
}
