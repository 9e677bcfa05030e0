using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Figures;
using Engine.Svd.Model;
using Engine.Svd.Predict;

namespace Engine.Svd.Cli;

/// <summary><c>svd evaluate</c>: measures how often an explanation alone changes the prediction (the paper's section III.C and Fig. 5).</summary>
internal static class EvaluateCommand
{
    private const string TuningSplit = "valid";
    private const decimal LargestThreshold = 1.1m;
    private const int MostThresholds = 1000;

    public static Command Create()
    {
        Option<string> data = Options.Data();
        Option<string> split = new("--split") { Description = "The part of the corpus.", HelpName = "NAME", DefaultValueFactory = _ => "test" };
        Option<string?> folds = Folds.OptionForExplanations();
        Option<string?> classifier = Options.Classifier();
        Option<string?> inverter = Options.Inverter();
        Option<string?> masker = Options.Masker();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<string> thresholds = new("--thresholds")
        {
            Description = "The masking thresholds to evaluate.", HelpName = "FROM:TO:STEP", DefaultValueFactory = _ => "0:1.1:0.1",
        };
        thresholds.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string text }] && ParseThresholds(text) is null)
            {
                result.AddError($"--thresholds needs FROM:TO:STEP, such as 0:1.1:0.1, with values from 0 to {LargestThreshold} and a step above 0, not {text}");
            }
        });
        Option<string> classThreshold = Options.ClassThresholdOrAuto();
        Option<string> start = Options.StartOrRandom(
            $"Where the first excerpt of each song starts, in seconds. random: a whole number of seconds from {ExcerptSampling.EarliestStart} to "
            + $"{ExcerptSampling.LatestStart - 1}, drawn for each song.");
        Option<int> excerpts = Options.Count(
            "--excerpts", "The largest number of excerpts from one song. The default spans 200 s with the default of --every, as published.",
            ExcerptSampling.PublishedCount);
        Option<double> every = new("--every")
        {
            Description = "Seconds from the start of one excerpt to that of the next.", HelpName = "SECONDS",
            DefaultValueFactory = _ => ExcerptSampling.PublishedInterval,
        };
        Options.Require(every, seconds => seconds is >= 0.1 and <= 1000, "a number from 0.1 to 1000");
        Option<ulong> seed = Options.Seed();
        Option<string> output = Options.Out("evaluation.csv, evaluation.png, evaluation.svg and songs/NAME.npz");
        Option<string?> methods = MethodsEvaluation.Methods(
            "Compare explanation methods at equal area instead");
        Option<string?> area = MethodsEvaluation.Areas("With --methods: the shares of the bins that masks keep."), threshold = MethodsEvaluation.Thresholds();
        Option<MeasureKind> measure = MethodsEvaluation.Measure();
        Option<int> region = MethodsEvaluation.RegionSize();
        Option<string?> fill = MethodsEvaluation.Fills(), judge = MethodsEvaluation.Judge();
        Option<string?> compare = new("--compare") { Description = "An evaluation.csv to draw beside this one.", HelpName = "FILE" };
        Option<bool> force = Options.Force();
        DeviceOptions device = new();
        CacheOptions cache = new();
        Option<string?> shard = Options.Shard("The job that finishes last writes the totals.");
        Option<bool> json = Options.Json();
        Command command = new(
            "evaluate",
            "Explains excerpts of a corpus at every masking threshold and shows the detector only what each explanation keeps. It reports how often the "
            + "label changes (explanation loss) and how much of the input is kept (relative area). M1: masked bins are zero in the normalised input. M2_paper: "
            + "masked bins are zero before normalisation. M2_published: the mask is inverted. One evaluation is one excerpt at one threshold in one case. "
            + "Finished songs are kept in songs/NAME.npz; if the command is interrupted, run it again to resume. With --methods it compares masks with chance "
            + "and with other methods' masks instead (methods.csv, methods.png, methods.svg; finished songs in methods/METHOD/NAME.npz); --measure chooses "
            + "another measure of the methods, by which the files are then called.\n\n"
            + "Examples:\n  svd evaluate --data jamendo --inverter inverter.npz --out evaluation\n"
            + "  svd evaluate --data jamendo --out evaluation --methods inversion,mask,random,loudest --area 0.4,0.2,0.1\n"
            + "  svd evaluate --data jamendo --out evaluation --methods all --measure sanity --every 10 --excerpts 20")
        {
            data, split, folds, classifier, inverter, masker, statistics, thresholds, classThreshold, start, excerpts, every, seed, methods, measure, area,
            threshold, fill, judge, region, output, compare, shard, force, device, cache, json,
        };
        command.Validators.Add(result => Folds.RefuseBoth(result, folds, split, classifier, inverter, masker, statistics));
        command.Validators.Add(result =>
        {
            bool Given(Option option) => result.GetResult(option) is { Implicit: false };
            Option[] forMethods = [area, threshold, fill, judge, masker, measure, region], forMasks = [area, threshold, judge];
            if (!Given(methods) && Array.Exists(forMethods, Given))
            {
                result.AddError("--measure, --area, --threshold, --fill, --judge, --region and --masker need --methods");
            }

            MeasureKind kind = result.GetValue(measure);
            if (kind != MeasureKind.Masks && Array.Exists(forMasks, Given)) result.AddError("--area, --threshold and --judge need --measure masks");
            if (kind != MeasureKind.Perturbation && Given(region)) result.AddError("--region needs --measure perturbation");
            if (kind == MeasureKind.Perturbation && result.GetValue(fill)?.Contains(',') == true) result.AddError("--measure perturbation takes one --fill");
            if (kind is MeasureKind.Sanity or MeasureKind.Reconstruction && Given(fill)) result.AddError($"--measure {kind.FolderName()} takes no --fill");
            if (kind == MeasureKind.Reconstruction && Given(methods) && MethodsIn(result.GetValue(methods)).Except(ExplanationMethods.Inversions).Any())
            {
                result.AddError($"--measure reconstruction needs methods that invert: {string.Join(", ", ExplanationMethods.Inversions)}");
            }

            if (Given(methods) && (Given(thresholds) || Given(compare))) result.AddError("--thresholds and --compare cannot be used with --methods");
        });
        command.SetAction(parsed => Run(new Request(
            parsed.GetRequiredValue(data), parsed.GetRequiredValue(split), parsed.GetValue(folds),
            new ModelPaths(
                parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics,
                parsed.GetValue(inverter) ?? BundledFiles.Inverter,
                parsed.GetValue(methods) is { } some && ExplanationMethods.Parse(some).Contains(ExplanationMethods.Mask)
                    ? parsed.GetValue(masker) ?? BundledFiles.Masker : null)
            {
                Judges = parsed.GetValue(judge) is { } second ? [second] : [],
            },
            parsed.GetValue(force), ParseThresholds(parsed.GetRequiredValue(thresholds))!, Options.NumberIn(parsed.GetRequiredValue(classThreshold)),
            new ExcerptSampling(
                SongTime.Parse(parsed.GetRequiredValue(start)), parsed.GetValue(excerpts), parsed.GetValue(seed), parsed.GetValue(every)),
            parsed.GetRequiredValue(output), parsed.GetValue(compare), device.Of(parsed), cache.Of(parsed), parsed.GetValue(json),
            parsed.GetValue(methods) is { } list ? ExplanationMethods.Parse(list) : null,
            MethodsEvaluation.SizesOf(parsed.GetValue(threshold), parsed.GetValue(area)), MethodsEvaluation.FillsIn(parsed.GetValue(fill))!,
            parsed.GetValue(measure), parsed.GetValue(region),
            Options.ShardIn(parsed.GetValue(shard)))));
        return command;
    }

    // The methods in a list; none if the list is wrong, which the option itself says.
    private static IReadOnlyList<string> MethodsIn(string? list)
    {
        try
        {
            return ExplanationMethods.Parse(list ?? "");
        }
        catch (EngineException)
        {
            return [];
        }
    }

    /// <summary>The numbers from FROM to TO in steps of STEP; null if the text does not have that form.</summary>
    internal static double[]? ParseThresholds(string text)
    {
        // Decimal numbers, so that 3 · 0.1 is 0.3.
        decimal?[] numbers = [.. text.Split(':').Select(part =>
            decimal.TryParse(part, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number) ? number : (decimal?)null)];
        return numbers is [{ } from, { } to, > 0 and var step] && from <= to && to <= LargestThreshold && (to - from) / step < MostThresholds
            ? [.. Enumerable.Range(0, (int)((to - from) / step) + 1).Select(i => (double)(from + i * step))]
            : null;
    }

    private static int Run(Request request)
    {
        Corpus corpus = Corpus.Open(request.Data);
        if (request.Compare is not null) request = request with { Compared = EvaluationCurves.Read(request.Compare) };
        if (request.Folds is { } folder) return RunFolds(request, corpus, folder);
        IReadOnlyList<Song> songs = corpus.Split(request.Split);
        IReadOnlyList<Song> tuning = request.ClassThreshold is null ? corpus.Split(TuningSplit) : [];
        PrepareOutput(request, songs,
            [
                .. Corpus.InputsOf(request.Data, request.Split, songs), .. Corpus.InputsOf(request.Data, TuningSplit, tuning), .. request.Paths.All,
            ]);
        using IBackend backend = request.CreateBackend();
        using Models models = Models.Load(backend, request.Paths, request.Force);
        SpectrogramCache cache = request.Cache.Open(request.Data);
        return RunParts(
            request, request.Split, songs, [new DetectorWithSongs(request.Paths, models, songs)], backend, cache,
            () => LabelledSong.Together(ProgressDisplay.Run(
                $"songs of {TuningSplit}",
                report => LabelledSong.PredictAll(backend, models.Detector, models.Statistics, cache, tuning, report))).TuneThreshold());
    }

    private static int RunFolds(Request request, Corpus corpus, string folder)
    {
        (ModelPaths Paths, IReadOnlyList<Song> Songs)[] folds = Folds.WithExplanations(
            corpus, folder, request.Paths.Judges.SingleOrDefault(), withMaskers: request.Methods?.Contains(ExplanationMethods.Mask) == true);
        Song[] songs = [.. folds.SelectMany(fold => fold.Songs)];
        PrepareOutput(request, songs, [.. Folds.InputsOf(corpus, folder), .. folds.SelectMany(fold => fold.Paths.All)]);
        using IBackend backend = request.CreateBackend();
        SpectrogramCache cache = request.Cache.Open(request.Data);
        return RunParts(
            request, "all folds", songs, Loaded(), backend, cache,
            () => LabelledSong.Together([.. Folds.Predict(backend, corpus, cache, folder, request.Force).SelectMany(fold => fold)]).TuneThreshold());

        IEnumerable<DetectorWithSongs> Loaded()
        {
            foreach ((ModelPaths paths, IReadOnlyList<Song> some) in folds)
            {
                using Models models = Models.Load(backend, paths, request.Force);
                yield return new DetectorWithSongs(paths, models, some);
            }
        }
    }

    // Without a threshold, it is the one with the fewest errors on the songs of the tuning.
    private static int RunParts(
        Request request, string split, IReadOnlyList<Song> songs, IEnumerable<DetectorWithSongs> parts, IBackend backend, SpectrogramCache cache,
        Func<double> tunedThreshold)
    {
        string[] files = FilesOf(request);
        double Threshold() => request.ClassThreshold ?? tunedThreshold();
        if (request.Methods is not null)
        {
            return MethodsEvaluation.Run(MethodsRequestOf(request, split, songs, Threshold(), files), parts, backend, cache);
        }

        List<SongEvaluation> evaluations = [];
        int missing = 0, explained = 0;
        long predictions = 0;
        TimeSpan time = default;
        ProgressDisplay.Run($"songs of {split}", report =>
        {
            int before = 0;
            foreach (DetectorWithSongs part in parts)
            {
                string[] weights = [part.Paths.Classifier, part.Paths.Inverter!, part.Paths.Statistics];
                using ExcerptDetector detector = new(backend, part.Models.Detector);
                SongEvaluator evaluator = new(detector, NetworkMethod.Of(detector, part.Models.Inversion!), part.Models.Statistics, request.Thresholds);
                EvaluationRun run = new(backend, evaluator, part.Models.Statistics, weights, cache, SongFolderOf(request));
                evaluations.AddRange(run.Evaluate(part.Songs, request.Sampling, request.Shard, (done, _) => report(before + done, songs.Count)));
                before += part.Songs.Count;
                missing += run.Missing;
                explained += run.Excerpts;
                predictions += evaluator.Predictions;
                time += run.Time;
            }

            return before;
        });
        if (missing > 0) return ShardReport.Print(request.Shard, songs.Count - missing, songs.Count, request.Json);
        if (evaluations.Count == 0)
        {
            throw new EngineException($"no song of {split} in {request.Data} is long enough for an excerpt at --start; give an earlier start");
        }

        double classThreshold = Threshold();
        int excerpts = evaluations.Sum(song => song.Starts.Length);
        string dataset = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Data))).Replace(',', '_');
        IReadOnlyList<EvaluationPoint> points = EvaluationCurves.Of(dataset, evaluations, classThreshold);
        Write(files, points, request.Compared, $"{dataset}: {excerpts} excerpts of {evaluations.Count} songs, singing if P ≥ {classThreshold:F2}");
        int perExcerpt = request.Thresholds.Length * MaskingCase.Evaluated.Count;
        Report report = new(
            dataset, split, evaluations.Count, songs.Count, excerpts, classThreshold,
            request.ClassThreshold is not null ? null : request.Folds is null ? TuningSplit : split, backend.Name, (long)explained * perExcerpt, predictions,
            time.TotalSeconds, files, points, Differences(points, request.Compared), cache.Warnings);
        if (request.Json) Console.WriteLine(JsonSerializer.Serialize(report, Json.Indented));
        else Print(report);
        return 0;
    }

    // Makes the folders, and refuses outputs that are inputs, or are there already and are no earlier results.
    private static void PrepareOutput(Request request, IReadOnlyList<Song> songs, IReadOnlyList<string?> inputs)
    {
        string[] files = FilesOf(request);
        OutputFolder.Prepare(request.Methods is null ? SongFolderOf(request) : request.Out);
        OutputFolder.RequireApart([.. files, .. KeptFiles(request, songs)], [.. inputs, request.Compare]);
        OutputFolder.Require(files);
    }

    private static MethodsRequest MethodsRequestOf(Request request, string split, IReadOnlyList<Song> songs, double threshold, string[] files) => new(
        request.Data, split, songs, request.Sampling, request.Methods!, request.Sizes, request.Fills, request.Measure, request.RegionSize, threshold,
        request.Paths, files, request.Out, request.Shard, request.Json);

    private static string SongFolderOf(Request request) => Path.Combine(request.Out, "songs");

    private static string[] FilesOf(Request request)
    {
        string stem = Path.Combine(request.Out, request.Methods is null ? "evaluation" : request.Measure.FolderName());
        return [$"{stem}.csv", $"{stem}.png", $"{stem}.svg"];
    }

    // The files that keep finished songs.
    private static IEnumerable<string> KeptFiles(Request request, IReadOnlyList<Song> songs) =>
        from folder in request.Methods?.Select(method => Path.Combine(request.Measure.FolderName(), method)) ?? ["songs"]
        from song in songs
        select Path.Combine(request.Out, folder, $"{ResultName.Of(song.Name)}.npz");

    private static void Write(string[] files, IReadOnlyList<EvaluationPoint> points, IReadOnlyList<EvaluationPoint> compared, string subheading)
    {
        const string heading = "Explanations: loss and area by masking threshold";
        byte[] csv = Encoding.UTF8.GetBytes(EvaluationCurves.ToCsv(points));
        byte[] png = EvaluationFigure.RenderPng(points, compared, heading, subheading);
        byte[] svg = EvaluationFigure.RenderSvg(points, compared, heading, subheading);
        OutputFolder.WriteAll(files, [csv, png, svg]);
    }

    // One difference per curve, over the thresholds that both have.
    private static Difference[] Differences(IReadOnlyList<EvaluationPoint> points, IReadOnlyList<EvaluationPoint> compared) =>
    [
        .. from other in compared
           join point in points on (other.Case, other.Threshold) equals (point.Case, point.Threshold)
           group (point, other) by (other.Dataset, other.Case) into curve
           select new Difference(
               curve.Key.Dataset, curve.Key.Case, curve.Count(),
               curve.Max(pair => Math.Abs(pair.point.ExplanationLossPercent - pair.other.ExplanationLossPercent)),
               curve.Max(pair => Math.Abs(pair.point.RelativeAreaPercent - pair.other.RelativeAreaPercent))),
    ];

    private static void Print(Report report)
    {
        Console.WriteLine($"{report.Dataset}, {report.Split}: {report.Excerpts} excerpts of {report.Songs} songs"
            + (report.Songs < report.SongsListed ? $" ({report.SongsListed - report.Songs} too short)" : "")
            + $", singing if P >= {report.ClassThreshold:F4}, "
            + (report.TunedOn is null ? "as given" : $"the threshold with the fewest errors on the songs of {report.TunedOn}"));
        Console.WriteLine();
        Console.WriteLine($"{"threshold",9}  {"area %",7}  " + string.Join("  ", MaskingCase.Evaluated.Select(masking => $"{masking.Name + " loss %",19}")));
        foreach (IGrouping<double, EvaluationPoint> row in report.Points.GroupBy(point => point.Threshold))
        {
            Console.WriteLine($"{row.Key,9:0.0###}  {row.First().RelativeAreaPercent,7:F2}  "
                + string.Join("  ", row.Select(point => $"{point.ExplanationLossPercent,19:F2}")));
        }

        Console.WriteLine();
        foreach (Difference difference in report.Compared)
        {
            Console.WriteLine($"compared with {difference.Dataset}, {difference.Case}, at {difference.Points} thresholds: loss within "
                + $"{difference.ExplanationLossPoints:F2} points, area within {difference.RelativeAreaPoints:F2}");
        }

        if (report.Evaluations > 0)
        {
            Console.WriteLine($"{report.Evaluations} evaluations in {report.Seconds:F1} s, {report.Evaluations / report.Seconds:F0} a second; "
                + $"{report.MaskedPredictions} differ and were predicted");
        }

        Console.WriteLine($"written: {string.Join(", ", report.Files)}");
    }

    private sealed record Request(
        string Data, string Split, string? Folds, ModelPaths Paths, bool Force, double[] Thresholds, double? ClassThreshold,
        ExcerptSampling Sampling, string Out, string? Compare, Func<IBackend> CreateBackend, CacheChoice Cache, bool Json, IReadOnlyList<string>? Methods,
        MaskSize[] Sizes, IReadOnlyList<MaskFill> Fills, MeasureKind Measure, int RegionSize, Shard Shard)
    {
        /// <summary>The points in the file of --compare.</summary>
        public IReadOnlyList<EvaluationPoint> Compared { get; init; } = [];
    }

    internal sealed record Difference(string Dataset, string Case, int Points, double ExplanationLossPoints, double RelativeAreaPoints);

    internal sealed record Report(
        string Dataset, string Split, int Songs, int SongsListed, int Excerpts, double ClassThreshold, string? TunedOn, string Device, long Evaluations,
        long MaskedPredictions, double Seconds, string[] Files, IReadOnlyList<EvaluationPoint> Points, Difference[] Compared,
        IReadOnlyList<string> Warnings);
}
