using static System.FormattableString;

namespace Engine.Bench.Ladder;

/// <summary>The ladders as Markdown.</summary>
internal static class LadderTables
{
    /// <summary>Writes everything.</summary>
    public static void Write(TextWriter to, LadderSetting setting, IEnumerable<LadderTable> tables)
    {
        to.WriteLine($"{setting.Date}: {setting.Processor}, {setting.VectorBits}-bit vectors. Peak measured in this process:");
        to.WriteLine(Invariant(
            $"{setting.PeakOfOneThread:F0} GFLOP/s on one thread, {setting.PeakGflops:F0} on {setting.Threads}; memory {setting.BandwidthGbs:F1} GB/s."));
        foreach (LadderTable table in tables) Write(to, setting, table);
        to.WriteLine();
        to.WriteLine("GFLOP/s are of the plain definition, and the peak is that of the rung's threads. Winograd's rungs do fewer operations than");
        to.WriteLine("the definition, so they can exceed 100 %. \"Lines\" counts the lines of the files that are not blank.");
    }

    private static void Write(TextWriter to, LadderSetting setting, LadderTable table)
    {
        double intensity = (double)table.Flops / table.Bytes;
        to.WriteLine();
        to.WriteLine($"### {table.Name}");
        to.WriteLine();
        to.WriteLine($"{table.Operation}.");
        to.WriteLine(
            Invariant($"{table.Flops / 1e6:F0} MFLOP, {table.Bytes / 1e6:F2} MB: {intensity:F0} FLOP a byte. Memory alone would allow ")
            + Invariant($"{intensity * setting.BandwidthGbs:F0} GFLOP/s."));
        to.WriteLine();
        to.WriteLine("| # | rung | ms | GFLOP/s | of peak | threads | lines | files |");
        to.WriteLine("| ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |");
        foreach (LadderRow row in table.Rungs)
        {
            to.WriteLine(
                Invariant($"| {row.Number} | {row.Name} | {Short(row.Milliseconds)} | {Short(row.Gflops)} | {Short(100 * row.OfPeak)} % | ")
                + Invariant($"{row.Threads} | {row.Lines} | {FilesOf(row, table)} |"));
        }
    }

    // Files that an earlier rung named are not repeated.
    private static string FilesOf(LadderRow row, LadderTable table)
    {
        LadderRow first = table.Rungs.First(other => other.Files.SequenceEqual(row.Files));
        return first == row ? string.Join(", ", row.Files.Select(file => $"`{file}`")) : $"as {first.Number}";
    }

    private static string Short(double value) => value >= 100 ? Invariant($"{value:F0}") : value >= 10 ? Invariant($"{value:F1}") : Invariant($"{value:F2}");
}
