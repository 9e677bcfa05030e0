using System.Globalization;
using System.Text;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Tensors;
using Spectre.Console;

namespace Engine.Svd.Cli;

/// <summary>What became of a song of a batch.</summary>
/// <param name="Song">The file.</param>
/// <param name="Failure">Why it failed; null where it did not.</param>
/// <param name="Values">What was found, in the order of the columns; empty where it failed.</param>
internal sealed record BatchRow(string Song, string? Failure, IReadOnlyList<object> Values);

/// <summary>
/// Runs a command over songs: one progress bar for all of them, a bad song does not stop the others, and several songs end with a table. Where the command was
/// given several songs, each of its parts (<see cref="Shard"/>) writes the table to a CSV file, too.
/// </summary>
/// <param name="columns">What is found about each song.</param>
internal sealed class SongBatch(params string[] columns)
{
    private readonly List<BatchRow> _rows = [];

    /// <summary>The table's file in a folder, one for each part of the songs; null where the command was given one song.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="songs">All songs of all parts.</param>
    /// <param name="shard">The part.</param>
    public static string? SummaryIn(string folder, IReadOnlyList<SongFile> songs, Shard shard) =>
        songs.Count > 1 ? Path.Combine(folder, shard.FileName("summary", ".csv")) : null;

    /// <summary>Does a song's work, telling how much is done of how much, and returns what to print and what the columns hold.</summary>
    public delegate (string Line, object[] Values) Work(SongFile song, Action<double, double?> report);

    /// <summary>Runs the work.</summary>
    /// <param name="songs">The songs.</param>
    /// <param name="summary">The CSV file to write; null for none.</param>
    /// <param name="isQuiet">Whether no table is printed, as the lines are for a program to read.</param>
    /// <param name="work">What is done with each.</param>
    /// <returns>The exit code: 1 if a song failed.</returns>
    public int Run(IReadOnlyList<SongFile> songs, string? summary, bool isQuiet, Work work)
    {
        string title = songs.Count == 1 ? Path.GetFileName(songs[0].Path) : $"{songs.Count} songs";
        ProgressDisplay.Run(title, report =>
        {
            for (int i = 0; i < songs.Count; i++) RunOne(songs[i], ReportOf(i, songs.Count, report), work);
            return true;
        });
        if (summary is not null) AtomicFile.Write(summary, stream => stream.Write(Encoding.UTF8.GetBytes(ToCsv())));
        if (songs.Count > 1)
        {
            if (!isQuiet) Print();
            int failed = _rows.Count(row => row.Failure is not null);
            if (failed > 0) SvdCommand.Note($"{failed} of {songs.Count} songs failed{(summary is null ? "" : $"; {summary} says why")}");
        }

        return _rows.Any(row => row.Failure is not null) ? SvdCommand.Failed : 0;
    }

    private static Action<double, double?> ReportOf(int done, int songs, Action<double, double?> report) => (part, whole) =>
    {
        if (songs == 1) report(part, whole);
        else report(done + (whole is > 0 and var all ? Math.Min(1, part / all) : 0), songs);
    };

    private void RunOne(SongFile song, Action<double, double?> report, Work work)
    {
        try
        {
            (string line, object[] values) = work(song, report);
            _rows.Add(new BatchRow(song.Path, null, values));
            ProgressDisplay.WriteResult(line);
        }
        catch (EngineException failure)
        {
            string message = DeviceAdvice.MessageOf(failure);
            _rows.Add(new BatchRow(song.Path, MessageText.Line(message), []));
            SvdCommand.Fail(message);
        }

        report(1, 1);
    }

    private string ToCsv()
    {
        StringBuilder csv = new();
        csv.Append(string.Join(',', (string[])["song", .. columns, "failure"])).Append('\n');
        foreach (BatchRow row in _rows)
        {
            IEnumerable<string> values = row.Failure is null ? row.Values.Select(Exact) : columns.Select(_ => "");
            csv.Append(string.Join(',', values.Prepend(row.Song).Append(row.Failure ?? "").Select(Quoted))).Append('\n');
        }

        return csv.ToString();
    }

    private void Print()
    {
        Table table = new() { Border = TableBorder.Simple };
        table.AddColumns([.. columns.Prepend("song").Append("").Select(Markup.Escape)]);
        foreach (BatchRow row in _rows)
        {
            IEnumerable<string> values = row.Failure is null ? row.Values.Select(Short) : columns.Select(_ => "");
            string[] cells = [Path.GetFileName(row.Song), .. values, row.Failure is null ? "" : "failed"];
            table.AddRow([.. cells.Select(cell => Markup.Escape(MessageText.Line(cell)))]);
        }

        TextTable.Print(table);
    }

    private static string Exact(object value) => string.Create(CultureInfo.InvariantCulture, $"{value}");

    private static string Short(object value) => value is double or float ? string.Create(CultureInfo.InvariantCulture, $"{value:0.###}") : Exact(value);

    private static string Quoted(string value) =>
        value.AsSpan().ContainsAny(",\"\r\n") ? $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : value;
}
