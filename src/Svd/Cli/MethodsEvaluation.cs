using System.CommandLine;
using System.Text;
using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Figures;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Train;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Cli;

/// <summary><c>svd evaluate --methods</c>: compares the inversion mask with chance and with other methods' masks of the same size.</summary>
internal static class MethodsEvaluation
{
    // Raise this whenever a method or a measure computes other numbers, so that scores kept by older versions are not used.
    private const double Version = 2;

    /// <summary>An option that takes a list of methods; <paramref name="what"/> begins its description.</summary>
    public static Option<string?> Methods(string what)
    {
        Option<string?> option = new("--methods")
        {
            Description = $"{what}: {ExplanationMethods.All}, or some of {string.Join(", ", ExplanationMethods.Names)}.",
            HelpName = "LIST",
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens is not [{ Value: string text }]) return;
            try
            {
                ExplanationMethods.Parse(text);
            }
            catch (EngineException unknown)
            {
                result.AddError($"--methods: {unknown.Message}");
            }
        });
        return option;
    }

    public static Option<string?> Thresholds() => Sizes(
        "--threshold",
        $"With --methods: masks keep as many bins of an excerpt as its inversion mask at these thresholds; {MaskSize.OtsuName} finds a threshold for each "
            + "excerpt. Default without --area: 0.6.",
        MaskSizes.ThresholdIn, $"{MaskSize.OtsuName} or numbers {MaskSizes.Thresholds}");

    public static Option<string?> Areas(string what) => Sizes("--area", what, MaskSizes.ShareIn, $"numbers {MaskSizes.Shares}");

    public static Option<string?> Fills()
    {
        Option<string?> option = new("--fill")
        {
            Description = "With --methods: what replaces masked bins, one or more of zero (in the normalised input, the default), m2 (zero before "
                + "normalisation) and blur (the excerpt, blurred).",
            HelpName = "LIST",
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string text }] && FillsIn(text) is null)
            {
                result.AddError($"--fill needs some of {string.Join(", ", MaskFills.All.Select(MaskFills.Name))}, separated by commas, not {text}");
            }
        });
        return option;
    }

    public static Option<MeasureKind> Measure() => Options.OneOf<MeasureKind>(
        "--measure",
        "With --methods: what to measure. masks: whether the kept bins decide; perturbation: how the probability falls while regions are removed; sanity: "
            + "whether the importance changes when the detector's weights are made random; reconstruction: how well inversions "
            + $"({string.Join(", ", ExplanationMethods.Inversions)}) restore the features and the input.");

    public static Option<int> RegionSize() => Options.Count(
        "--region", "With --measure perturbation: frames and bands of a region. With 1, single bins are removed.", RegionPerturbation.UsualSize);

    public static Option<string?> Judge() => new("--judge")
    {
        Description = "With --methods: the weights (.npz) of a second SVDNet, trained with the same statistics. It judges the same masks, which tells whether "
            + "they are about the music or about one network.",
        HelpName = "FILE",
    };

    /// <summary>The fillings in a list, each once, in the order of the enumeration; null if the text is not such a list.</summary>
    public static IReadOnlyList<MaskFill>? FillsIn(string? list)
    {
        string[] names = (list ?? MaskFill.Zero.Name()).Split(',', StringSplitOptions.TrimEntries);
        return names.All(name => MaskFills.All.Any(fill => fill.Name() == name)) ? [.. MaskFills.All.Where(fill => names.Contains(fill.Name()))] : null;
    }

    /// <summary>The mask sizes that the two options ask for.</summary>
    public static MaskSize[] SizesOf(string? thresholds, string? areas) =>
    [
        .. thresholds is null && areas is null ? [MaskSize.Threshold(0.6)] : MaskSizes.ListIn(thresholds, MaskSizes.ThresholdIn)!,
        .. MaskSizes.ListIn(areas, MaskSizes.ShareIn)!,
    ];

    /// <summary>Measures the methods on each part's songs with its networks, then writes and prints one table for all.</summary>
    /// <param name="request">What to measure.</param>
    /// <param name="parts">One detector with the songs that it explains, or several.</param>
    /// <param name="backend">Where everything runs.</param>
    /// <param name="cache">The spectrograms.</param>
    /// <exception cref="EngineException">
    /// A song cannot be decoded, none is long enough, a network's output is not finite, or a file cannot be written.
    /// </exception>
    public static int Run(MethodsRequest request, IEnumerable<DetectorWithSongs> parts, IBackend backend, SpectrogramCache cache)
    {
        OutputFolder.Prepare(request.Folder);
        ulong seed = request.Sampling.Seed;
        if (request.Measure == MeasureKind.Masks)
        {
            IReadOnlyList<MaskQuestion> questions = [];
            List<bool>[] isSinging = [];
            Measured<MethodScores> masks = MeasureAll(request, parts, backend, cache, comparison =>
            {
                questions = comparison.Methods!.Questions;
                if (isSinging.Length == 0) isSinging = [.. questions.Select(_ => new List<bool>())];
                for (int i = 0; i < questions.Count; i++) isSinging[i].AddRange(comparison.Methods.IsSinging(questions[i]));
                return comparison.Measure(comparison.Methods);
            });
            if (masks.Missing > 0) return ShardReport.Print(request.Shard, masks.Songs - masks.Missing, masks.Songs, request.Json);
            return PrintMasks(request, new Report(
                DatasetOf(request), request.Split, masks.Songs, masks.SongOf.Count, request.ClassThreshold, backend.Name, request.Files,
                MethodTable.Of(request.Sizes, questions, masks.Scores, masks.SongOf, isSinging, seed), cache.Warnings));
        }

        CurveMeasure? measure = null;
        Measured<MethodCurves> curves = MeasureAll(request, parts, backend, cache, comparison =>
        {
            measure = request.Measure switch
            {
                MeasureKind.Sanity => new SanityCheck(comparison.Methods!, comparison.Detector, seed),
                MeasureKind.Perturbation => new RegionPerturbation(comparison.Methods!, request.RegionSize, request.Fills[0]),
                _ => new InversionErrors(comparison.Methods!, seed),
            };
            using (measure as IDisposable) return comparison.Measure(measure);
        });
        if (curves.Missing > 0) return ShardReport.Print(request.Shard, curves.Songs - curves.Missing, curves.Songs, request.Json);
        return CurvesReport.Report(request, new CurvesReport(
            DatasetOf(request), request.Split, curves.Songs, curves.SongOf.Count, request.ClassThreshold, backend.Name, request.Files, measure!.Points,
            CurveTable.Of(measure, curves.Scores, curves.SongOf, seed), cache.Warnings));
    }

    // Measures part after part, with one progress for all. A part without an excerpt adds nothing.
    private static Measured<TScores> MeasureAll<TScores>(
        MethodsRequest request, IEnumerable<DetectorWithSongs> parts, IBackend backend, SpectrogramCache cache,
        Func<Comparison, (IReadOnlyList<(string Name, IReadOnlyList<TScores> Songs)> Scores, int Missing)> measure)
    {
        List<int> songOf = [];
        List<TScores>[] scores = [.. request.Methods.Select(_ => new List<TScores>())];
        int songs = 0, missing = 0;
        Queue<float[]> logMels = ReadSongs(request.Songs, backend, cache);
        ProgressDisplay.Run("methods", report =>
        {
            int finished = 0;
            foreach (DetectorWithSongs part in parts)
            {
                int before = finished;
                using Comparison comparison = new(
                    request with { Paths = part.Paths, Songs = part.Songs }, logMels, backend, part.Models, cache,
                    share => report(before + share * part.Songs.Count, request.Songs.Count));
                finished += part.Songs.Count;
                if (comparison.Methods is not { } methods) continue;
                (IReadOnlyList<(string Name, IReadOnlyList<TScores> Songs)> measured, int left) = measure(comparison);
                for (int method = 0; method < measured.Count; method++) scores[method].AddRange(measured[method].Songs);
                songOf.AddRange(methods.SongOf.Select(song => songs + song));
                songs += comparison.Songs.Count;
                missing += left;
            }

            return songs;
        });
        RequireExcerpts(request, songs);
        return new Measured<TScores>(songs, songOf, [.. request.Methods.Select((name, i) => (name, (IReadOnlyList<TScores>)scores[i]))], missing);
    }

    private static void RequireExcerpts(MethodsRequest request, int count)
    {
        if (count > 0) return;
        throw new EngineException($"no song of {request.Split} in {request.Data} is long enough for an excerpt at --start; give an earlier start");
    }

    private static string DatasetOf(MethodsRequest request) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Data)));

    // The spectrograms of the songs, in their order.
    private static Queue<float[]> ReadSongs(IReadOnlyList<Song> songs, IBackend backend, SpectrogramCache cache)
    {
        using LogMelExtractor extractor = new(backend);
        return ProgressDisplay.Run("log-mel spectrograms", report => new Queue<float[]>(songs.Select((song, i) =>
        {
            float[] logMel = cache.LogMel(extractor, song.AudioPath);
            report(i + 1, songs.Count);
            return logMel;
        })));
    }

    // Songs with their excerpts, inverted by the networks that explain them. There is no comparison if no song is long enough.
    private sealed class Comparison : IDisposable
    {
        private readonly MethodsRequest _request;
        private readonly double[] _identity;
        private readonly Action<double> _progress;
        private readonly double _inverted;

        // Takes its songs' spectrograms from those that are left. Progress is the share of the work that is done.
        public Comparison(
            MethodsRequest request, Queue<float[]> logMels, IBackend backend, Models models, SpectrogramCache cache, Action<double> progress)
        {
            _request = request;
            _progress = progress;

            // An inversion runs the detector once, a method at least about three times.
            _inverted = 1 / (1.0 + 3 * request.Methods.Count);
            Detector = models.Detector;
            using BandNormalizer normalizer = models.Statistics.On(backend);
            (Song Song, ComparedSong Compared)[] songs =
            [
                .. request.Songs.Select((song, i) =>
                {
                    float[] logMel = logMels.Dequeue();
                    return (song, new ComparedSong(normalizer.NormalizeSong(logMel), request.Sampling.StartsOf(i, logMel.Length / Bands)));
                }).Where(song => song.Item2.Starts.Length > 0),
            ];
            Songs = [.. songs.Select(song => song.Song)];
            ulong seed = request.Sampling.Seed;
            _identity =
            [
                Version,
                Digest.Of(DeviceIdentity.Of(backend), [.. Songs.Select(song => cache.DigestOf(song.AudioPath)), .. request.Weights.Select(Digest.OfFile)]),
                seed, request.ClassThreshold,
                request.Paths.Judges.Count == 0 ? 0 : Digest.OfFiles([.. request.Paths.Judges]), .. request.Fills.Select(fill => (double)fill),
                .. request.Sizes.SelectMany(size => (double[])[size.Value, (double)size.Rule]),
                .. songs.SelectMany(song => song.Compared.Starts.Select(frame => (double)frame).Prepend(song.Compared.Starts.Length)),
                .. request.Measure == MeasureKind.Perturbation ? [request.RegionSize] : (double[])[],
            ];
            if (songs.Length == 0) return;
            Methods = new MethodComparison(
                backend, models.Detector, models.Inversion!, models.Mask, models.Judges.SingleOrDefault(), models.Statistics,
                [.. songs.Select(song => song.Compared)], request.Sizes, request.Fills, request.ClassThreshold, seed,
                (done, all) => progress(_inverted * done / all));
        }

        public IReadOnlyList<Song> Songs { get; }

        public SvdNet Detector { get; }

        public MethodComparison? Methods { get; }

        /// <summary>Each method's scores for each song, and the number of songs that other machines have not finished; then there are no scores.</summary>
        public (IReadOnlyList<(string Name, IReadOnlyList<TScores> Songs)> Scores, int Missing) Measure<TScores>(IMethodMeasure<TScores> measure)
            where TScores : class
        {
            double[] withMask = _request.Paths.Masker is null ? _identity : [.. _identity, Digest.OfFiles(_request.Paths.Masker)];
            MethodRun<TScores> run = new(
                Methods!, measure, [.. Songs.Select(song => song.Name)], method => method == ExplanationMethods.Mask ? withMask : _identity, _request.Folder,
                _request.Shard);
            IReadOnlyList<(string, IReadOnlyList<TScores>)> scores = run.Run(
                _request.Methods, (done, all) => _progress(_inverted + (1 - _inverted) * done / all!.Value));
            return (scores, run.Missing);
        }

        public void Dispose() => Methods?.Dispose();
    }

    // Each method's scores for each song, and the song of every excerpt. If other machines have not finished all songs, scores are missing.
    private sealed record Measured<TScores>(
        int Songs, IReadOnlyList<int> SongOf, IReadOnlyList<(string Name, IReadOnlyList<TScores> Songs)> Scores, int Missing);

    private static int PrintMasks(MethodsRequest request, Report report)
    {
        Write(report);
        if (request.Json) Console.WriteLine(JsonSerializer.Serialize(report, Json.Indented));
        else Print(report);
        return 0;
    }

    private static void Write(Report report)
    {
        const string heading = "Explanation methods at equal area";
        string subheading = $"{report.Dataset}, {report.Split}: {report.Excerpts} excerpts of {report.Songs} songs, singing if P ≥ "
            + $"{report.ClassThreshold:F2}; bars are 95 % intervals over songs and excerpts"
            + (report.Rows.Any(row => row.Method == ExplanationMethods.Random) ? "; dashed: chance (random bins)" : "");
        byte[] csv = Encoding.UTF8.GetBytes(MethodTable.ToCsv(report.Rows));

        // The figure shows only the first question, which is the detector's own.
        MethodRow[] rows = [.. report.Rows.Where(row => row.Question == report.Rows[0].Question)];
        byte[] png = MethodFigure.RenderPng(rows, heading, subheading), svg = MethodFigure.RenderSvg(rows, heading, subheading);
        OutputFolder.WriteAll(report.Files, [csv, png, svg]);
    }

    private static void Print(Report report)
    {
        Console.WriteLine($"{report.Dataset}, {report.Split}: {report.Excerpts} excerpts of {report.Songs} songs, singing if P >= {report.ClassThreshold:F4}");
        Console.WriteLine("kept, removed: excerpts whose label changes if only the mask's bins are kept, or only they are removed; − random: the difference");
        Console.WriteLine("from random bins; pieces: the median number of connected components; brackets: 95 % intervals of a bootstrap that draws songs,");
        Console.WriteLine("then excerpts within them, 1000 times");
        foreach (IGrouping<(MaskQuestion Question, MaskSize Size), MethodRow> size in report.Rows.GroupBy(row => (row.Question, row.Size)))
        {
            Console.WriteLine();
            if (report.Rows.Any(row => row.Question != report.Rows[0].Question)) Console.WriteLine(size.Key.Question);
            Console.WriteLine(
                $"{size.Key.Size,-20}  {"area %",6}  {"kept %",19}  {"− random",21}  {"removed %",19}  {"− random",21}  {"pieces",7}  {"largest %",9}  "
                + $"{"ms",8}");
            foreach (MethodRow row in size)
            {
                Console.WriteLine(
                    $"{row.Method,-20}  {row.Area,6:F1}  {Interval(row.Sufficiency),19}  {Interval(row.SufficiencyLessRandom),21}  "
                    + $"{Interval(row.Necessity),19}  {Interval(row.NecessityLessRandom),21}  {row.MedianComponents,7:F1}  {row.LargestShare.Mean,9:F1}  "
                    + $"{row.Milliseconds,8:F1}");
            }
        }

        Console.WriteLine();
        Console.WriteLine($"written: {string.Join(", ", report.Files)}");
    }

    /// <summary>An estimate as it appears in tables.</summary>
    public static string Interval(Estimate? estimate) => estimate is { } e ? $"{e.Mean:F1} [{e.Low:F1}, {e.High:F1}]" : "";

    private static Option<string?> Sizes(string name, string description, Func<string, MaskSize?> sizeIn, string needs)
    {
        Option<string?> option = new(name) { Description = description, HelpName = "A,…" };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string text }] && MaskSizes.ListIn(text, sizeIn) is null)
            {
                result.AddError($"{name} needs {needs}, separated by commas, not {text}");
            }
        });
        return option;
    }

    internal sealed record Report(
        string Dataset, string Split, int Songs, int Excerpts, double ClassThreshold, string Device, string[] Files, IReadOnlyList<MethodRow> Rows,
        IReadOnlyList<string> Warnings);
}

/// <summary>The networks of a detector and the songs that they explain.</summary>
internal sealed record DetectorWithSongs(ModelPaths Paths, Models Models, IReadOnlyList<Song> Songs);

/// <summary>The request to <c>svd evaluate --methods</c>. Split names the songs in the report.</summary>
internal sealed record MethodsRequest(
    string Data, string Split, IReadOnlyList<Song> Songs, ExcerptSampling Sampling, IReadOnlyList<string> Methods, MaskSize[] Sizes,
    IReadOnlyList<MaskFill> Fills, MeasureKind Measure, int RegionSize, double ClassThreshold, ModelPaths Paths, string[] Files, string Out, Shard Shard,
    bool Json)
{
    /// <summary>The detector, the inversion network and the statistics, on which all scores depend.</summary>
    public IReadOnlyList<string> Weights => [Paths.Classifier, Paths.Inverter!, Paths.Statistics];

    /// <summary>Where finished songs are kept.</summary>
    public string Folder => Path.Combine(Out, Measure.FolderName());
}
