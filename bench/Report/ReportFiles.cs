using System.Globalization;
using System.Text;
using Engine.Tensors;

namespace Engine.Bench.Report;

/// <summary>The report as files: Markdown, CSV and the roofline.</summary>
internal static class ReportFiles
{
    public const string Markdown = "RESULTS.md";
    public const string Csv = "results.csv";
    public const string Plot = "roofline.png";

    /// <summary>Writes all three into a folder.</summary>
    /// <exception cref="Kernels.EngineException">One cannot be written.</exception>
    public static void Write(ReportData data, string folder)
    {
        byte[] plot = Roofline.RenderPng(data);
        AtomicFile.Write(Path.Combine(folder, Plot), stream => stream.Write(plot));
        AtomicFile.Write(Path.Combine(folder, Csv), stream => stream.Write(Encoding.UTF8.GetBytes(CsvOf(data))));
        AtomicFile.Write(Path.Combine(folder, Markdown), stream => stream.Write(Encoding.UTF8.GetBytes(MarkdownOf(data))));
    }

    private static string MarkdownOf(ReportData data)
    {
        StringBuilder text = new();
        text.Append("# Results\n\n");
        bool others = data.Rows.Any(row => row.Group.StartsWith($"{Contests.Group}, ", StringComparison.Ordinal));
        string options = data.Setting.Gpu is not null ? "--device … --out bench/gpu" : others ? "--other-settings --out bench" : "--out bench";
        string notes = data.Setting.Gpu is null ? "NOTES.md" : "../NOTES.md";
        text.Append($"Written by `dotnet run -c Release --project bench -- report {options}`; what was tried is in [NOTES.md]({notes}), ");
        text.Append("every figure in ");
        text.Append($"[{Csv}]({Csv}).\n\n");
        foreach (string line in ReportTables.Head(data)) text.Append($"- {line}\n");
        text.Append($"\n{ReportTables.Reading}\n");
        foreach (IGrouping<string, Row> group in data.Rows.GroupBy(row => row.Group))
        {
            text.Append($"\n## {char.ToUpperInvariant(group.Key[0])}{group.Key[1..]}\n\n");
            text.Append($"| {string.Join(" | ", ReportTables.Columns.Select(column => column.Name))} |\n");
            text.Append($"|{string.Concat(ReportTables.Columns.Select(column => column.IsNumber ? " ---: |" : " --- |"))}\n");
            foreach (Row row in group) text.Append($"| {string.Join(" | ", ReportTables.Cells(row))} |\n");
            if (ReportTables.SumOf(data, group) is { } sum) text.Append($"\n{sum}\n");
            if (group.Key == Contests.Group) text.Append($"\n![Kernels under the roofline of this machine]({Plot})\n");
        }

        return text.ToString();
    }

    private static string CsvOf(ReportData data)
    {
        StringBuilder text = new(
            "group,name,kernel,calls,min_ms,median_ms,rate,unit,of_peak,flops_per_byte,peer,peer_min_ms,peer_median_ms,ratio\n");
        foreach (Row row in data.Rows)
        {
            object?[] fields =
            [
                row.Group, row.Name, row.Kernel, row.Calls, row.MinMs, row.MedianMs, row.Rate, row.Unit, row.OfPeak, row.Intensity, row.Peer, row.PeerMinMs,
                row.PeerMedianMs, row.Ratio,
            ];
            text.AppendJoin(',', fields.Select(Field)).Append('\n');
        }

        return text.ToString();
    }

    private static string Field(object? value) => value switch
    {
        double number => number.ToString("g6", CultureInfo.InvariantCulture),
        string text when text.Contains(',') => $"\"{text}\"",
        _ => $"{value}",
    };
}
