using System.CommandLine;
using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Audio;
using Engine.Svd.Data;
using Engine.Svd.Explain;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Page;
using Engine.Tensors;

namespace Engine.Svd.Cli;

/// <summary><c>svd page</c>: a page for each song, to see and to hear what the detector listens to.</summary>
internal static class PageCommand
{
    private const double DefaultArea = 0.2;
    private const int DefaultEvery = 10;

    public static Command Create()
    {
        Argument<string[]> songs = Options.Songs(ArgumentArity.OneOrMore);
        Option<bool> recursive = Options.Recursive();
        Option<double> area = new("--area")
        {
            Description = "The page starts with masks that keep this share of the bins, and the detector is asked about these masks.", HelpName = "SHARE",
            DefaultValueFactory = _ => DefaultArea,
        };
        Options.Require(area, share => share is > 0 and <= 1, "a number above 0 and at most 1");
        Option<int> every = Options.Count("--every", "Explain an excerpt every N frames; there are 70 frames a second.", DefaultEvery);
        Option<string> output = Options.Out("NAME.html of every song, and index.html where there are several songs");
        Option<bool> overwrite = new("--overwrite") { Description = "Also replace files of these names that svd page did not write." };
        Option<double?> classThreshold = Options.ClassThreshold();
        Option<string?> classifier = Options.Classifier();
        Option<string?> inverter = Options.Inverter();
        Option<string?> masker = Options.Masker();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<bool> force = Options.Force();
        Option<Channel> channel = Options.Channel();
        Option<Decoder> decoder = Options.Decoder();
        DeviceOptions device = new();
        Option<bool> json = Options.Json("Print one line of JSON per song.");
        Command command = new(
            "page",
            "Makes a web page of every song, to see and to hear what the detector listens to. The page is one file that needs no network: the song with its "
            + "spectrogram, the probability of singing and the sung segments, what decides it, and the sound of what the detector listens to and of what is "
            + "left. Labels are shown too if NAME.lab is beside the song or in the folder labels beside the song's folder.\n\n"
            + "Examples:\n  svd page song.mp3\n  svd page music --out pages")
        {
            songs, recursive, output, area, every, overwrite, classThreshold, classifier, inverter, masker, statistics, force, channel, decoder, device, json,
        };
        command.SetAction(parsed => Run(new Request(
            SongFiles.All(parsed.GetRequiredValue(songs), parsed.GetValue(recursive)), parsed.GetRequiredValue(output), parsed.GetValue(area), parsed.GetValue(every), parsed.GetValue(overwrite),
            parsed.GetValue(classThreshold),
            new ModelPaths(
                parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics,
                parsed.GetValue(inverter) ?? BundledFiles.Inverter, parsed.GetValue(masker) ?? BundledFiles.Masker),
            parsed.GetValue(force), parsed.GetValue(channel), parsed.GetValue(decoder), device.Of(parsed), parsed.GetValue(json))));
        return command;
    }

    private static int Run(Request request)
    {
        (string Song, string Page)[] songs = WithPages(request);
        string? index = songs.Length > 1 ? Path.Combine(request.Out, IndexPage.FileName) : null;
        PrepareOutputs(request, songs, index);
        using IBackend backend = request.CreateBackend();
        using Models models = Models.Load(backend, request.Paths, request.Force);
        models.RequireInversionOf(SvdNetLayer.Fc8, request.Paths.Inverter!);
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = models.Statistics.On(backend);
        PageSettings settings = SettingsOf(request, models, backend);
        using SongExplainer explainer = new(backend, models.Detector, models.Inversion!, models.Mask!, models.Statistics, settings.Shares, request.Every);
        SongPage maker = new(explainer, extractor, normalizer, models.Statistics, settings);
        int exitCode = 0;
        List<IndexEntry> entries = [];
        foreach ((string song, string page) in songs)
        {
            IndexEntry entry = new(Path.GetFileName(song), Path.GetFileName(page), null, null);
            try
            {
                entries.Add(entry with { Summary = Make(request, maker, song, page) });
            }
            catch (EngineException failure)
            {
                // The other songs are worth having.
                string message = DeviceAdvice.MessageOf(failure);
                exitCode = SvdCommand.Fail(message);
                entries.Add(entry with { Problem = MessageText.Line(message) });
            }
        }

        if (index is null || entries.TrueForAll(entry => entry.Summary is null)) return exitCode;
        AtomicFile.Write(index, stream => IndexPage.Write(stream, entries, settings));
        if (!request.Json) Console.WriteLine($"index: {index}");
        return exitCode;
    }

    private static SongSummary Make(Request request, SongPage maker, string song, string page)
    {
        long start = Stopwatch.GetTimestamp();
        SongSummary? summary = null;
        ProgressDisplay.Run(Path.GetFileName(song), report =>
        {
            AtomicFile.Write(page, stream => summary = maker.Write(stream, song, LabelsOf(song), report));
            return true;
        });
        SvdCommand.Warn(summary!.Warnings);
        double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        Report report = new(
            song, summary.Seconds, summary.Singing, summary.Segments, summary.Error, page, new FileInfo(page).Length, summary.Sound, milliseconds,
            summary.Warnings);
        Console.WriteLine(request.Json
            ? JsonSerializer.Serialize(report, Json.Line)
            : $"{MessageText.Line(song)}: {report.Seconds:F1} s, singing {report.Singing:P1} of it"
                + (report.Error is { } error ? $", {error:P1} of the frames wrong" : "")
                + $" → {page} ({report.Bytes / 1e6:F1} MB, {milliseconds / 1000:F1} s)");
        return summary;
    }

    private static PageSettings SettingsOf(Request request, Models models, IBackend backend)
    {
        ClassDecision decision = ClassDecision.Of(request.ClassThreshold, models.TunedThreshold);
        WeightFile classifier = WeightFile.Read(request.Paths.Classifier);
        string version = typeof(PageCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
        CardLine[] card =
        [
            new("Detector", Path.GetFileName(request.Paths.Classifier)),
            new("Its digest", classifier.Digest),
            .. WeightNotes.Of(classifier)?.Training is { } training ? new CardLine[] { new("Its training", MessageText.Line(training)) } : [],
            new("Singing from", $"P = {decision}"),
            new("Mask network", Path.GetFileName(request.Paths.Masker!)),
            new("Inversion network", Path.GetFileName(request.Paths.Inverter!)),
            new("Device", backend.Name),
        ];
        return new PageSettings(version, decision.Value, decision.From, request.Every, new MaskShares(request.Area), request.Channel, request.Decoder, card);
    }

    // The page is named after the song; two songs of one name keep their extensions.
    private static (string Song, string Page)[] WithPages(Request request)
    {
        string[] songs = [.. request.Songs.Select(song => song.Path)];
        HashSet<string> shared = [.. songs.GroupBy(ResultName.OfFile).Where(group => group.Count() > 1).Select(group => group.Key)];
        return
        [
            .. songs.Select(song => (song, Path.Combine(
                request.Out, $"{(shared.Contains(ResultName.OfFile(song)) ? ResultName.Of(Path.GetFileName(song)) : ResultName.OfFile(song))}.html"))),
        ];
    }

    private static string? LabelsOf(string song)
    {
        string name = Path.GetFileNameWithoutExtension(song) + ".lab", folder = Path.GetDirectoryName(Path.GetFullPath(song))!;
        string[] places = [Path.Combine(folder, name), Path.Combine(folder, "..", "labels", name)];
        return Array.Find(places, File.Exists);
    }

    private static void PrepareOutputs(Request request, (string Song, string Page)[] songs, string? index)
    {
        OutputFolder.Prepare(request.Out);
        string[] files = [.. songs.Select(song => song.Page), .. index is null ? [] : new[] { index }];
        OutputFolder.Require(files, [.. songs.Select(song => song.Song), .. request.Paths.All]);
        string? foreign = request.Overwrite ? null : Array.Find(files, file => File.Exists(file) && !PageWriter.Wrote(file));
        if (foreign is null) return;
        throw new EngineException($"{foreign} was not written by svd page and stays; give --overwrite to replace it, or another folder with --out");
    }

    private sealed record Request(
        IReadOnlyList<SongFile> Songs, string Out, double Area, int Every, bool Overwrite, double? ClassThreshold, ModelPaths Paths, bool Force, Channel Channel,
        Decoder Decoder, Func<IBackend> CreateBackend, bool Json);

    private sealed record Report(
        string Audio, double Seconds, double Singing, int Segments, double? Error, string Page, long Bytes, string Sound, double Milliseconds,
        IReadOnlyList<string> Warnings);
}
