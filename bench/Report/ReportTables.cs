using System.Globalization;
using Spectre.Console;

namespace Engine.Bench.Report;

/// <summary>The report on the console, and what it shares with the files.</summary>
internal static class ReportTables
{
    /// <summary>How the figures are to be read.</summary>
    public const string Reading =
        "Times are minimum and median of the runs, engine and peer measured in turns. FLOPs are those of the plain definition, a multiply-add counted as two, "
        + "so kernels that do with less arithmetic may pass 100 % of the peak; bytes are each array once, so arrays that stay in a cache may pass 100 % of the "
        + "memory bandwidth. Ratios are of the minima: above 1 the engine is faster.";

    private const int RedirectedWidth = 200;

    /// <summary>The columns of a table.</summary>
    public static readonly string[] Columns = ["", "N", "min ms", "median ms", "rate", "of peak", "peer", "peer min", "peer median", "ratio"];

    /// <summary>What is required, for the whole work.</summary>
    public static readonly string[] RequiredColumns = ["at least / hoped for", "verdict"];

    /// <summary>Prints everything.</summary>
    public static void Print(ReportData data)
    {
        // A file or a pipe has no width of its own.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = RedirectedWidth;
        foreach (string line in Head(data)) AnsiConsole.WriteLine(line);
        foreach (IGrouping<string, Row> group in data.Rows.GroupBy(row => row.Group))
        {
            bool isHeldToARatio = group.Any(row => row.AtLeast is not null);
            Table table = new Table().Title(group.Key).Border(TableBorder.Simple);
            foreach (string column in isHeldToARatio ? [.. Columns, .. RequiredColumns] : Columns)
            {
                TableColumn added = new(column);
                table.AddColumn(column is "" or "peer" or "verdict" ? added : added.RightAligned());
            }

            foreach (Row row in group) table.AddRow([.. Cells(row).Select(cell => new Text(cell))]);
            AnsiConsole.Write(table);
        }
    }

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
            Invariant($"Every kernel was checked against its definition (SVDNet's on up to four samples): {data.LargestKernelError:0.0e0} of the largest ")
                + "value at most, "
                + Invariant($"{Check.KernelTolerance:0e0} is allowed; whole networks against their peers within {Check.NetworkTolerance:0e0}, ")
                + Invariant($"the losses of two steps within {Check.LossTolerance:0e0}"),
        ];
    }

    /// <summary>A row's cells.</summary>
    public static string[] Cells(Row row)
    {
        string[] cells =
        [
            row.Kernel.Length > 0 ? $"{row.Name} {row.Kernel}" : row.Name, $"{row.N}", Milliseconds(row.MinMs), Milliseconds(row.MedianMs),
            Invariant($"{row.Rate:F1} {row.Unit}"), Invariant($"{100 * row.OfPeak:F0} %"), row.Peer ?? "", Milliseconds(row.PeerMinMs),
            Milliseconds(row.PeerMedianMs), Ratio(row.Ratio),
        ];
        return row.AtLeast is null ? cells : [.. cells, Invariant($"{row.AtLeast} / {row.HopedFor}"), row.Verdict];
    }

    private static string Milliseconds(double? ms) => ms is null ? "" : ms < 10 ? Invariant($"{ms:F3}") : Invariant($"{ms:F1}");

    private static string Ratio(double? ratio) => ratio is null ? "" : ratio < 100 ? Invariant($"{ratio:F2}×") : Invariant($"{ratio:F0}×");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
