using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.Figures;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Predict;
using Engine.Tensors;
using Spectre.Console;

namespace Engine.Svd.Cli;

/// <summary><c>svd score</c>: how well the detector finds singing in the songs of a corpus.</summary>
internal static class ScoreCommand
{
    private const string TuningSplit = "valid";
    private const int LineLength = 160; // Where no terminal tells its own.

    private static readonly (string Heading, string Name, Func<DetectionScores, double?> Score)[] Columns =
    [
        ("error", "error", scores => scores.Error), ("best", "best_error", scores => scores.BestError), ("precision", "precision", scores => scores.Precision), ("recall", "recall", scores => scores.Recall),
        ("specificity", "specificity", scores => scores.Specificity), ("F1", "f1", scores => scores.F1), ("ROC area", "roc_area", scores => scores.RocArea),
        ("Brier", "brier_score", scores => scores.BrierScore), ("ECE", "calibration_error", scores => scores.CalibrationError),
    ];

    public static Command Create()
    {
        Option<string> data = Options.Data();
        Option<string> split = new("--split") { Description = "The part of the corpus.", HelpName = "NAME", DefaultValueFactory = _ => "test" };
        Option<string?> classifier = Options.Classifier();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<string> classThreshold = Options.ClassThresholdOrAuto();
        Option<string?> output = new("--out") { Description = "The folder for scores.csv, reliability.csv, .png and .svg; without it no file is written.", HelpName = "DIR" };
        Option<string?> cache = Options.Cache();
        DeviceOptions device = new();
        Option<bool> json = Options.Json("one object");
        Command command = new(
            "score",
            "Scores the detector on the labelled songs of a corpus, by song and all frames together: error, the best error that any threshold would give "
            + "there, precision, recall, specificity, F1, the area under the ROC curve, the Brier score (the mean squared distance between probability and "
            + "label) and the expected calibration error (ECE): how far, in the mean, the share of sung frames lies from the probability, over ten ranges of it "
            + "(reliability.csv). Counted are frames, 70 a second; a frame has the label of the time at which it starts, and its probability after a running "
            + "median over 56 frames. The threshold is the one with the fewest errors on the songs of filelists/valid, "
            + "in the middle of the longest interval of such thresholds.\n\n"
            + "Example:\n  svd score --data jamendo --classifier svdnet.npz --stats svdnet.meanstd.npz --out scores")
        {
            data, split, classifier, statistics, classThreshold, output, cache, device, json,
        };
        command.SetAction(parsed => Run(new Request(
            parsed.GetRequiredValue(data), parsed.GetRequiredValue(split), parsed.GetValue(classifier) ?? BundledFiles.Classifier,
            parsed.GetValue(statistics) ?? BundledFiles.Statistics, Options.NumberIn(parsed.GetRequiredValue(classThreshold)),
            parsed.GetValue(output), parsed.GetValue(cache), device.Of(parsed), parsed.GetValue(json))));
        return command;
    }

    private static int Run(Request request)
    {
        Corpus corpus = Corpus.Open(request.Data);
        IReadOnlyList<Song> songs = corpus.Split(request.Split);
        IReadOnlyList<Song> tuning = request.ClassThreshold is null && request.Split != TuningSplit ? corpus.Split(TuningSplit) : [];
        using IBackend backend = request.CreateBackend();
        BandStatistics statistics = BandStatistics.Read(request.Statistics);
        using SvdNet network = SvdNet.Load(backend, request.Classifier);
        SpectrogramCache cache = SpectrogramCache.Open(request.Data, request.Cache);
        if (request.Out is not null) OutputFolder.Prepare(request.Out);
        LabelledSong[] predicted = ProgressDisplay.Run(
            "songs", report => LabelledSong.PredictAll(backend, network, statistics, cache, [.. songs, .. tuning], report));

        LabelledSong[] scored = predicted[..songs.Count];
        double threshold = request.ClassThreshold ?? LabelledSong.Together(tuning.Count > 0 ? predicted[songs.Count..] : scored).TuneThreshold();
        Row[] rows = [.. scored.Append(LabelledSong.Together(scored)).Select(song => new Row(song.Name, song.Scores(threshold)))];
        ReliabilityCurve reliability = LabelledSong.Together(scored).Reliability();
        Report report = new(
            request.Split, threshold, request.ClassThreshold is null ? TuningSplit : null, backend.Name, rows[..^1], rows[^1].Scores, reliability.Bins);
        if (request.Out is not null) Write(request.Out, rows, reliability, $"{request.Data}, {request.Split}: {songs.Count} songs");
        if (request.Json) Console.WriteLine(JsonSerializer.Serialize(report, Json.Indented));
        else Print(request, report, rows);
        return 0;
    }

    private static void Write(string folder, Row[] rows, ReliabilityCurve reliability, string subheading)
    {
        WriteText("scores.csv", ToCsv(rows));
        WriteText("reliability.csv", ToCsv(reliability));
        const string heading = "Reliability of the probabilities";
        WriteBytes("reliability.png", ReliabilityFigure.RenderPng(reliability, heading, subheading));
        WriteBytes("reliability.svg", ReliabilityFigure.RenderSvg(reliability, heading, subheading));

        void WriteText(string name, string text) => WriteBytes(name, Encoding.UTF8.GetBytes(text));

        void WriteBytes(string name, byte[] bytes) => AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(bytes));
    }

    private static string ToCsv(ReliabilityCurve reliability)
    {
        StringBuilder text = new("from,to,frames,mean_probability,sung_share\n");
        foreach (ReliabilityBin bin in reliability.Bins)
        {
            text.Append(CultureInfo.InvariantCulture, $"{bin.From},{bin.To},{bin.Frames},{bin.MeanProbability},{bin.SungShare}\n");
        }

        return text.ToString();
    }

    private static string ToCsv(Row[] rows)
    {
        StringBuilder text = new($"song,frames,{string.Join(',', Columns.Select(column => column.Name))}\n");
        foreach (Row row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"\"{row.Song.Replace("\"", "\"\"")}\",{row.Scores.Frames}");
            foreach ((_, _, Func<DetectionScores, double?> score) in Columns) text.Append(CultureInfo.InvariantCulture, $",{score(row.Scores)}");
            text.Append('\n');
        }

        return text.ToString();
    }

    private static void Print(Request request, Report report, Row[] rows)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumn("song").AddColumn(new TableColumn("frames").RightAligned());
        foreach ((string heading, _, _) in Columns) table.AddColumn(new TableColumn(heading).RightAligned());
        foreach (Row row in rows)
        {
            if (row == rows[^1]) table.AddEmptyRow();
            IEnumerable<string> scores = Columns.Select(column => column.Score(row.Scores) is { } score ? $"{score:F3}" : "–");
            table.AddRow([Markup.Escape(row.Song), $"{row.Scores.Frames}", .. scores]);
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        if (Console.IsOutputRedirected) console.Profile.Width = LineLength;
        console.Write(table);
        Console.WriteLine(
            $"{request.Data}, {report.Split}: frames ({FrontEndSettings.FramesPerSecond} a second), each with the label of the time at which it starts; "
            + $"probabilities after a running median over {Segments.MedianFrames} frames");
        Console.WriteLine($"singing from {report.ClassThreshold:F4} on, "
            + (report.TunedOn is null ? "as given" : $"the threshold with the fewest errors on the songs of {report.TunedOn}")
            + (report.TunedOn == report.Split ? ": those scored here" : "")
            + $"; the best possible one here is {report.All.BestThreshold:F4}");
    }

    private sealed record Request(
        string Data, string Split, string Classifier, string Statistics, double? ClassThreshold, string? Out, string? Cache, Func<IBackend> CreateBackend,
        bool Json);

    private sealed record Row(string Song, DetectionScores Scores);

    private sealed record Report(string Split, double ClassThreshold, string? TunedOn, string Device, Row[] Songs, DetectionScores All,
        IReadOnlyList<ReliabilityBin> Reliability);
}
