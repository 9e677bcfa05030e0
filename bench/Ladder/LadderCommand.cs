using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Engine.Bench.Report;
using Engine.Kernels;
using Engine.Kernels.Simd;
using Engine.Svd.Cli;

namespace Engine.Bench.Ladder;

/// <summary><c>ladder</c>: two convolutions from the definition up, each form checked and measured. Exit codes: 0 done, 1 failed, 2 used wrongly.</summary>
internal static class LadderCommand
{
    private const double BudgetMs = 300;

    // SVDNet's second convolution on one excerpt, and the inversion network's fifth transposed one in the published size on 32.
    private static readonly ConvMaxPool2dShape Conv2 = new(new Conv2dShape(1, 64, 113, 78, 32, 3, 3), 3, 3, 3, 3);
    private static readonly ConvTranspose2dShape Uconv5 = new(32, 32, 16, 12, 16, 4, 4, 2, 2, 1, 1, layout: BatchLayout.Last);

    /// <summary>Runs the command line, from <c>ladder</c> on, writes to standard output or elsewhere, and returns the exit code.</summary>
    public static int Run(string[] args, TextWriter? to = null)
    {
        Option<string> filter = new("--filter")
        {
            Description = "Only rungs with this text in their ladder's or their own name, for example conv2 or Winograd.", HelpName = "TEXT",
            DefaultValueFactory = _ => "",
        };
        Option<int?> threads = Options.Threads();
        Option<bool> json = Options.Json("the tables");
        Command ladder = new(
            "ladder",
            "Runs two of the networks' convolutions in every form from plain loops to the one in use, checks each against the definition and measures it. "
            + "See docs/conv2.md.\n\nExample:\n  dotnet run -c Release --project bench -- ladder --filter conv2")
        {
            filter, threads, json,
        };
        ladder.SetAction(parsed => Run(
            parsed.GetValue(filter)!, parsed.GetValue(threads) ?? Environment.ProcessorCount, parsed.GetValue(json), to ?? Console.Out));
        return CommandLine.Run(ladder, args);
    }

    /// <summary>Both ladders in these sizes, with the widest vectors that the processor has.</summary>
    public static IReadOnlyList<OperationLadder> Open(ConvMaxPool2dShape conv, ConvTranspose2dShape transposed, int threads) => VectorSupport.Widest switch
    {
        VectorWidth.Bits512 => Open<V512>(conv, transposed, threads),
        VectorWidth.Bits256 => Open<V256>(conv, transposed, threads),
        VectorWidth.Bits128 => Open<V128>(conv, transposed, threads),
        _ => Open<V1>(conv, transposed, threads),
    };

    private static OperationLadder[] Open<TV>(ConvMaxPool2dShape conv, ConvTranspose2dShape transposed, int threads)
        where TV : unmanaged, IVector<TV> =>
        [new ConvolutionLadder<TV>("conv2 of SVDNet", conv, threads), new TransposedLadder<TV>("uconv5 of the inversion network", transposed, threads)];

    private static int Run(string filter, int threads, bool json, TextWriter to)
    {
        IReadOnlyList<OperationLadder> ladders = Open(Conv2, Uconv5, threads);
        try
        {
            (OperationLadder Ladder, Rung[] Rungs)[] chosen =
                [.. ladders.Select(ladder => (ladder, RungsOf(ladder, filter))).Where(pair => pair.Item2.Length > 0)];
            if (chosen.Length == 0) return CommandLine.Complain($"no rung has {filter} in its name", CommandLine.UsedWrongly);
            LadderSetting setting = new(
                Processor.Name, DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture), threads, (int)VectorSupport.Widest,
                MachinePeak.MeasureGflops(1, VectorSupport.Widest), MachinePeak.MeasureGflops(threads, VectorSupport.Widest),
                MachinePeak.MeasureBandwidth(threads, VectorSupport.Widest));
            LadderTable[] tables = [.. chosen.Select(pair => TableOf(pair.Ladder, pair.Rungs, setting))];
            if (json) to.WriteLine(JsonSerializer.Serialize(new { setting, tables }, Json.Indented));
            else LadderTables.Write(to, setting, tables);
            return 0;
        }
        finally
        {
            foreach (OperationLadder ladder in ladders) ladder.Dispose();
        }
    }

    private static Rung[] RungsOf(OperationLadder ladder, string filter) =>
        [.. ladder.Rungs.Where(rung => $"{ladder.Name}: {rung.Name}".Contains(filter, StringComparison.OrdinalIgnoreCase))];

    private static LadderTable TableOf(OperationLadder ladder, Rung[] rungs, LadderSetting setting)
    {
        double[] errors = [.. rungs.Select(ladder.Check)];
        return new LadderTable(
            ladder.Name, ladder.Spec.Title, ladder.Spec.Flops, ladder.Spec.Bytes,
            [.. rungs.Zip(errors, (rung, error) => Measure(ladder, rung, error, setting))]);
    }

    private static LadderRow Measure(OperationLadder ladder, Rung rung, double error, LadderSetting setting)
    {
        (Times times, _) = Alternation.Measure(rung.Run, null, BudgetMs);
        double rate = ladder.Spec.Flops / times.Min / 1e6;
        double peak = rung.Threads == 1 ? setting.PeakOfOneThread : setting.PeakGflops;
        return new LadderRow(rung.Number, rung.Name, rung.Threads, times.Min, rate, rate / peak, error, rung.Lines, rung.Files);
    }
}
