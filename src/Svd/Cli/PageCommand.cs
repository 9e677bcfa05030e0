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

    // Each holds the networks and the maps of a stretch: some 100 MB.
    private const int MostExplainers = 4;

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
        Option<string?> shard = Options.Shard("Each job writes the pages of its songs, and an index of them.");
        DeviceOptions device = new();
        Option<bool> json = Options.Json("Print one line of JSON per song.");
        Command command = new(
            "page",
            "Makes a web page of every song, to see and to hear what the detector listens to. The page is one file that needs no network: the song with its "
            + "spectrogram, the probability of singing and the sung segments, what decides it, and the sound of what the detector listens to and of what is "
            + "left. Labels are shown too if NAME.lab, NAME.txt (Audacity) or NAME.csv is beside the song or in the folder labels beside the song's"
            + " folder.\n\n"
            + "Examples:\n  svd page song.mp3\n  svd page music --out pages")
        {
            songs, recursive, output, area, every, overwrite, classThreshold, classifier, inverter, masker, statistics, force, channel, decoder, shard,
            device, json,
        };
        command.SetAction(parsed => Run(new Request(
            SongFiles.Find(parsed.GetRequiredValue(songs), parsed.GetValue(recursive)), Options.ShardIn(parsed.GetValue(shard)),
            parsed.GetRequiredValue(output), parsed.GetValue(area), parsed.GetValue(every), parsed.GetValue(overwrite), parsed.GetValue(classThreshold),
            new ModelPaths(
                parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics,
                parsed.GetValue(inverter) ?? BundledFiles.Inverter, parsed.GetValue(masker) ?? BundledFiles.Masker),
            parsed.GetValue(force), parsed.GetValue(channel), parsed.GetValue(decoder), device.SeveralOf(parsed, MostExplainers),
            parsed.GetValue(json))));
        return command;
    }

    private static int Run(Request request)
    {
        PrepareOutputs(request);
        using ExplainerTeam team = new(request.CreateBackends(), request.Paths, request.Force, new MaskShares(request.Area), request.Every);
        team.Models.RequireInversionOf(SvdNetLayer.Fc8, request.Paths.Inverter!);
        using LogMelExtractor extractor = new(team.FrontEnd);
        using BandNormalizer normalizer = team.Models.Statistics.On(team.FrontEnd);
        PageSettings settings = SettingsOf(request, team);
        SongPage maker = new(new SongExplainer(team.Explainers, team.Models.Statistics), extractor, normalizer, team.Models.Statistics, settings);
        int exitCode = 0;
        List<IndexEntry> entries = [];
        foreach (SongFile song in request.Songs)
        {
            IndexEntry entry = new(Path.Combine(Path.GetDirectoryName(song.Name)!, Path.GetFileName(song.Path)).Replace('\\', '/'), PageOf(song), null, null);
            try
            {
                entries.Add(entry with { Summary = Make(request, maker, song.Path, Path.Combine(request.Out, entry.Page)) });
            }
            catch (EngineException failure)
            {
                // The other songs are worth having.
                string message = DeviceAdvice.MessageOf(failure);
                exitCode = SvdCommand.Fail(message);
                entries.Add(entry with { Problem = MessageText.Line(message) });
            }
        }

        if (request.Index is not { } index || entries.TrueForAll(entry => entry.Summary is null)) return exitCode;
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

    private static PageSettings SettingsOf(Request request, ExplainerTeam team)
    {
        ClassDecision decision = ClassDecision.Of(request.ClassThreshold, team.Models.TunedThreshold);
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
            new("Device", team.Name),
        ];
        return new PageSettings(version, decision.Value, decision.From, request.Every, team.Shares, request.Channel, request.Decoder, card);
    }

    private static string PageOf(SongFile song) => $"{song.Name}.html";

    private static string? LabelsOf(string song)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(song))!;
        return new[] { folder, Path.Combine(folder, "..", Corpus.Labels) }
            .SelectMany(_ => Corpus.LabelExtensions, (place, extension) => Path.Combine(place, Path.GetFileNameWithoutExtension(song) + extension))
            .FirstOrDefault(File.Exists);
    }

    private static void PrepareOutputs(Request request)
    {
        OutputFolder.Prepare(request.Out);
        string[] files =
        [
            .. request.Songs.Select(song => Path.Combine(request.Out, PageOf(song))), .. request.Index is null ? [] : new[] { request.Index },
        ];
        OutputFolder.RequireApart(files, [.. request.Songs.Select(song => song.Path), .. request.Paths.All]);
        OutputFolder.PrepareAll(files);
        OutputFolder.Require(files);
        string? foreign = request.Overwrite ? null : Array.Find(files, file => File.Exists(file) && !PageWriter.Wrote(file));
        if (foreign is null) return;
        throw new EngineException($"{foreign} was not written by svd page and stays; give --overwrite to replace it, or another folder with --out");
    }

    private sealed record Request(
        IReadOnlyList<SongFile> AllSongs, Shard Shard, string Out, double Area, int Every, bool Overwrite, double? ClassThreshold, ModelPaths Paths, bool Force,
        Channel Channel, Decoder Decoder, Func<IReadOnlyList<IBackend>> CreateBackends, bool Json)
    {
        /// <summary>The songs of this part.</summary>
        public SongFile[] Songs { get; } = Shard.Of(AllSongs);

        /// <summary>The index of this part; null if there is only one song.</summary>
        public string? Index { get; } = AllSongs.Count > 1 ? Path.Combine(Out, IndexPage.FileName(Shard)) : null;
    }

    internal sealed record Report(
        string Audio, double Seconds, double Singing, int Segments, double? Error, string Page, long Bytes, string Sound, double Milliseconds,
        IReadOnlyList<string> Warnings);
}
