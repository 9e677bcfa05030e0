using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Explain;
using Engine.Svd.Figures;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Predict;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Cli;

/// <summary><c>svd explain</c>: what decided the prediction for one excerpt.</summary>
internal static class ExplainCommand
{
    private const double LargestThreshold = 1.1;

    private static readonly string[] SoundFiles = ["excerpt.wav", "explanation.wav", "removed.wav"];

    public static Command Create()
    {
        Argument<string?> audio = new("AUDIO")
        {
            Description = "A song: WAV, or anything that ffmpeg decodes. Without it the bundled sample.", Arity = ArgumentArity.ZeroOrOne,
        };
        Option<double?> at = new("--at")
        {
            Description = "Where the excerpt of 1.64 s starts, in seconds; without it the one in which singing is most certain.", HelpName = "SECONDS",
        };
        Options.Require(at, seconds => seconds >= 0 && double.IsFinite(seconds), "a number of seconds, 0 or more");
        Option<double> threshold = new("--threshold")
        {
            Description = "Keep the bins whose inverted value, scaled to 0 … 1, is at least this.", HelpName = "A", DefaultValueFactory = _ => 0.6,
        };
        Options.Require(threshold, a => a is >= 0 and <= LargestThreshold, $"a number from 0 to {LargestThreshold}");
        Option<bool> listen = new("--listen")
        {
            Description = $"Write the excerpt, its explanation and what the mask removed as sound too ({string.Join(", ", SoundFiles)}).",
        };
        Option<double> classThreshold = Options.ClassThreshold();
        Option<string> output = Options.Out("explanation.png and explanation.npz");
        Option<string?> classifier = Options.Classifier();
        Option<string?> inverter = Options.Inverter();
        Option<string?> statistics = Options.Statistics("the bundled ones");
        DeviceOptions device = new();
        Option<bool> json = Options.Json("one object");
        Command command = new(
            "explain",
            "Shows what decided the prediction for an excerpt of a song: inverts the detector's deepest features, makes a mask of the result and asks the "
            + "detector again about what the mask keeps. Writes a picture (explanation.png) and the arrays (explanation.npz).\n\n"
            + "Examples:\n  svd explain\n  svd explain song.mp3 --at 61.5 --threshold 0.5 --listen --out explained")
        {
            audio, at, threshold, listen, classThreshold, output, classifier, inverter, statistics, device, json,
        };
        command.SetAction(parsed => Run(new Request(
            parsed.GetValue(audio) ?? BundledFiles.Sample, parsed.GetValue(at), parsed.GetValue(threshold), parsed.GetValue(listen),
            parsed.GetValue(classThreshold), parsed.GetRequiredValue(output), parsed.GetValue(classifier) ?? BundledFiles.Classifier,
            parsed.GetValue(inverter) ?? BundledFiles.Inverter, parsed.GetValue(statistics) ?? BundledFiles.Statistics,
            device.Of(parsed), parsed.GetValue(json))));
        return command;
    }

    private static int Run(Request request)
    {
        Dictionary<string, double> milliseconds = [];
        long start = Stopwatch.GetTimestamp();
        using IBackend backend = request.CreateBackend();
        BandStatistics statistics = BandStatistics.Read(request.Statistics);
        using SvdNet network = SvdNet.Load(backend, request.Classifier);
        using InversionNetwork inversion = InversionNetwork.Load(backend, request.Inverter);
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = statistics.On(backend);
        Lap("load");

        using AudioStream audio = AudioStream.Open(request.Audio);
        if (request.Listen && SoundFiles.Any(name => Path.GetFullPath(Path.Combine(request.Out, name)) == Path.GetFullPath(request.Audio)))
        {
            throw new EngineException($"{request.Audio} would be replaced by a sound of that name; give another folder with --out");
        }

        OutputFolder.Prepare(request.Out);
        LogMelReader reader = new(audio, extractor, normalizer);
        (long startFrame, float[] input) = request.At is { } seconds
            ? ExcerptFinder.At(reader, seconds, request.Audio)
            : ProgressDisplay.Run(Path.GetFileName(request.Audio), report => ExcerptFinder.MostCertain(
                reader, new SongPredictor(backend, network, statistics), request.Audio, () => report(reader.Seconds, audio.DurationSeconds)));
        Lap("audio");

        Explanation explanation = new Explainer(backend, network, inversion)
            .Explain(input, request.Threshold, (stage, time) => milliseconds.Add(stage, time.TotalMilliseconds))[0];
        start = Stopwatch.GetTimestamp();
        double startSeconds = (double)startFrame / FramesPerSecond;
        float[][] sounds = request.Listen ? Sounds(backend, request, startFrame, explanation.Mask) : [];
        if (request.Listen) Lap("sound");
        string[] files = Write(request, explanation, startSeconds, sounds);
        Lap("write");

        Report report = new(
            explanation.Probability, Segments.Label(explanation.Probability >= request.ClassThreshold),
            explanation.ProbabilityMasked, Segments.Label(explanation.ProbabilityMasked >= request.ClassThreshold),
            explanation.RelativeArea, startSeconds, backend.Name, files, milliseconds);
        if (request.Json) Console.WriteLine(JsonSerializer.Serialize(report, Json.Indented));
        else Print(request, report);
        return 0;

        void Lap(string stage)
        {
            milliseconds.Add(stage, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            start = Stopwatch.GetTimestamp();
        }
    }

    private static float[][] Sounds(IBackend backend, Request request, long startFrame, float[] mask)
    {
        using AudioStream audio = AudioStream.Open(request.Audio);
        ExcerptSound sound = ExcerptSound.Read(audio, startFrame);
        float[] original = sound.Original, masked = sound.Masked(backend, mask);
        return [original, masked, [.. original.Zip(masked, (all, kept) => all - kept)]];
    }

    private static string[] Write(Request request, Explanation explanation, double startSeconds, float[][] sounds)
    {
        byte[] png = ExplanationFigure.RenderPng(new ExplanationPanels(
            explanation.Input, explanation.Inverted, explanation.Mask, explanation.Masked, startSeconds,
            $"{Path.GetFileName(request.Audio)}, {startSeconds:F2} s: {Verdict(explanation.Probability, request)}",
            $"Explanation alone: {Verdict(explanation.ProbabilityMasked, request)}, {explanation.RelativeArea:P0} of the bins, threshold {request.Threshold}"));
        int[] excerpt = [ExcerptFrames, Bands];
        string arrays = Path.Combine(request.Out, "explanation.npz");
        (string Path, byte[] Content)[] files =
        [
            (Path.Combine(request.Out, "explanation.png"), png),
            .. sounds.Zip(SoundFiles, (samples, name) => (Path.Combine(request.Out, name), WavFile.Encode(samples))),
        ];
        Action write = () => NpzFile.Write(
            arrays,
            [
                ("input", new NpyArray(excerpt, explanation.Input)),
                ("inverted", new NpyArray(excerpt, explanation.Inverted)),
                ("mask", new NpyArray(excerpt, explanation.Mask)),
                ("explanation", new NpyArray(excerpt, explanation.Masked)),
                ("features", new NpyArray([SvdNet.FeatureCount], explanation.Features)),
                ("probability", new NpyArray([], [explanation.Probability])),
                ("probability_masked", new NpyArray([], [explanation.ProbabilityMasked])),
                ("start_seconds", new NpyArray([], [startSeconds])),
            ]);
        foreach ((string path, byte[] content) in files)
        {
            Action others = write;
            write = () => OutputFolder.WriteBoth(path, content, others);
        }

        write();
        return [files[0].Path, arrays, .. files.Skip(1).Select(file => file.Path)];
    }

    private static void Print(Request request, Report report)
    {
        const double excerptSeconds = (double)ExcerptFrames / FramesPerSecond;
        bool kept = report.Label == report.LabelMasked;
        Console.WriteLine($"{request.Audio}, {report.StartSeconds:F2} s to {report.StartSeconds + excerptSeconds:F2} s"
            + (request.At is null ? " (where singing is most certain; choose with --at)" : ""));
        Console.WriteLine($"  prediction         {Verdict(report.Probability, request)}");
        Console.WriteLine($"  explanation alone  {Verdict(report.ProbabilityMasked, request)}: the label {(kept ? "stays" : "changes")}");
        Console.WriteLine($"  relative area      {report.RelativeArea:P1} of the bins, at threshold {request.Threshold}");
        Console.WriteLine($"  device             {report.Device}");
        Console.WriteLine($"  time               {string.Join(", ", report.Milliseconds.Select(stage => $"{stage.Key} {stage.Value:F1} ms"))}");
        Console.WriteLine($"  written            {string.Join(", ", report.Files)}");
    }

    private static string Verdict(float probability, Request request) =>
        $"{(probability >= request.ClassThreshold ? "singing" : "no singing")} (P = {probability:F3})";

    private sealed record Request(
        string Audio, double? At, double Threshold, bool Listen, double ClassThreshold, string Out, string Classifier, string Inverter, string Statistics,
        Func<IBackend> CreateBackend, bool Json);

    private sealed record Report(
        float Probability, string Label, float ProbabilityMasked, string LabelMasked, double RelativeArea, double StartSeconds, string Device,
        string[] Files, Dictionary<string, double> Milliseconds);
}
