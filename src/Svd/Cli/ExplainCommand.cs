using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Data;
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
    private const double LargestThreshold = 1.1;
    private const string Inversion = ExplanationMethods.Inversion, Mask = ExplanationMethods.Mask, Both = "both";
    private const double DefaultThreshold = 0.6, DefaultArea = 0.2;
    private const double ExcerptSeconds = (double)ExcerptFrames / FramesPerSecond;

    private static readonly string[] SoundFiles = ["excerpt.wav", "explanation.wav", "removed.wav"];

    public static Command Create()
    {
        Argument<string?> audio = new("AUDIO")
        {
            Description = "A song: WAV, or anything that ffmpeg decodes. Default: the bundled sample.", Arity = ArgumentArity.ZeroOrOne,
        };
        Option<double?> at = new("--at")
        {
            Description = "Where the excerpt of 1.64 s starts, in seconds. Default: where singing is most certain.", HelpName = "SECONDS",
        };
        Options.Require(at, seconds => seconds >= 0 && double.IsFinite(seconds), "a number of seconds, 0 or more");
        Option<string> method = new("--method")
        {
            Description = "How to find the important bins: with the paper's inversion network, with the mask network, or with both, in one figure.",
            DefaultValueFactory = _ => Inversion,
        };
        method.AcceptOnlyFromAmong(Inversion, Mask, Both);
        Option<double?> threshold = new("--threshold")
        {
            Description = "Keep the bins whose importance, scaled to 0 … 1, is at least A. "
                + $"Default for the inversion: {DefaultThreshold}.",
            HelpName = "A",
        };
        Option<double?> area = new("--area")
        {
            Description = $"Keep this share of the bins, the most important ones. Default for the mask network and for both: {DefaultArea}.",
            HelpName = "SHARE",
        };
        Options.Require(area, share => share is >= 0 and <= 1, "a number from 0 to 1");
        Options.Require(threshold, a => a is >= 0 and <= LargestThreshold, $"a number from 0 to {LargestThreshold}");
        Option<bool> listen = new("--listen")
        {
            Description = $"Also write the excerpt, its explanation and what the mask removed as sound ({string.Join(", ", SoundFiles)}).",
        };
        Option<double?> classThreshold = Options.ClassThreshold();
        Option<bool> force = Options.Force();
        Option<string> output = Options.Out("explanation.png and explanation.npz");
        Option<string?> classifier = Options.Classifier();
        Option<string?> inverter = Options.Inverter();
        Option<string?> masker = Options.Masker();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        Option<Channel> channel = Options.Channel();
        DeviceOptions device = new();
        Option<bool> json = Options.Json();
        Command command = new(
            "explain",
            "Shows what decided the prediction for an excerpt of a song. It inverts the detector's deepest features, makes a mask from the result and asks the "
            + "detector again about what the mask keeps; with --method mask, the mask network chooses the region. It writes a picture (explanation.png) and "
            + "the arrays (explanation.npz).\n\n"
            + "Examples:\n  svd explain\n  svd explain song.mp3 --at 61.5 --threshold 0.5 --listen --out explained\n"
            + "  svd explain song.mp3 --at 61.5 --method both --area 0.2")
        {
            audio, at, method, threshold, area, listen, classThreshold, output, classifier, inverter, masker, statistics, force, channel, device, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(threshold) is not null && result.GetResult(area) is not null) result.AddError("give --threshold or --area, not both");
        });
        command.SetAction(parsed =>
        {
            string by = parsed.GetRequiredValue(method);
            return Run(new Request(
                parsed.GetValue(audio) ?? BundledFiles.Sample, parsed.GetValue(at), by, SizeOf(by, parsed.GetValue(threshold), parsed.GetValue(area)),
                parsed.GetValue(listen), parsed.GetValue(classThreshold), parsed.GetRequiredValue(output),
                new ModelPaths(
                    parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics,
                    by == Mask ? null : parsed.GetValue(inverter) ?? BundledFiles.Inverter,
                    by == Inversion ? null : parsed.GetValue(masker) ?? BundledFiles.Masker),
                parsed.GetValue(force), parsed.GetValue(channel), device.Of(parsed), device.IsCpu(parsed.CommandResult), parsed.GetValue(json)));
        });
        return command;
    }

    private static MaskSize SizeOf(string method, double? threshold, double? area) =>
        threshold is { } from ? new MaskSize(from, IsThreshold: true)
        : area is { } share ? new MaskSize(share, IsThreshold: false)
        : method == Inversion ? new MaskSize(DefaultThreshold, IsThreshold: true)
        : new MaskSize(DefaultArea, IsThreshold: false);

    private static int Run(Request request)
    {
        WarmUp.Start(request.IsCpu);
        Dictionary<string, double> milliseconds = [];
        long start = Stopwatch.GetTimestamp();

        // A missing song must not leave an empty output folder behind.
        using AudioStream audio = AudioStream.Open(request.Audio, request.Channel);
        OutputFolder.Prepare(request.Out);
        OutputFolder.Require(FilesOf(request), [request.Audio, .. request.Paths.All]);
        using IBackend backend = request.CreateBackend();
        using Models models = Models.Load(backend, request.Paths, request.Force);
        request = request with { Decision = ClassDecision.Of(request.ClassThreshold, models.TunedThreshold) };
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = models.Statistics.On(backend);
        Lap("load");

        LogMelReader reader = new(audio, extractor, normalizer);
        (long startFrame, float[] input) = request.At is { } seconds
            ? ExcerptFinder.At(reader, seconds, request.Audio)
            : ProgressDisplay.Run(Path.GetFileName(request.Audio), report => ExcerptFinder.MostCertain(
                reader, new SongPredictor(backend, models.Detector, models.Statistics), request.Audio, () => report(reader.Seconds, audio.DurationSeconds)));
        SvdCommand.Warn(audio.Warnings);
        Lap("audio");

        using ExcerptDetector detector = new(backend, models.Detector);
        List<Named> explanations = [];
        if (models.Inversion is not null)
            Explain(Inversion, "Inverted representation", "Deviations from the band's mean", new Explainer(detector, NetworkMethod.Of(detector, models.Inversion)));
        if (models.Mask is not null)
            Explain(Mask, "Importance by the mask network", "No unit", new Explainer(detector, NetworkMethod.Of(detector, models.Mask)));
        Explanation explanation = explanations[0].Explanation;
        start = Stopwatch.GetTimestamp();
        double startSeconds = (double)startFrame / FramesPerSecond;
        float[][] sounds = request.Listen ? Sounds(backend, request, startFrame, explanation.Mask) : [];
        if (request.Listen) Lap("sound");
        string[] files = Write(request, explanations, startSeconds, sounds);
        Lap("write");

        Report report = new(
            explanation.Probability, LabelOf(explanation.Probability, request),
            explanation.ProbabilityMasked, LabelOf(explanation.ProbabilityMasked, request), request.Decision.Value, request.Decision.From,
            explanation.RelativeArea, request.Method, explanations.Count == 1 ? null : ReportOf(explanations[1], request), startSeconds, backend.Name, files,
            milliseconds, audio.Warnings);
        if (request.Json) Console.WriteLine(JsonSerializer.Serialize(report, Json.Indented));
        else Print(request, report);
        return 0;

        void Explain(string method, string title, string unit, Explainer explainer) => explanations.Add(new Named(method, title, unit, explainer.Explain(
            input, request.Size, (stage, time) => milliseconds[stage] = milliseconds.GetValueOrDefault(stage) + time.TotalMilliseconds)[0]));

        void Lap(string stage)
        {
            milliseconds.Add(stage, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            start = Stopwatch.GetTimestamp();
        }
    }

    private static float[][] Sounds(IBackend backend, Request request, long startFrame, float[] mask)
    {
        using AudioStream audio = AudioStream.Open(request.Audio, request.Channel);
        ExcerptSound sound = ExcerptSound.Read(audio, startFrame);
        float[] original = sound.Original, masked = sound.Masked(backend, mask);
        return [original, masked, [.. original.Zip(masked, (all, kept) => all - kept)]];
    }

    private static string[] Write(Request request, List<Named> explanations, double startSeconds, float[][] sounds)
    {
        Explanation explanation = explanations[0].Explanation;
        Task<byte[]> arrays = Task.Run(() => NpzFile.Encode(ExplanationArrays.Of(
            [.. explanations.Select(named => (named.Method, named.Explanation))], request.Decision.Value, startSeconds)));
        ExplainedExcerpt excerpt = new(
            explanation.Input, startSeconds, $"{Path.GetFileName(request.Audio)}, {startSeconds:F2} s to {startSeconds + ExcerptSeconds:F2} s",
            $"Prediction: {Verdict(explanation.Probability, request)}. It counts as singing from P = {request.Decision}.");
        byte[] png = ExplanationFigure.RenderPng(
            excerpt,
            [
                .. explanations.Select(named => new ExplanationPanels(
                    named.Explanation.Importance, named.Title, named.Unit, named.Explanation.Mask,
                    $"{named.Title}: what it keeps, {named.Explanation.RelativeArea:P0} of the bins"
                        + $"{(request.Size.IsThreshold ? $" (threshold {request.Size.Value})" : "")}, is "
                        + $"{Verdict(named.Explanation.ProbabilityMasked, request)} by itself: the label {Outcome(named.Explanation, request)}.")),
            ]);
        string[] files = FilesOf(request);
        OutputFolder.WriteAll(files, [png, arrays.GetAwaiter().GetResult(), .. sounds.Select(sound => WavFile.Encode(sound))]);
        return files;
    }

    private static void Print(Request request, Report report)
    {
        Console.WriteLine($"{request.Audio}, {report.StartSeconds:F2} s to {report.StartSeconds + ExcerptSeconds:F2} s"
            + (request.At is null ? " (where singing is most certain; --at chooses another excerpt)" : ""));
        Console.WriteLine($"  prediction         {Verdict(report.Probability, request)}");
        PrintExplanation("explanation alone", report.ProbabilityMasked, report.Label == report.LabelMasked, report.RelativeArea);
        if (report.ByMask is { } mask) PrintExplanation("the mask's alone", mask.ProbabilityMasked, report.Label == mask.LabelMasked, mask.RelativeArea);
        Console.WriteLine($"  singing if         P >= {request.Decision}");
        Console.WriteLine($"  device             {report.Device}");
        Console.WriteLine($"  time               {string.Join(", ", report.Milliseconds.Select(stage => $"{stage.Key} {stage.Value:F1} ms"))}");
        Console.WriteLine($"  written            {string.Join(", ", report.Files)}");

        void PrintExplanation(string name, float probability, bool kept, double relativeArea)
        {
            Console.WriteLine($"  {name,-17}  {Verdict(probability, request)}: the label {(kept ? "stays" : "changes")}");
            Console.WriteLine($"  relative area      {relativeArea:P1} of the bins" + (request.Size.IsThreshold ? $", at threshold {request.Size.Value}" : ""));
        }
    }

    private static MaskReport ReportOf(Named named, Request request) => new(
        named.Explanation.ProbabilityMasked, LabelOf(named.Explanation.ProbabilityMasked, request), named.Explanation.RelativeArea);

    private static string Verdict(float probability, Request request) =>
        $"{(probability >= request.Decision.Value ? "singing" : "no singing")} (P = {probability:F3})";

    private static string Outcome(Explanation explanation, Request request) =>
        LabelOf(explanation.Probability, request) == LabelOf(explanation.ProbabilityMasked, request) ? "stays" : "changes";

    private static string LabelOf(float probability, Request request) => Segment.Label(probability >= request.Decision.Value);

    // First the picture, then the arrays, then the sounds if they are wanted.
    private static string[] FilesOf(Request request) =>
        [.. ((string[])["explanation.png", "explanation.npz", .. request.Listen ? SoundFiles : []]).Select(name => Path.Combine(request.Out, name))];

    private sealed record Request(
        string Audio, double? At, string Method, MaskSize Size, bool Listen, double? ClassThreshold, string Out, ModelPaths Paths, bool Force,
        Channel Channel, Func<IBackend> CreateBackend, bool IsCpu, bool Json)
    {
        /// <summary>The class threshold in use; known once the weights are loaded.</summary>
        public ClassDecision Decision { get; init; }
    }

    // An explanation, its method, and the title and the unit that the figure gives its importance.
    private sealed record Named(string Method, string Title, string Unit, Explanation Explanation);

    internal sealed record MaskReport(float ProbabilityMasked, string LabelMasked, double RelativeArea);

    internal sealed record Report(
        float Probability, string Label, float ProbabilityMasked, string LabelMasked, double ClassThreshold, string ClassThresholdFrom, double RelativeArea,
        string Method, MaskReport? ByMask,
        double StartSeconds, string Device, string[] Files, Dictionary<string, double> Milliseconds,
        IReadOnlyList<string> Warnings);
}
