using System.CommandLine;
using System.Text;
using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.Figures;
using Engine.Svd.Model;
using Engine.Svd.Predict;
using Engine.Svd.Train;

namespace Engine.Svd.Cli;

/// <summary><c>svd score</c>: measures how well the detector finds singing in the songs of a corpus.</summary>
internal static class ScoreCommand
{
    private const string TuningSplit = "valid";
    private static readonly string[] FileNames = ["scores.csv", "reliability.csv", "reliability.png", "reliability.svg"];
    private const string UsualSplit = "test";

    public static Command Create()
    {
        Option<string> data = Options.Data();
        Option<string> split = new("--split") { Description = "The part of the corpus.", HelpName = "NAME", DefaultValueFactory = _ => UsualSplit };
        Option<string?> folds = Folds.Option();
        Option<string?> classifier = Options.Classifier();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<string> classThreshold = Options.ClassThresholdOrAuto();
        Option<string?> output = new("--out")
        {
            Description = "The folder for scores.csv, reliability.csv, .png and .svg. Without it, no file is written.", HelpName = "DIR",
        };
        CacheOptions cache = new();
        Option<bool> force = Options.Force();
        DeviceOptions device = new();
        Option<string?> shard = Options.Shard(
            "Finished songs are kept in songs/NAME.npz in the folder of --out, and the job that finishes last writes the totals.");
        Option<bool> json = Options.Json();
        Command command = new(
            "score",
            "Scores the detector on the labelled songs of a corpus, for each song and for all frames together: error, the best error of any threshold, "
            + "precision, recall, specificity, F1, the area under the ROC curve, the Brier score (the mean squared distance between probability and label) and "
            + "the expected calibration error (ECE: the mean distance between probability and share of sung frames, over ten ranges of the probability; see "
            + "reliability.csv). There are 70 frames a second. A frame has the label of the time at which it starts, and its probability is a running median "
            + "over 56 frames. The threshold is the one with the fewest errors on the songs of filelists/valid (with --folds, on all scored songs), in the "
            + "middle of the longest interval of such thresholds. The 95 % intervals come from a bootstrap that draws songs.\n\n"
            + "Example:\n  svd score --data jamendo --classifier svdnet.npz --stats svdnet.meanstd.npz --out scores")
        {
            data, split, folds, classifier, statistics, classThreshold, output, cache, shard, force, device, json,
        };
        command.Validators.Add(result => Folds.RefuseBoth(result, folds, split, classifier, statistics));
        command.Validators.Add(result =>
        {
            if (result.GetResult(shard) is not null && result.GetResult(output) is null) result.AddError("--shard needs --out, the folder that the jobs share");
        });
        command.SetAction(parsed => Run(new Request(
            parsed.GetRequiredValue(data), parsed.GetRequiredValue(split), parsed.GetValue(folds),
            new ModelPaths(parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics),
            parsed.GetValue(force), Options.NumberIn(parsed.GetRequiredValue(classThreshold)),
            parsed.GetValue(output), cache.Of(parsed), Options.ShardIn(parsed.GetValue(shard)), device.Of(parsed), parsed.GetValue(json))));
        return command;
    }

    private static int Run(Request request)
    {
        Corpus corpus = Corpus.Open(request.Data);
        if (request.Out is { } folder)
        {
            OutputFolder.Prepare(folder);
            OutputFolder.Require([.. FileNames.Select(name => Path.Combine(folder, name))], InputsOf(request, corpus));
        }

        using IBackend backend = request.CreateBackend();
        (ScoreReport Report, ReliabilityCurve Reliability)? scored = request.Folds is null
            ? ScoreSplit(request, corpus, backend) : ScoreFolds(request, corpus, backend);
        if (scored is not { } all) return 0;
        (ScoreReport report, ReliabilityCurve reliability) = all;
        if (request.Out is not null) Write(request, report, reliability);
        if (request.Json) Console.WriteLine(JsonSerializer.Serialize(report, Json.Indented));
        else report.Print(request.Data);
        return 0;
    }

    private static IEnumerable<string> InputsOf(Request request, Corpus corpus) => request.Folds is { } folds
        ? Folds.InputsOf(corpus, folds)
        : [
            .. request.Paths.All, .. Corpus.InputsOf(request.Data, request.Split, corpus.Split(request.Split)),
            .. TuningOf(request, corpus) is { Count: > 0 } tuning ? Corpus.InputsOf(request.Data, TuningSplit, tuning) : [],
        ];

    // The songs that tune the threshold, if they are not those that are scored.
    private static IReadOnlyList<Song> TuningOf(Request request, Corpus corpus) =>
        request.ClassThreshold is null && request.Split != TuningSplit ? corpus.Split(TuningSplit) : [];

    // Null if other machines have songs to finish.
    private static (ScoreReport Report, ReliabilityCurve Reliability)? ScoreSplit(Request request, Corpus corpus, IBackend backend)
    {
        IReadOnlyList<Song> songs = corpus.Split(request.Split);
        IReadOnlyList<Song> tuning = TuningOf(request, corpus);
        using Models models = Models.Load(backend, request.Paths, request.Force);
        SpectrogramCache cache = request.Cache.Open(request.Data);
        KeptPredictions? kept = KeptOf(request, cache, backend, request.Paths);
        LabelledSong?[] part = ProgressDisplay.Run(
            "songs", report => LabelledSong.PredictPart(backend, models.Detector, models.Statistics, cache, [.. songs, .. tuning], kept, report));
        if (!AreFinished(request, part)) return null;
        LabelledSong[] predicted = [.. part.OfType<LabelledSong>()];
        LabelledSong[] scored = predicted[..songs.Count];
        double threshold = request.ClassThreshold ?? LabelledSong.Together(tuning.Count > 0 ? predicted[songs.Count..] : scored).TuneThreshold();
        string? tunedOn = request.ClassThreshold is null ? TuningSplit : null;
        return Report(scored, threshold, request.Split, tunedOn, backend.Name, errorOfOtherFolds: null, cache.Warnings);
    }

    // Null if other machines have songs to finish.
    private static (ScoreReport Report, ReliabilityCurve Reliability)? ScoreFolds(Request request, Corpus corpus, IBackend backend)
    {
        SpectrogramCache cache = request.Cache.Open(request.Data);
        LabelledSong?[][] part = Folds.PredictPart(
            backend, corpus, cache, request.Folds!, request.Force, paths => KeptOf(request, cache, backend, paths));
        if (!AreFinished(request, [.. part.SelectMany(fold => fold)])) return null;
        LabelledSong[][] folds = [.. part.Select(fold => fold.OfType<LabelledSong>().ToArray())];
        LabelledSong[] scored = [.. folds.SelectMany(fold => fold)];
        if (request.ClassThreshold is { } given)
        {
            return Report(scored, given, split: null, tunedOn: null, backend.Name, errorOfOtherFolds: null, cache.Warnings);
        }

        DetectionScores honest = DetectionScores.Sum([.. folds.Select(fold => LabelledSong.Together(fold).Scores(
            LabelledSong.Together([.. folds.Where(other => other != fold).SelectMany(other => other)]).TuneThreshold()))]);
        return Report(scored, LabelledSong.Together(scored).TuneThreshold(), split: null, "all folds", backend.Name, honest.Error, cache.Warnings);
    }

    // Where the jobs that share the songs keep what a detector predicts.
    private static KeptPredictions? KeptOf(Request request, SpectrogramCache cache, IBackend backend, ModelPaths paths) =>
        !request.Shard.IsPart ? null : new KeptPredictions(Path.Combine(request.Out!, "songs"), request.Shard, song =>
            Digest.Of(DeviceIdentity.Of(backend), [cache.DigestOf(song.AudioPath), .. paths.All.Select(Digest.OfFile)]));

    // Whether all jobs have finished their songs; if not, says how many are.
    private static bool AreFinished(Request request, LabelledSong?[] songs)
    {
        int finished = songs.Count(song => song is not null);
        if (finished < songs.Length) ShardReport.Print(request.Shard, finished, songs.Length, request.Json);
        return finished == songs.Length;
    }

    private static (ScoreReport Report, ReliabilityCurve Reliability) Report(
        LabelledSong[] scored, double threshold, string? split, string? tunedOn, string device, double? errorOfOtherFolds,
        IReadOnlyList<string> warnings)
    {
        LabelledSong all = LabelledSong.Together(scored);
        ScoreRow[] rows = [.. scored.Select(song => new ScoreRow(song.Name, song.Scores(threshold)))];
        ReliabilityCurve reliability = all.Reliability();
        return (
            new ScoreReport(
                split, threshold, tunedOn, device, rows, all.Scores(threshold), errorOfOtherFolds, ScoreReport.IntervalsOf(rows), reliability.Bins, warnings),
            reliability);
    }

    private static void Write(Request request, ScoreReport report, ReliabilityCurve reliability)
    {
        const string heading = "Reliability of the probabilities";
        string subheading = $"{request.Data}, {report.Split ?? "cross-validated"}: {Counted.Of(report.Songs.Length, "song")}";
        OutputFolder.WriteAll(
            [.. FileNames.Select(name => Path.Combine(request.Out!, name))],
            [
                Encoding.UTF8.GetBytes(report.ToCsv()), Encoding.UTF8.GetBytes(reliability.ToCsv()),
                ReliabilityFigure.RenderPng(reliability, heading, subheading), ReliabilityFigure.RenderSvg(reliability, heading, subheading),
            ]);
    }

    private sealed record Request(
        string Data, string Split, string? Folds, ModelPaths Paths, bool Force, double? ClassThreshold, string? Out, CacheChoice Cache, Shard Shard,
        Func<IBackend> CreateBackend, bool Json);
}
