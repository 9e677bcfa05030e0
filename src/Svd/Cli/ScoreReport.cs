using System.Globalization;
using System.Text;
using Engine.Svd.FrontEnd;
using Engine.Svd.Predict;
using Spectre.Console;

namespace Engine.Svd.Cli;

/// <summary>A song and its scores.</summary>
internal sealed record ScoreRow(string Song, DetectionScores Scores);

/// <summary>The bounds of a 95 % interval over songs.</summary>
internal sealed record ScoreInterval(double Low, double High);

/// <summary>The result of <c>svd score</c>.</summary>
/// <param name="Split">The part of the corpus; null if folds were scored.</param>
/// <param name="ClassThreshold">Frames with at least this probability count as singing.</param>
/// <param name="TunedOn">The songs that the threshold was tuned on; null if it was given.</param>
/// <param name="Device">The device that computed.</param>
/// <param name="Songs">The scores of each song.</param>
/// <param name="All">The scores of all frames together.</param>
/// <param name="ErrorOfOtherFoldsThresholds">For folds: the error if each fold's threshold is the one with the fewest errors on the other folds.</param>
/// <param name="Intervals">For each score's name, the interval over songs of the score of all frames.</param>
/// <param name="Reliability">The reliability curve of all frames together.</param>
/// <param name="Warnings">What is doubtful about the songs and their labels.</param>
internal sealed record ScoreReport(
    string? Split, double ClassThreshold, string? TunedOn, string Device, ScoreRow[] Songs, DetectionScores All, double? ErrorOfOtherFoldsThresholds,
    IReadOnlyDictionary<string, ScoreInterval> Intervals, IReadOnlyList<ReliabilityBin> Reliability, IReadOnlyList<string> Warnings)
{
    private const int LineLength = 160; // For output that is not a terminal.

    private static readonly (string Heading, string Name, Func<DetectionScores, double?> Score)[] _columns =
    [
        ("error", "error", scores => scores.Error), ("best", "best_error", scores => scores.BestError), ("precision", "precision", scores => scores.Precision),
        ("recall", "recall", scores => scores.Recall), ("specificity", "specificity", scores => scores.Specificity), ("F1", "f1", scores => scores.F1),
        ("ROC area", "roc_area", scores => scores.RocArea), ("Brier", "brier_score", scores => scores.BrierScore),
        ("ECE", "calibration_error", scores => scores.CalibrationError),
    ];

    // The other scores do not follow from counts of frames.
    private static readonly string[] _withInterval = ["error", "precision", "recall", "specificity", "f1"];

    /// <summary>The intervals over songs of all scores that follow from counts of frames; an interval that cannot be computed is left out.</summary>
    public static IReadOnlyDictionary<string, ScoreInterval> IntervalsOf(ScoreRow[] songs)
    {
        DetectionScores[] scores = [.. songs.Select(row => row.Scores)];
        return _columns.Where(column => _withInterval.Contains(column.Name))
            .Select(column => (column.Name, Interval: SongBootstrap.Interval(scores, column.Score)))
            .Where(column => column.Interval is not null)
            .ToDictionary(column => column.Name, column => new ScoreInterval(column.Interval!.Value.Low, column.Interval.Value.High));
    }

    /// <summary>One line per song, one for all songs together, and two for the bounds of the intervals.</summary>
    public string ToCsv()
    {
        StringBuilder text = new($"song,frames,{string.Join(',', _columns.Select(column => column.Name))}\n");
        foreach (ScoreRow row in Songs.Append(new ScoreRow("all", All)))
        {
            Append(row.Song, $"{row.Scores.Frames}", column => column.Score(row.Scores));
        }

        Append("all, low", "", column => Intervals.GetValueOrDefault(column.Name)?.Low);
        Append("all, high", "", column => Intervals.GetValueOrDefault(column.Name)?.High);
        return text.ToString();

        void Append(string song, string frames, Func<(string Heading, string Name, Func<DetectionScores, double?> Score), double?> value)
        {
            text.Append(CultureInfo.InvariantCulture, $"\"{song.Replace("\"", "\"\"")}\",{frames}");
            foreach (var column in _columns) text.Append(CultureInfo.InvariantCulture, $",{value(column)}");
            text.Append('\n');
        }
    }

    /// <summary>Prints the table and explains it.</summary>
    /// <param name="data">The corpus.</param>
    public void Print(string data)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("song").AddColumn(new TableColumn("frames").RightAligned());
        foreach ((string heading, _, _) in _columns) table.AddColumn(new TableColumn(heading).RightAligned());
        foreach (ScoreRow row in Songs) AddRow(row.Song, $"{row.Scores.Frames}", column => Text(column.Score(row.Scores)));
        table.AddEmptyRow();
        AddRow("all", $"{All.Frames}", column => Text(column.Score(All)));
        if (Songs.Length > 1)
        {
            AddRow("95 % over songs", "", column => Intervals.GetValueOrDefault(column.Name) is { } ends ? $"{ends.Low:F3}–{ends.High:F3}" : "");
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out), Ansi = AnsiSupport.No });
        if (Console.IsOutputRedirected) console.Profile.Width = LineLength;
        console.Write(table);
        Console.WriteLine(
            $"{data}, {Split ?? "every song by a detector that was not trained with it"}: {FrontEndSettings.FramesPerSecond} frames a second, each with the "
            + $"label of the time at which it starts; probabilities are a running median over {Segments.MedianFrames} frames");
        Console.WriteLine($"singing if P >= {ClassThreshold:F4}, "
            + (TunedOn is null ? "as given" : $"the threshold with the fewest errors on the songs of {TunedOn}")
            + (TunedOn is not null && TunedOn == (Split ?? TunedOn) ? ", which are scored here" : "")
            + $"; the best possible one here is {All.BestThreshold:F4}");
        if (ErrorOfOtherFoldsThresholds is { } error) Console.WriteLine($"error {error:F3} if each fold's threshold is tuned on the other folds");

        void AddRow(string song, string frames, Func<(string Heading, string Name, Func<DetectionScores, double?> Score), string> text) =>
            table.AddRow([Markup.Escape(song), frames, .. _columns.Select(text)]);

        static string Text(double? score) => score is { } value ? $"{value:F3}" : "–";
    }
}
