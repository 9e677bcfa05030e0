using System.Globalization;
using Spectre.Console;

namespace Engine.Bench.Report;

/// <summary>The report on the console, and what it shares with the files.</summary>
internal static class ReportTables
{
    /// <summary>How to read the figures.</summary>
    public const string Reading =
        "Times are the minimum and the median of the runs; the engine and its peer run in turns. The rows of a piece of work are the operations that it runs, "
        + "each by itself, with the number of calls; as in the network, inference keeps transformed filters from call to call and training does not. FLOPs are "
        + "those of the plain definition, a multiply-add counted as two; bytes count each array once. Above 100 % of the peak it says why: the kernel does "
        + "fewer operations than the definition (Winograd's transforms), or its arrays stay in a cache. Ratios are of the minima: above 1 the engine is "
        + "faster.";

    private const int RedirectedWidth = 200;

    /// <summary>The columns of a table; numbers are aligned to the right.</summary>
    public static readonly (string Name, bool IsNumber)[] Columns =
    [
        ("", false), ("calls", true), ("min ms", true), ("median ms", true), ("rate", true), ("of peak", true), ("", false), ("peer", false),
        ("peer min", true), ("peer median", true), ("ratio", true),
    ];

    /// <summary>Prints everything.</summary>
    public static void Print(ReportData data)
    {
        // A file or a pipe has no width.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = RedirectedWidth;
        foreach (string line in Head(data)) AnsiConsole.WriteLine(line);
        foreach (IGrouping<string, Row> group in data.Rows.GroupBy(row => row.Group))
        {
            Table table = new Table().Title(group.Key).Border(TableBorder.Simple);
            foreach ((string name, bool isNumber) in Columns) table.AddColumn(isNumber ? new TableColumn(name).RightAligned() : new TableColumn(name));
            foreach (Row row in group) table.AddRow([.. Cells(row).Select(cell => new Text(cell))]);
            AnsiConsole.Write(table);
            if (SumOf(data, group) is { } sum) AnsiConsole.WriteLine(sum);
        }
    }

    // Where processors are virtual, it tells whether they share a cache.
    private static IEnumerable<string> ExchangeOf(Setting setting) =>
        setting.ExchangeGbs is { } rate ? [Invariant($"Before the works, what another thread had just written was read at {rate:F0} GB/s a thread")] : [];

    /// <summary>What the report was made with, line by line.</summary>
    public static IEnumerable<string> Head(ReportData data)
    {
        Setting setting = data.Setting;
        return
        [
            setting.Gpu is { } gpu
                ? $"{setting.Date}: {gpu} ({setting.System}, driven from {setting.Processor}); kernels are started many times for each wait for the device"
                : $"{setting.Date}: {setting.Processor} ({setting.System}), {setting.Threads} of {setting.Processors} processors, "
                    + $"{setting.VectorBits}-bit vectors ({string.Join(' ', setting.InstructionSets)})",
            $"{setting.Runtime}; peers: {string.Join("; ", setting.Peers)}",
            Invariant($"Peak measured in this process: {setting.PeakGflops:F0} GFLOP/s, {setting.BandwidthGbs:F1} GB/s"),
            .. ExchangeOf(setting),
            Invariant($"Every kernel was checked against its definition (SVDNet's on up to four samples): {data.LargestKernelError:0.0e0} of the largest ")
                + "value at most, "
                + Invariant($"{Check.KernelTolerance:0e0} is allowed; whole networks against their peers within {Check.NetworkTolerance:0e0}, ")
                + Invariant($"the losses of two steps within {Check.LossTolerance:0e0}"),
        ];
    }

    /// <summary>A row's cells.</summary>
    public static string[] Cells(Row row)
    {
        return
        [
            row.Kernel.Length > 0 ? $"{row.Name} {row.Kernel}" : row.Name, $"{row.Calls}", Milliseconds(row.MinMs), Milliseconds(row.MedianMs),
            Invariant($"{row.Rate:F1} {row.Unit}"), Invariant($"{100 * row.OfPeak:F0} %"), row.AboveThePeak, row.Peer ?? "", Milliseconds(row.PeerMinMs),
            Milliseconds(row.PeerMedianMs), Ratio(row.Ratio),
        ];
    }

    /// <summary>What the operations of a piece of work add up to beside the whole of it; null for other groups, and where the whole was not measured.</summary>
    public static string? SumOf(ReportData data, IGrouping<string, Row> group)
    {
        if (data.Rows.FirstOrDefault(row => row.Kernel.Length == 0 && row.Name == group.Key) is not { } whole) return null;
        return $"The rows add up to {Milliseconds(group.Sum(row => row.Calls * row.MinMs))} ms; the whole takes {Milliseconds(whole.MinMs)} ms.";
    }

    private static string Milliseconds(double? ms) => ms is null ? "" : ms < 10 ? Invariant($"{ms:F3}") : Invariant($"{ms:F1}");

    private static string Ratio(double? ratio) => ratio is null ? "" : ratio < 100 ? Invariant($"{ratio:F2}×") : Invariant($"{ratio:F0}×");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
