using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Predict;
using Engine.Tensors;

namespace Engine.Svd.Cli;

/// <summary><c>svd predict</c>: writes the probability of singing for every frame, and the sung segments.</summary>
internal static class PredictCommand
{
    private enum ProbabilityFormat
    {
        Npy,
        Csv,
        None,
    }

    public static Command Create()
    {
        Argument<string[]> audio = Options.Songs(ArgumentArity.OneOrMore);
        Option<bool> recursive = Options.Recursive();
        Option<string> output = Options.Out("the results of every song");
        Option<SegmentFormat[]> formats = Options.SomeOf<SegmentFormat>(
            "--format",
            "The files for the segments, separated by commas. lab: NAME.lab; audacity: a label track, NAME.txt; csv: NAME.csv; jams: NAME.jams; json: "
                + "NAME.json.");
        Option<ProbabilityFormat[]> probabilities = Options.SomeOf<ProbabilityFormat>(
            "--probabilities",
            "The files for the probabilities. npy: NAME.probability.npy, float32; csv: NAME.probability.csv, with times; none: no file.");
        Option<string?> classifier = Options.Classifier();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<double?> classThreshold = Options.ClassThreshold();
        Option<bool> force = Options.Force();
        Option<bool> overwrite = Options.Overwrite();
        Option<Channel> channel = Options.Channel();
        Option<Decoder> decoder = Options.Decoder();
        DeviceOptions device = new();
        Option<string?> shard = Options.Shard("The jobs together predict every song once.");
        Option<bool> json = Options.Json("Print one line of JSON per song.");
        Command command = new(
            "predict",
            "Finds singing in songs. Writes the probability of singing 70 times a second, and the segments with and without singing after a running median "
            + "over 56 frames. A song that fails does not stop the others; several songs end with a table, which is also written to summary.csv.\n\n"
            + "Examples:\n  svd predict song.mp3\n  svd predict music --recursive --out predictions --format lab,audacity")
        {
            audio, recursive, output, formats, probabilities, classifier, statistics, classThreshold, overwrite, force, channel, decoder, shard, device, json,
        };
        command.SetAction(parsed => Run(new Request(
            SongFiles.Find(parsed.GetRequiredValue(audio), parsed.GetValue(recursive)), Options.ShardIn(parsed.GetValue(shard)),
            parsed.GetRequiredValue(output), Options.SomeIn(parsed.GetValue(formats)), Options.SomeIn(parsed.GetValue(probabilities)),
            new ModelPaths(parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics),
            parsed.GetValue(classThreshold), parsed.GetValue(overwrite), parsed.GetValue(force), parsed.GetValue(channel), parsed.GetValue(decoder),
            device.Of(parsed), parsed.GetValue(json))));
        return command;
    }

    private static int Run(Request request)
    {
        PrepareOutputs(request);
        using IBackend backend = request.CreateBackend();
        using Models models = Models.Load(backend, request.Paths, request.Force);
        ClassDecision threshold = ClassDecision.Of(request.ClassThreshold, models.TunedThreshold);
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = models.Statistics.On(backend);
        SongPredictor predictor = new(backend, models.Detector, models.Statistics);
        return new SongBatch("seconds", "singing_share", "sung_segments").Run(request.Songs, request.Summary, request.Json, PredictSong);

        (string Line, object[] Values) PredictSong(SongFile song, Action<double, double?> report)
        {
            long start = Stopwatch.GetTimestamp();
            List<float> probabilities = [];
            using AudioStream audio = AudioStream.Open(song.Path, request.Channel, request.Decoder);
            LogMelReader reader = new(audio, extractor, normalizer);
            predictor.Predict(reader.Read, (_, block, _) =>
            {
                probabilities.AddRange(block);
                report(reader.Seconds, audio.DurationSeconds);
            });
            reader.RequireUsable(song.Path);
            SvdCommand.Warn(audio.Warnings);
            float[] values = [.. probabilities];
            IReadOnlyList<Segment> segments = Segments.Find(values, threshold.Value);
            double seconds = (double)values.Length / FrontEndSettings.FramesPerSecond;
            double singing = segments.Where(segment => segment.Singing).Sum(segment => segment.EndSeconds - segment.StartSeconds) / seconds;
            int sung = segments.Count(segment => segment.Singing);
            string stem = StemOf(request, song);
            string[] files = FilesOf(request, song);
            OutputFolder.WriteAll(files, ContentsOf(
                request, values, new SegmentContent(segments, Path.GetFileName(song.Path), seconds, threshold.Value, $"singing if P >= {threshold}")));
            double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            string line = request.Json
                ? JsonSerializer.Serialize(
                    new Report(
                        song.Path, values.Length, seconds, singing, sung,
                        [.. segments.Select(segment => new SegmentReport(segment.StartSeconds, segment.EndSeconds, Segment.Label(segment.Singing)))],
                        threshold.Value, threshold.From, files, Options.NameOf(audio.Decoder), backend.Name, milliseconds, audio.Warnings),
                    Json.Line)
                : $"{MessageText.Line(song.Path)}: {seconds:F1} s, singing {singing:P1} of it in {sung} {(sung == 1 ? "segment" : "segments")} "
                    + $"(P >= {threshold}) → {stem} ({string.Join(", ", files.Select(file => file[stem.Length..]))}; {milliseconds / 1000:F1} s)";
            return (line, [seconds, singing, sung]);
        }
    }

    private static string StemOf(Request request, SongFile song) => Path.Combine(request.Out, song.Name);

    private static string[] FilesOf(Request request, SongFile song)
    {
        string stem = StemOf(request, song);
        return
        [
            .. request.Probabilities.Where(format => format != ProbabilityFormat.None).Select(format => $"{stem}.probability.{Options.NameOf(format)}"),
            .. request.Formats.Select(format => stem + SegmentFiles.Extension(format)),
        ];
    }

    private static byte[][] ContentsOf(Request request, float[] probabilities, SegmentContent segments) =>
    [
        .. request.Probabilities.Where(format => format != ProbabilityFormat.None).Select(format => format == ProbabilityFormat.Npy
            ? Encode(new NpyArray([probabilities.Length], probabilities))
            : ProbabilityTable.ToCsv(probabilities)),
        .. request.Formats.Select(format => SegmentFiles.Encode(format, segments)),
    ];

    private static byte[] Encode(NpyArray array)
    {
        using MemoryStream stream = new();
        NpyFile.Write(stream, array);
        return stream.ToArray();
    }

    private static void PrepareOutputs(Request request)
    {
        string[] files = [.. request.Songs.SelectMany(song => FilesOf(request, song))];
        if (request.Summary is { } summary) files = [.. files, summary];
        OutputFolder.Prepare(request.Out);
        OutputFolder.RequireApart(files, [.. request.Songs.Select(song => song.Path), .. request.Paths.All]);
        OutputFolder.RequireNew(files, request.Overwrite);
        OutputFolder.PrepareAll(files);
        OutputFolder.Require(files);
    }

    private sealed record Request(
        IReadOnlyList<SongFile> AllSongs, Shard Shard, string Out, SegmentFormat[] Formats, ProbabilityFormat[] Probabilities, ModelPaths Paths,
        double? ClassThreshold, bool Overwrite, bool Force, Channel Channel, Decoder Decoder, Func<IBackend> CreateBackend, bool Json)
    {
        /// <summary>The songs of this part.</summary>
        public SongFile[] Songs { get; } = Shard.Of(AllSongs);

        /// <summary>The table of this part; null where there is one song.</summary>
        public string? Summary { get; } = SongBatch.SummaryIn(Out, AllSongs, Shard);
    }

    internal sealed record SegmentReport(double Start, double End, string Label);

    internal sealed record Report(
        string Audio, int Frames, double Seconds, double Singing, int SungSegments, IReadOnlyList<SegmentReport> Segments, double ClassThreshold,
        string ClassThresholdFrom, string[] Files, string Decoder, string Device, double Milliseconds, IReadOnlyList<string> Warnings);
}
