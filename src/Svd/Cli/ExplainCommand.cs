using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Data;
using Engine.Svd.Evaluate;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Figures;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Cli;

/// <summary><c>svd explain</c>: shows what decided the prediction for one excerpt.</summary>
internal static class ExplainCommand
{
    private const string Inversion = ExplanationMethods.Inversion, Mask = ExplanationMethods.Mask, Both = "both", AllLayers = "all";
    private const double DefaultThreshold = 0.6, DefaultArea = 0.2;
    private const double ExcerptSeconds = (double)ExcerptFrames / FramesPerSecond;

    private const string Objective = "objective.png";

    private static readonly string[] Sounds = ["excerpt.wav", "explanation.wav", "removed.wav"];

    public static Command Create()
    {
        Argument<string[]> audio = Options.Songs(ArgumentArity.ZeroOrMore);
        audio.Description += " Default: the bundled sample.";
        Option<bool> recursive = Options.Recursive();
        Option<double?> at = Options.Time(
            "--at", "Where the excerpt of 1.64 s starts, as seconds (61.5) or minutes and seconds (1:01.5). Default: where singing is most certain.");
        Option<string> method = new("--method")
        {
            Description = $"How to find the important bins: {Both} for the inversion and the mask network in one figure, or one of "
                + $"{string.Join(", ", ExplanationMethods.OfOneExcerpt)}.",
            HelpName = "METHOD", DefaultValueFactory = _ => Inversion,
        };
        method.AcceptOnlyFromAmong([Both, .. ExplanationMethods.OfOneExcerpt]);
        Option<string?> threshold = Size(
            "--threshold", "A",
            $"Keep the bins whose importance, scaled to 0 … 1, is at least A; {MaskSize.OtsuName} finds A for each excerpt. "
                + $"Default for the inversion: {DefaultThreshold}.",
            MaskSizes.ThresholdIn, $"{MaskSize.OtsuName} or a number {MaskSizes.Thresholds}");
        Option<string?> area = Size(
            "--area", "SHARE", $"Keep this share of the bins, the most important ones. Default for all but the inversion: {DefaultArea}.",
            MaskSizes.ShareIn, $"a number {MaskSizes.Shares}");
        Option<bool> listen = new("--listen")
        {
            Description = $"Also write the excerpt, its explanation and what the mask removed as sound (NAME_at_TIME.{string.Join(", .", Sounds)}).",
        };
        Option<double?> classThreshold = Options.ClassThreshold();
        Option<ulong> seed = Options.Seed();
        Option<bool> force = Options.Force();
        Option<string> output = Options.Out("NAME_at_TIME.png and .npz");
        Option<bool> overwrite = Options.Overwrite();
        Option<string?> classifier = Options.Classifier();
        Option<string?> layer = Options.Layer(
            "Invert the output of this layer of the detector instead of fc8's, or of all layers, in one figure. --inverter then names a file, or a folder with "
            + "a file for each layer.", AllLayers);
        Option<string?> inverter = Options.Inverter();
        Option<string?> masker = Options.Masker();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<Channel> channel = Options.Channel();
        Option<Decoder> decoder = Options.Decoder();
        Option<string?> shard = Options.Shard("The jobs together explain every song once.");
        DeviceOptions device = new();
        Option<bool> json = Options.Json();
        Command command = new(
            "explain",
            "Shows what decided the prediction for an excerpt of a song. It inverts the detector's deepest features, makes a mask from the result and asks the "
            + "detector again about what the mask keeps; with --method, something else chooses the region. It writes a picture "
            + "(NAME_at_TIME.png, such as song_at_61.5s.png) and the arrays (NAME_at_TIME.npz); with --layer the names end in the layer's. Several songs end "
            + "with a table, which is also written to summary.csv.\n\n"
            + "Examples:\n  svd explain\n  svd explain song.mp3 --at 1:01.5 --threshold 0.5 --listen --out explained\n"
            + "  svd explain song.mp3 --at 61.5 --method both --area 0.2\n  svd explain song.mp3 --at 61.5 --layer all")
        {
            audio, recursive, at, method, layer, threshold, area, seed, listen, classThreshold, output, overwrite, classifier, inverter, masker, statistics,
            force, channel, decoder, shard, device, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(threshold) is not null && result.GetResult(area) is not null) result.AddError("give --threshold or --area, not both");
            if (result.GetValue(layer) is { } of && (result.GetValue(method) ?? Inversion) is var by
                && (of == AllLayers ? by != Inversion : !MethodsOf(by).Any(ExplanationMethods.NeedsInversion)))
            {
                result.AddError($"--layer {of} does not go with --method {by}, which {(by == Both ? "has one figure for one layer" : "inverts nothing")}");
            }
        });
        command.SetAction(parsed =>
        {
            string by = parsed.GetRequiredValue(method);
            string[] methods = MethodsOf(by);
            string? of = parsed.GetValue(layer);
            return Run(new Request(
                SongFiles.Find(parsed.GetValue(audio) is { Length: > 0 } songs ? songs : [BundledFiles.Sample], parsed.GetValue(recursive)),
                Options.ShardIn(parsed.GetValue(shard)), parsed.GetValue(at), by, methods, of,
                SizeOf(by, parsed.GetValue(threshold), parsed.GetValue(area)), parsed.GetValue(seed), parsed.GetValue(listen),
                parsed.GetValue(classThreshold), parsed.GetRequiredValue(output), parsed.GetValue(overwrite),
                new ModelPaths(
                    parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics,
                    of != AllLayers && methods.Any(ExplanationMethods.NeedsInversion) ? InverterOf(of, parsed.GetValue(inverter)) : null,
                    methods.Contains(Mask) ? parsed.GetValue(masker) ?? BundledFiles.Masker : null)
                {
                    Layers = of == AllLayers ? InverterFiles.OfAllLayers(parsed.GetValue(inverter)) : [],
                },
                parsed.GetValue(force), parsed.GetValue(channel), parsed.GetValue(decoder), device.Of(parsed), parsed.GetValue(json)));
        });
        return command;
    }

    private static string[] MethodsOf(string method) => method == Both ? [Inversion, Mask] : [method];

    private static string InverterOf(string? layer, string? given) =>
        layer is not null && SvdNetLayer.Of(layer) is { } one ? InverterFiles.Of(one, given) : given ?? BundledFiles.Inverter;

    private static Option<string?> Size(string name, string helpName, string description, Func<string, MaskSize?> sizeIn, string needs)
    {
        Option<string?> option = new(name) { Description = description, HelpName = helpName };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string text }] && sizeIn(text) is null) result.AddError($"{name} needs {needs}, not {text}");
        });
        return option;
    }

    private static MaskSize SizeOf(string method, string? threshold, string? area) =>
        threshold is not null ? MaskSizes.ThresholdIn(threshold)!.Value
        : area is not null ? MaskSizes.ShareIn(area)!.Value
        : method == Inversion ? MaskSize.Threshold(DefaultThreshold)
        : MaskSize.Share(DefaultArea);

    private static int Run(Request request)
    {
        long start = Stopwatch.GetTimestamp();
        string? summary = SongBatch.SummaryIn(request.Out, request.AllSongs, request.Shard);
        PrepareOutputs(request, summary);
        using IBackend backend = request.CreateBackend();
        using Models models = Models.Load(backend, request.Paths, request.Force);
        if (request.Layer is { } layer && SvdNetLayer.Of(layer) is { } one) models.RequireInversionOf(one, request.Paths.Inverter!);
        request = request with { Decision = ClassDecision.Of(request.ClassThreshold, models.TunedThreshold) };
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = models.Statistics.On(backend);
        using ExcerptDetector detector = new(backend, models.Detector);
        Tools tools = new(backend, models, extractor, normalizer, detector);
        return new SongBatch("start", "probability", "label", "probability_masked", "label_masked", "relative_area").Run(
            request.Songs, summary, request.Json, (song, report) =>
            {
                Report result = Explain(request, tools, song, start, report);
                start = Stopwatch.GetTimestamp();
                string line = request.Json ? JsonSerializer.Serialize(result, request.AllSongs.Count == 1 ? Json.Indented : Json.Line)
                    : request.AllSongs.Count == 1 ? TextOf(request, song, result)
                    : $"{MessageText.Line(song.Path)}, {result.StartSeconds:F2} s: {Verdict(result.Probability, request)}; "
                        + $"explanation alone: {Verdict(result.ProbabilityMasked, request)} → {result.Files[0]}";
                return (line, [result.StartSeconds, result.Probability, result.Label, result.ProbabilityMasked, result.LabelMasked, result.RelativeArea]);
            });
    }

    // A missing song must not leave an empty output folder behind.
    private static void PrepareOutputs(Request request, string? summary)
    {
        if (request.AllSongs.Count == 1 && !File.Exists(request.AllSongs[0].Path)) return;
        OutputFolder.Prepare(request.Out);
        if (summary is null) return;
        OutputFolder.RequireApart([summary], [.. request.Songs.Select(song => song.Path), .. request.Paths.All]);
        OutputFolder.RequireNew([summary], request.Overwrite);
    }

    private static Report Explain(Request request, Tools tools, SongFile song, long start, Action<double, double?> progress)
    {
        Dictionary<string, double> milliseconds = [];
        (IBackend backend, Models models) = (tools.Backend, tools.Models);
        using AudioStream audio = AudioStream.Open(song.Path, request.Channel, request.Decoder);
        Lap("load");
        LogMelReader reader = new(audio, tools.Extractor, tools.Normalizer);
        (long startFrame, float[] input) = request.At is { } seconds
            ? ExcerptFinder.At(reader, seconds, song.Path)
            : ExcerptFinder.MostCertain(
                reader, new SongPredictor(backend, models.Detector, models.Statistics), song.Path, () => progress(reader.Seconds, audio.DurationSeconds));
        SvdCommand.Warn(audio.Warnings);
        double startSeconds = (double)startFrame / FramesPerSecond;
        string[] files = FilesOf(request, song, startSeconds);
        OutputFolder.RequireApart(files, [song.Path, .. request.Paths.All]);
        OutputFolder.RequireNew(files, request.Overwrite);
        OutputFolder.PrepareAll(files);
        OutputFolder.Require(files);
        Lap("audio");

        List<Named> explanations = [];
        float[] objective = [];
        MethodIngredients ingredients = new(
            tools.Detector, models.Inversion is { } inversion ? NetworkMethod.Of(tools.Detector, inversion) : null,
            new OptimisedInversion(tools.Detector, request.Seed), models.Mask is { } network ? NetworkMethod.Of(tools.Detector, network) : null, [],
            models.Statistics, request.Seed);
        if (request.Layer != AllLayers)
        {
            foreach (string method in request.Methods) Add(method, TitleOf(method, request.Layer), ExplanationMethods.Create(method, ingredients));
        }

        // The deepest first: it stands for the excerpt where there is place for one.
        foreach (InversionNetwork layer in models.Layers.Reverse())
        {
            Add(layer.Architecture.Layer.Name, (layer.Architecture.Layer.Name, ""), NetworkMethod.Of(tools.Detector, layer));
        }

        Explanation explanation = explanations[0].Explanation;
        start = Stopwatch.GetTimestamp();
        float[][] sounds = request.Listen ? SoundsOf(request, song, startFrame, explanation.Mask) : [];
        if (request.Listen) Lap("sound");
        OutputFolder.WriteAll(files, ContentsOf(request, song, explanations, startSeconds, sounds, objective));
        Lap("write");
        return new Report(
            song.Path, explanation.Probability, LabelOf(explanation.Probability, request),
            explanation.ProbabilityMasked, LabelOf(explanation.ProbabilityMasked, request), request.Decision.Value, request.Decision.From,
            explanation.RelativeArea, request.Method, request.Layer, models.Mask is null || explanations.Count == 1 ? null : ReportOf(explanations[1], request),
            request.Layer == AllLayers ? [.. explanations.Select(named => LayerReportOf(named, request)).Reverse()] : null, startSeconds,
            Options.NameOf(audio.Decoder), backend.Name, files, milliseconds, audio.Warnings);

        void Add(string method, (string Title, string Unit) titles, IExplanationMethod by)
        {
            IReadOnlyList<Explanation> found = new Explainer(tools.Detector, by, request.Decision.Value).Explain(
                input, request.Size, (stage, time) => milliseconds[stage] = milliseconds.GetValueOrDefault(stage) + time.TotalMilliseconds);
            explanations.Add(new Named(method, titles.Title, titles.Unit, found[0]));
            if (by is OptimisedInversion optimised) objective = optimised.Objective;
        }

        void Lap(string stage)
        {
            milliseconds.Add(stage, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            start = Stopwatch.GetTimestamp();
        }
    }

    // What the figure calls the importance, and its unit.
    private static (string Title, string Unit) TitleOf(string method, string? layer) => method switch
    {
        Inversion => (layer is null ? "Inverted representation" : $"Inverted representation of {layer}", "Deviations from the band's mean"),
        ExplanationMethods.Optimise => ("Inverted representation by optimisation", "Deviations from the band's mean"),
        Mask => ("Importance by the mask network", "No unit"),
        _ => ($"Importance by {method}", "No unit"),
    };

    private static float[][] SoundsOf(Request request, SongFile song, long startFrame, float[] mask)
    {
        using AudioStream audio = AudioStream.Open(song.Path, request.Channel, request.Decoder);
        ExcerptSound sound = ExcerptSound.Read(audio, startFrame);
        float[] original = sound.Original, masked = sound.Masked(mask);
        return [original, masked, [.. original.Zip(masked, (all, kept) => all - kept)]];
    }

    private static byte[][] ContentsOf(Request request, SongFile song, List<Named> explanations, double startSeconds, float[][] sounds, float[] objective)
    {
        Explanation explanation = explanations[0].Explanation;
        Task<byte[]> arrays = Task.Run(() => NpzFile.Encode(request.Layer == AllLayers
            ? ExplanationArrays.OfLayers([.. explanations.Select(named => (named.Method, named.Explanation)).Reverse()], request.Decision.Value, startSeconds)
            : ExplanationArrays.Of(
                [.. explanations.Select(named => (named.Method, named.Explanation))], request.Decision.Value, startSeconds, objective)));
        ExplainedExcerpt excerpt = new(
            explanation.Input, startSeconds, $"{Path.GetFileName(song.Path)}, {startSeconds:F2} s to {startSeconds + ExcerptSeconds:F2} s",
            $"Prediction: {Verdict(explanation.Probability, request)}. It counts as singing from P = {request.Decision}.");
        byte[] png = request.Layer == AllLayers ? PictureOfLayers(excerpt, explanations) : ExplanationFigure.RenderPng(
            excerpt,
            [
                .. explanations.Select(named => new ExplanationPanels(
                    named.Explanation.Importance, named.Title, named.Unit, named.Explanation.Mask,
                    $"{named.Title}: what it keeps, {named.Explanation.RelativeArea:P0} of the bins"
                        + $"{(request.Size.Rule == MaskRule.Share ? "" : $" (threshold {ThresholdOf(request.Size)})")}, is "
                        + $"{Verdict(named.Explanation.ProbabilityMasked, request)} by itself: the label {Outcome(named.Explanation, request)}.")),
            ]);
        byte[][] curve = objective.Length > 0 ? [CurveOf(objective, excerpt.Heading)] : [];
        return [png, arrays.GetAwaiter().GetResult(), .. sounds.Select(sound => WavFile.Encode(sound)), .. curve];
    }

    private static byte[] CurveOf(float[] objective, string heading)
    {
        const int labelled = 25;
        NamedCurve curve = new("objective", [.. objective.Select(value => new Estimate(value, value, value))]);
        CurveAxes axes = new("Step", "Smallest so far", [.. objective.Select((_, step) => $"{step}")], 0, null, labelled);
        return CurveFigure.RenderPng([new CurveRow(ExplanationMethods.Optimise, 0, [], [curve])], axes, heading, "The optimisation's objective");
    }

    private static byte[] PictureOfLayers(ExplainedExcerpt excerpt, List<Named> explanations) => LayersFigure.RenderPng(
        excerpt,
        [
            .. explanations.Select(named =>
                new LayerPanel($"{named.Title}, mean squared error {ErrorOf(named.Explanation):F3}", named.Explanation.Importance)).Reverse(),
        ]);

    private static double ErrorOf(Explanation explanation) =>
        explanation.Input.Zip(explanation.Importance, (x, inverted) => Math.Pow((double)x - inverted, 2)).Average();

    private static string TextOf(Request request, SongFile song, Report report)
    {
        List<string> lines = [];
        lines.Add($"{song.Path}, {report.StartSeconds:F2} s to {report.StartSeconds + ExcerptSeconds:F2} s"
            + (request.At is null ? " (where singing is most certain; --at chooses another excerpt)" : ""));
        lines.Add($"  prediction         {Verdict(report.Probability, request)}");
        foreach (LayerReport layer in report.Layers ?? [])
        {
            string outcome = report.Label == layer.LabelMasked ? "stays" : "changes";
            lines.Add($"  by {layer.Layer,-14}  {Verdict(layer.ProbabilityMasked, request)}: the label {outcome}; {layer.RelativeArea:P1} of the bins; "
                + $"mean squared error {layer.MeanSquaredError:F3}");
        }

        if (report.Layers is null)
        {
            PrintExplanation("explanation alone", report.ProbabilityMasked, report.Label == report.LabelMasked, report.RelativeArea);
        }

        if (report.ByMask is { } mask) PrintExplanation("the mask's alone", mask.ProbabilityMasked, report.Label == mask.LabelMasked, mask.RelativeArea);
        lines.Add($"  singing if         P >= {request.Decision}");
        lines.Add($"  device             {report.Device}");
        lines.Add($"  time               {string.Join(", ", report.Milliseconds.Select(stage => $"{stage.Key} {stage.Value:F1} ms"))}");
        lines.Add($"  written            {string.Join(", ", report.Files)}");

        return string.Join(Environment.NewLine, lines);

        void PrintExplanation(string name, float probability, bool kept, double relativeArea)
        {
            lines.Add($"  {name,-17}  {Verdict(probability, request)}: the label {(kept ? "stays" : "changes")}");
            lines.Add($"  relative area      {relativeArea:P1} of the bins"
                + (request.Size.Rule == MaskRule.Share ? "" : $", at threshold {ThresholdOf(request.Size)}"));
        }
    }

    private static string ThresholdOf(MaskSize size) => size.Rule == MaskRule.Otsu ? MaskSize.OtsuName : $"{size.Value}";

    private static MaskReport ReportOf(Named named, Request request) => new(
        named.Explanation.ProbabilityMasked, LabelOf(named.Explanation.ProbabilityMasked, request), named.Explanation.RelativeArea);

    private static LayerReport LayerReportOf(Named named, Request request) => new(
        named.Method, named.Explanation.ProbabilityMasked, LabelOf(named.Explanation.ProbabilityMasked, request), named.Explanation.RelativeArea,
        ErrorOf(named.Explanation));

    private static string Verdict(float probability, Request request) =>
        $"{(probability >= request.Decision.Value ? "singing" : "no singing")} (P = {probability:F3})";

    private static string Outcome(Explanation explanation, Request request) =>
        LabelOf(explanation.Probability, request) == LabelOf(explanation.ProbabilityMasked, request) ? "stays" : "changes";

    private static string LabelOf(float probability, Request request) => Segment.Label(probability >= request.Decision.Value);

    // First the picture, then the arrays, then the sounds if they are wanted, and the picture of the objective if there is one.
    private static string[] FilesOf(Request request, SongFile song, double startSeconds)
    {
        string stem = Path.Combine(request.Out, string.Create(CultureInfo.InvariantCulture, $"{song.Name}_at_{startSeconds:0.##}s"))
            + request.Layer switch { null => "", AllLayers => "_layers", { } layer => $"_{layer}" };
        return [.. ((string[])["png", "npz", .. request.Listen ? Sounds : [], .. request.Method == ExplanationMethods.Optimise ? [Objective] : (string[])[]])
            .Select(ending => $"{stem}.{ending}")];
    }

    private sealed record Request(
        IReadOnlyList<SongFile> AllSongs, Shard Shard, double? At, string Method, string[] Methods, string? Layer, MaskSize Size, ulong Seed, bool Listen,
        double? ClassThreshold, string Out, bool Overwrite, ModelPaths Paths, bool Force,
        Channel Channel, Decoder Decoder, Func<IBackend> CreateBackend, bool Json)
    {
        /// <summary>The songs of this part.</summary>
        public SongFile[] Songs { get; } = Shard.Of(AllSongs);

        /// <summary>The class threshold in use; known once the weights are loaded.</summary>
        public ClassDecision Decision { get; init; }
    }

    // What all songs are explained with.
    private sealed record Tools(IBackend Backend, Models Models, LogMelExtractor Extractor, BandNormalizer Normalizer, ExcerptDetector Detector);

    // An explanation, its method, and the title and the unit that the figure gives its importance.
    private sealed record Named(string Method, string Title, string Unit, Explanation Explanation);

    internal sealed record MaskReport(float ProbabilityMasked, string LabelMasked, double RelativeArea);

    internal sealed record LayerReport(string Layer, float ProbabilityMasked, string LabelMasked, double RelativeArea, double MeanSquaredError);

    internal sealed record Report(
        string Audio, float Probability, string Label, float ProbabilityMasked, string LabelMasked, double ClassThreshold, string ClassThresholdFrom,
        double RelativeArea,
        string Method, string? Layer, MaskReport? ByMask, LayerReport[]? Layers,
        double StartSeconds, string Decoder, string Device, string[] Files, Dictionary<string, double> Milliseconds,
        IReadOnlyList<string> Warnings);
}
