using System.CommandLine;
using System.Text;
using System.Text.Json;
using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Data;
using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Figures;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Train;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using Decoder = Engine.Svd.Audio.Decoder;

namespace Engine.Svd.Cli;

/// <summary><c>svd localise</c>: measures whether explanations lie where the voice is, in songs whose voice and accompaniment are known.</summary>
internal static class LocaliseCommand
{
    private const string AllAreas = "0.4,0.2,0.1";
    private const int ExcerptsOfASong = 4;

    // Goes up whenever a method or a measure computes other numbers, so that kept scores are no longer found.
    private const double Version = 1;

    public static Command Create()
    {
        Option<string> stems = new("--stems")
        {
            Description = "Songs in parts: a folder with voice/NAME.wav and music/NAME.wav of equal length. Their sum is explained.",
            HelpName = "DIR", Required = true,
        };
        Option<string?> classifier = Options.Classifier();
        Option<string?> inverter = Options.Inverter();
        Option<string?> masker = Options.Masker();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<string?> methods = MethodsEvaluation.Methods("The explanation methods to measure (default: all)");
        Option<string?> area = MethodsEvaluation.Areas($"The sizes of the regions, as shares of all bins. Default: {AllAreas}.");
        Option<int> excerpts = Options.Count("--excerpts", "The largest number of excerpts from one song.", ExcerptsOfASong);
        Option<double?> classThreshold = Options.ClassThreshold();
        Option<bool> force = Options.Force();
        Option<ulong> seed = Options.Seed();
        Option<string> output = Options.Out("localisation.csv, localisation.png and localisation.svg");
        Option<Decoder> decoder = Options.Decoder();
        DeviceOptions device = new();
        Option<string?> shard = Options.Shard("Finished songs are kept in localisation/METHOD/NAME.npz, and the job that finishes last writes the totals.");
        Option<bool> json = Options.Json();
        Command command = new(
            "localise",
            "Measures whether explanations lie where the voice is. It takes songs whose voice and accompaniment are known, and explains excerpts in which the "
            + "voice sounds and the detector hears singing. A bin is voice-dominated if the voice alone has more energy there than the accompaniment alone and "
            + $"lies at most {Localisation.RangeDecibels:0} dB below the voice's loudest bin of the excerpt. Each method chooses a region of the most "
            + "important bins. Recall: the share of the voice-dominated bins that lie in it. Precision: the share of the region that is voice-dominated. "
            + "Pointing game: whether the most important bin is voice-dominated; several equally important bins count by their share.\n\n"
            + "Example:\n  svd localise --stems stems --methods inversion,loudest,occlusion --out localisation")
        {
            stems, methods, area, excerpts, classifier, inverter, masker, statistics, classThreshold, seed, output, shard, force, decoder, device, json,
        };
        command.SetAction(parsed => Run(new Request(
            parsed.GetRequiredValue(stems),
            new ModelPaths(
                parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics,
                parsed.GetValue(inverter) ?? BundledFiles.Inverter, parsed.GetValue(masker) ?? BundledFiles.Masker),
            parsed.GetValue(force), ExplanationMethods.Parse(parsed.GetValue(methods) ?? ExplanationMethods.All),
            MethodsEvaluation.SizesOf(null, parsed.GetValue(area) ?? AllAreas), parsed.GetValue(excerpts), parsed.GetValue(classThreshold),
            parsed.GetValue(seed), parsed.GetRequiredValue(output), Options.ShardIn(parsed.GetValue(shard)),
            parsed.GetValue(decoder), device.Of(parsed), parsed.GetValue(json))));
        return command;
    }

    private static int Run(Request request)
    {
        IReadOnlyList<StemSong> songs = StemSong.In(request.Stems, request.Decoder);
        ModelPaths paths = request.Methods.Contains(ExplanationMethods.Mask) ? request.Paths : request.Paths with { Masker = null };
        string[] files = [.. ((string[])["csv", "png", "svg"]).Select(extension => Path.Combine(request.Out, $"localisation.{extension}"))];
        OutputFolder.Prepare(request.Out);
        OutputFolder.Require(files, [.. songs.SelectMany(song => (string[])[song.VoicePath, song.MusicPath]), .. paths.All]);
        using IBackend backend = request.CreateBackend();
        using Models models = Models.Load(backend, paths, request.Force);
        request = request with { Decision = ClassDecision.Of(request.ClassThreshold, models.TunedThreshold) };

        StemExcerpts[] read = ReadSongs(request, songs, backend, models.Detector, models.Statistics);
        string[] warnings = [.. read.SelectMany(song => song.Warnings)];
        StemExcerpts[] used = [.. read.Where(song => song.VoiceBins.Count > 0)];
        if (used.Length == 0)
        {
            throw new EngineException(
                $"the detector hears singing in none of the {read.Sum(song => song.Sounding)} excerpts of {request.Stems} in which the voice sounds; there is "
                + "nothing to explain");
        }

        using MethodComparison comparison = ProgressDisplay.Run("inversions", report => new MethodComparison(
            backend, models.Detector, models.Inversion!, models.Mask, null, models.Statistics, [.. used.Select(song => song.Compared)], request.Sizes,
            [MaskFill.Zero], request.Decision.Value, request.Seed, (done, all) => report(done, all)));
        string[] names = [.. songs.Where((_, i) => read[i].VoiceBins.Count > 0).Select(song => song.Name)];
        double[] identity = IdentityOf(request, backend, songs, used);
        LocalisationScores?[][] kept = ProgressDisplay.Run("methods", report => Measure(request, comparison, used, names, identity, report));
        int missing = Enumerable.Range(0, used.Length).Count(song => kept.Any(method => method[song] is null));
        if (missing > 0) return ShardReport.Print(request.Shard, used.Length - missing, used.Length, request.Json);
        (string Name, LocalisationScores Scores)[] scores =
            [.. request.Methods.Select((method, i) => (method, LocalisationScores.Together([.. kept[i].OfType<LocalisationScores>()])))];

        Estimate voice = new TwoLevelBootstrap(comparison.SongOf, request.Seed).Of(
            [.. used.SelectMany(song => song.VoiceBins).Select(bins => 100.0 * bins.Count(bin => bin) / ExcerptLength)]);
        Report report = new(
            Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Stems))), used.Length, songs.Count, comparison.Count,
            read.Sum(song => song.Sounding), read.Sum(song => song.Sung), used.Sum(song => song.MusicSung), voice, request.Decision.Value,
            request.Decision.From, backend.Name, files, LocalisationTable.Of(request.Sizes, scores, comparison.SongOf, request.Seed), warnings);
        Write(report);
        if (request.Json) Console.WriteLine(JsonSerializer.Serialize(report, Json.Indented));
        else Print(report);
        return 0;
    }

    private static StemExcerpts[] ReadSongs(Request request, IReadOnlyList<StemSong> songs, IBackend backend, SvdNet network, BandStatistics statistics)
    {
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = statistics.On(backend);
        SongPredictor predictor = new(backend, network, statistics);
        return ProgressDisplay.Run("songs", report => songs.Select((song, i) =>
        {
            StemExcerpts read = StemExcerpts.Read(
                song, extractor, normalizer, predictor, request.Decision.Value, request.Excerpts,
                new RandomSource(request.Seed, (ulong)RandomPurpose.LocalisedExcerpts, (ulong)i));
            SvdCommand.Warn(read.Warnings);
            report(i + 1, songs.Count);
            return read;
        }).ToArray());
    }

    // All that the scores of a song depend on.
    private static double[] IdentityOf(Request request, IBackend backend, IReadOnlyList<StemSong> songs, StemExcerpts[] used) =>
    [
        Version,
        Digest.Of(
            DeviceIdentity.Of(backend),
            songs.SelectMany(song => (string[])[song.VoicePath, song.MusicPath]).Concat(request.Paths.All).Select(Digest.OfFile)),
        request.Seed, request.Decision.Value, .. request.Sizes.Select(size => size.Value),
        .. used.SelectMany(song => song.Compared.Starts.Select(frame => (double)frame).Prepend(song.Compared.Starts.Length)),
    ];

    // Each method's scores of each song; null where that is another machine's and not there yet.
    private static LocalisationScores?[][] Measure(
        Request request, MethodComparison comparison, StemExcerpts[] songs, string[] names, double[] identity, Action<double, double?> report)
    {
        // The work beside the detector's passes counts as one pass.
        IExplanationMethod[] methods = [.. request.Methods.Select(comparison.Create)];
        double done = 0, all = methods.Sum(method => (method.Passes + 1.0) * comparison.Count);
        return [.. methods.Select(method => songs.Select((_, song) => ScoresOf(method, song)).ToArray())];

        LocalisationScores? ScoresOf(IExplanationMethod method, int song)
        {
            double before = done, weight = method.Passes + 1.0;
            string file = Path.Combine(request.Out, "localisation", method.Name, $"{ResultName.Of(names[song])}.npz");
            done += songs[song].VoiceBins.Count * weight;
            LocalisationScores? scores = request.Shard.IsPart
                ? LocalisationScores.TryRead(file, identity, request.Sizes.Length, songs[song].VoiceBins.Count) : null;
            if (scores is not null || !request.Shard.Has(song)) return scores;
            scores = LocalisationScores.Of(
                comparison, method, song, songs[song].VoiceBins, request.Sizes, excerpts => report(before + excerpts * weight, all));
            if (request.Shard.IsPart) scores.Write(file, identity);
            return scores;
        }
    }

    private static void Write(Report report)
    {
        const string heading = "Do explanations lie where the voice is?";
        string subheading = $"{report.Stems}: {report.Excerpts} excerpts of {report.Songs} songs, singing if P ≥ {report.ClassThreshold:0.###}; "
            + "bars are 95 % intervals over songs and excerpts; dashed: "
            + $"chance, {report.VoicePercent.Mean:F1} % of the bins are voice-dominated";
        double voice = report.VoicePercent.Mean;
        OutputFolder.WriteAll(
            report.Files,
            [
                Encoding.UTF8.GetBytes(LocalisationTable.ToCsv(report.Rows, voice)), LocalisationFigure.RenderPng(report.Rows, voice, heading, subheading),
                LocalisationFigure.RenderSvg(report.Rows, voice, heading, subheading),
            ]);
    }

    private static void Print(Report report)
    {
        Console.WriteLine($"{report.Stems}: the detector hears singing (P >= {report.ClassThreshold:F2}) in {report.Sung} of the {report.Sounding} "
            + "excerpts, one every 0.5 s, in which the voice sounds");
        Console.WriteLine($"used: {report.Excerpts} excerpts of {report.Songs} of {report.SongsListed} songs; in {report.MusicSung} of them it also hears "
            + "singing in the accompaniment alone");
        Console.WriteLine($"voice-dominated bins: {MethodsEvaluation.Interval(report.VoicePercent)} %, which is chance for precision and pointing; chance for "
            + "recall is the area");
        Console.WriteLine("brackets: 95 % intervals of a bootstrap that draws songs, then excerpts within them, 1000 times");
        foreach (IGrouping<MaskSize, LocalisationRow> size in report.Rows.GroupBy(row => row.Size))
        {
            Console.WriteLine();
            Console.WriteLine($"{size.Key,-20}  {"area %",6}  {"recall %",19}  {"precision %",19}  {"pointing %",20}");
            foreach (LocalisationRow row in size)
            {
                Console.WriteLine(
                    $"{row.Method,-20}  {row.Area,6:F1}  {MethodsEvaluation.Interval(row.Recall),19}  {MethodsEvaluation.Interval(row.Precision),19}  "
                    + $"{MethodsEvaluation.Interval(row.Pointing),20}");
            }
        }

        Console.WriteLine();
        Console.WriteLine($"written: {string.Join(", ", report.Files)}");
    }

    private sealed record Request(
        string Stems, ModelPaths Paths, bool Force, IReadOnlyList<string> Methods, MaskSize[] Sizes, int Excerpts, double? ClassThreshold, ulong Seed,
        string Out, Shard Shard, Decoder Decoder, Func<IBackend> CreateBackend, bool Json)
    {
        /// <summary>The class threshold in use; known once the weights are loaded.</summary>
        public ClassDecision Decision { get; init; }
    }

    internal sealed record Report(
        string Stems, int Songs, int SongsListed, int Excerpts, int Sounding, int Sung, int MusicSung, Estimate VoicePercent,
        double ClassThreshold, string ClassThresholdFrom,
        string Device, string[] Files, IReadOnlyList<LocalisationRow> Rows, string[] Warnings);
}
