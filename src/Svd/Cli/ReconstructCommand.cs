using System.CommandLine;
using System.Text;
using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.Evaluate;
using Engine.Svd.Figures;
using Engine.Svd.Model;

namespace Engine.Svd.Cli;

/// <summary><c>svd reconstruct</c>: measures how well the inversion networks of the detector's layers give back excerpts.</summary>
internal static class ReconstructCommand
{
    private const int PublishedExcerpts = 8, PublishedDraws = 10;

    public static Command Create()
    {
        Option<string> data = Options.Data();
        Option<string> split = new("--split") { Description = "The part of the corpus.", HelpName = "NAME", DefaultValueFactory = _ => "test" };
        Option<string[]> inverters = new("--inverter")
        {
            Description = "Inversion networks (.npz), or a folder with one for each layer; may be given several times. Default: the bundled ones.",
            HelpName = "PATH",
        };
        Option<string?> classifier = Options.Classifier();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<int> excerpts = Options.Count("--excerpts", "The number of random excerpts from each song in a draw.", PublishedExcerpts);
        Option<int> draws = Options.Count("--draws", "The number of draws.", PublishedDraws);
        Option<ulong> seed = Options.Seed();
        Option<string?> compare = new("--compare")
        {
            Description = "A table with the columns layer and error, such as a layers.csv, to draw beside.", HelpName = "FILE",
        };
        Option<string> output = Options.Out("layers.csv, layers.png, layers.svg and songs/NAME.npz");
        Option<bool> force = Options.Force();
        DeviceOptions device = new();
        CacheOptions cache = new();
        Option<string?> shard = Options.Shard("The job that finishes last writes the totals.");
        Option<bool> json = Options.Json();
        Command command = new(
            "reconstruct",
            "Inverts the output of the detector's layers for random excerpts of a corpus and measures how far the inversions are from the excerpts: the mean "
            + "distance of an excerpt and its inversion, divided by the mean distance of two excerpts (normalised reconstruction error; 1 is the error of "
            + "another excerpt in place of the inversion). The songs need no labels. The 95 % intervals come from a bootstrap that draws songs and their "
            + "excerpts. Finished songs are kept in songs/NAME.npz; if the command is interrupted, run it again to resume.\n\n"
            + "Example:\n  svd reconstruct --data jamendo --inverter inverters --out reconstruction")
        {
            data, split, inverters, classifier, statistics, excerpts, draws, seed, compare, output, force, device, cache, shard, json,
        };
        command.SetAction(parsed => Run(new Request(
            parsed.GetRequiredValue(data), parsed.GetRequiredValue(split),
            new ModelPaths(parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics)
            {
                Layers = parsed.GetValue(inverters) is { Length: > 0 } given
                    ? [.. given.SelectMany(path => Directory.Exists(path) ? InverterFiles.OfAllLayers(path) : [path])] : InverterFiles.OfAllLayers(null),
            },
            parsed.GetValue(force), new ReconstructionSampling(parsed.GetValue(excerpts), parsed.GetValue(draws), parsed.GetValue(seed)),
            parsed.GetValue(compare), parsed.GetRequiredValue(output), Options.ShardIn(parsed.GetValue(shard)), device.Of(parsed),
            cache.Of(parsed), parsed.GetValue(json))));
        return command;
    }

    private static int Run(Request request)
    {
        Corpus corpus = Corpus.Open(request.Data, withLabels: false);
        IReadOnlyList<Song> songs = corpus.Split(request.Split);
        IReadOnlyList<(string Layer, double Error)> compared = request.Compare is null ? [] : ReconstructionTable.Read(request.Compare);
        string songFolder = Path.Combine(request.Out, "songs"), stem = Path.Combine(request.Out, "layers");
        string[] files = [$"{stem}.csv", $"{stem}.png", $"{stem}.svg"];
        OutputFolder.Prepare(songFolder);
        OutputFolder.RequireApart(
            [.. files, .. songs.Select(song => Path.Combine(songFolder, $"{ResultName.Of(song.Name)}.npz"))],
            [.. Corpus.InputsOf(request.Data, request.Split, songs), request.Compare, .. request.Paths.All]);
        OutputFolder.Require(files);
        using IBackend backend = request.CreateBackend();
        using Models models = Models.Load(backend, request.Paths, request.Force);
        using ExcerptDetector detector = new(backend, models.Detector);
        Reconstruction reconstruction = new(backend, detector, [.. request.Paths.Layers.Zip(models.Layers)], models.Statistics, request.Sampling);
        SpectrogramCache cache = request.Cache.Open(request.Data);
        (IReadOnlyList<ReconstructionRow> rows, int measured, int missing) = ProgressDisplay.Run(
            $"songs of {request.Split}", report => reconstruction.Measure(songs, cache, [.. request.Paths.All], songFolder, request.Shard, report));
        if (missing > 0) return ShardReport.Print(request.Shard, songs.Count - missing, songs.Count, request.Json);
        string dataset = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Data)));
        string subheading = $"{dataset}, {request.Split}: {Counted.Of(request.Sampling.Draws, "draw")} of {Counted.Of(request.Sampling.Excerpts, "excerpt")} of "
            + $"each of {Counted.Of(measured, "song")}";
        ReconstructionCurve[] curves = [.. CurvesOf(rows), .. CurvesOf(compared, request.Compare)];
        const string heading = "What the detector's layers keep of an excerpt";
        OutputFolder.WriteAll(
            files,
            [
                Encoding.UTF8.GetBytes(ReconstructionTable.ToCsv(rows)), ReconstructionFigure.RenderPng(curves, heading, subheading),
                ReconstructionFigure.RenderSvg(curves, heading, subheading),
            ]);
        Report report = new(
            dataset, request.Split, measured, songs.Count, request.Sampling.Excerpts, request.Sampling.Draws, backend.Name, files, rows, cache.Warnings);
        if (request.Json) Console.WriteLine(JsonSerializer.Serialize(report, Json.Indented));
        else Print(report, subheading);
        return 0;
    }

    private static IEnumerable<ReconstructionCurve> CurvesOf(IReadOnlyList<ReconstructionRow> rows) =>
        rows.GroupBy(row => row.Architecture).Select(design => new ReconstructionCurve(design.Key, [.. design.Select(row => (row.Layer, row.Error))]));

    private static IEnumerable<ReconstructionCurve> CurvesOf(IReadOnlyList<(string Layer, double Error)> compared, string? path) =>
        compared.Count == 0 ? [] : [new(
            Path.GetFileNameWithoutExtension(path)!, [.. compared.Select(point => (point.Layer, new Estimate(point.Error, point.Error, point.Error)))])];

    private static void Print(Report report, string subheading)
    {
        Console.WriteLine($"{subheading}" + (report.Songs < report.SongsListed ? $" ({report.SongsListed - report.Songs} too short)" : ""));
        Console.WriteLine();
        int width = report.Rows.Max(row => row.Network.Length);
        Console.WriteLine($"{"network".PadRight(width)}  layer  {"design",-9}  {"numbers",7}  {"error",5}  {"95 %",13}  mean squared error");
        foreach (ReconstructionRow row in report.Rows)
        {
            Console.WriteLine($"{MessageText.Line(row.Network).PadRight(width)}  {row.Layer,-5}  {row.Architecture,-9}  {row.Numbers,7}  {row.Error.Mean:F3}  "
                + $"{row.Error.Low:F3} … {row.Error.High:F3}  {row.MeanSquaredError:F3}");
        }

        Console.WriteLine();
        Console.WriteLine($"written: {string.Join(", ", report.Files)}");
    }

    private sealed record Request(
        string Data, string Split, ModelPaths Paths, bool Force, ReconstructionSampling Sampling, string? Compare, string Out,
        Shard Shard, Func<IBackend> CreateBackend, CacheChoice Cache, bool Json);

    internal sealed record Report(
        string Dataset, string Split, int Songs, int SongsListed, int Excerpts, int Draws, string Device, string[] Files,
        IReadOnlyList<ReconstructionRow> Rows, IReadOnlyList<string> Warnings);
}
