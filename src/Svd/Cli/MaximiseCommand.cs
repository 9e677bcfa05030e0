using System.CommandLine;
using System.Text.Json;
using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Audio;
using Engine.Svd.Data;
using Engine.Svd.Explain;
using Engine.Svd.Figures;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using Decoder = Engine.Svd.Audio.Decoder;

namespace Engine.Svd.Cli;

/// <summary><c>svd maximise</c>: shows what activates neurons of the detector.</summary>
internal static class MaximiseCommand
{
    private const string All = "all";
    private const int ExcerptInterval = FramesPerSecond / 2;

    public static Command Create()
    {
        Option<string> layer = new("--layer")
        {
            Description = "The layer, after its rectifier; of fc9 it is the logit of singing.", HelpName = string.Join('|', ActivationMaximisation.Layers),
            Required = true,
        };
        layer.AcceptOnlyFromAmong([.. ActivationMaximisation.Layers]);
        Option<string> neuron = new("--neuron")
        {
            Description = $"The neurons, with commas between them, or {All}: the number of a neuron in fc7, fc8 or fc9. In the other layers the number of a "
                + "channel, whose mean activation counts, or CHANNEL:ROW:COLUMN for one place of its map (time:frequency).",
            HelpName = "LIST", Required = true,
        };
        neuron.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string text }] && text != All && text.Split(',').Any(part => Neuron.Parse(part) is null))
            {
                result.AddError($"--neuron needs {All}, or numbers or CHANNEL:ROW:COLUMN separated by commas, not {text}");
            }
        });
        Option<string?> song = new("--song")
        {
            Description = "The song whose most activating excerpt is shown beside. Default: the bundled sample.", HelpName = "AUDIO",
        };
        Option<int> steps = Options.Count("--steps", "The number of steps of the search.", ActivationMaximisation.Usual.Steps);
        Option<bool> listen = new("--listen")
        {
            Description = "Also write what was found as sound (LAYER_NEURON.wav), and the song's excerpt (LAYER_NEURON.song.wav).",
        };
        Option<ulong> seed = Options.Seed();
        Option<string> output = Options.Out("LAYER_NEURONS.png and .npz");
        Option<bool> overwrite = Options.Overwrite(), force = Options.Force(), json = Options.Json();
        Option<string?> classifier = Options.Classifier(), statistics = Options.Statistics("the bundled ones");
        Option<Channel> channel = Options.Channel();
        Option<Decoder> decoder = Options.Decoder();
        DeviceOptions device = new();
        Command command = new(
            "maximise",
            "Shows what neurons of the detector react to. It looks for the excerpt that activates a neuron most, from noise, by gradient ascent with two "
            + "regularisers that keep the excerpt small and smooth, and shows it beside the excerpt of a song that activates the neuron most.\n\n"
            + "Examples:\n  svd maximise --layer fc8 --neuron 3\n  svd maximise --layer conv5 --neuron 7,12:16:10 --song song.mp3 --listen --out neurons")
        {
            layer, neuron, song, steps, listen, seed, output, overwrite, classifier, statistics, force, channel, decoder, device, json,
        };
        command.SetAction(parsed => Run(new Request(
            parsed.GetRequiredValue(layer), parsed.GetRequiredValue(neuron), parsed.GetValue(song) ?? BundledFiles.Sample, parsed.GetValue(steps),
            parsed.GetValue(listen), parsed.GetValue(seed), parsed.GetRequiredValue(output), parsed.GetValue(overwrite),
            new ModelPaths(parsed.GetValue(classifier) ?? BundledFiles.Classifier, parsed.GetValue(statistics) ?? BundledFiles.Statistics),
            parsed.GetValue(force), parsed.GetValue(channel), parsed.GetValue(decoder), device.Of(parsed), parsed.GetValue(json))));
        return command;
    }

    private static int Run(Request request)
    {
        using IBackend backend = request.CreateBackend();
        using Models models = Models.Load(backend, request.Paths, request.Force);
        using ExcerptDetector detector = new(backend, models.Detector);
        ActivationMaximisation maximisation = new(detector, request.Layer, ActivationMaximisation.Usual with { Steps = request.Steps });
        Neuron[] neurons = NeuronsOf(request, maximisation.OutputShape());
        string stem = Path.Combine(request.Out, $"{request.Layer}_{FileNameOf(request.Neurons.Replace(',', '_'))}");
        string[] sounds = request.Listen
            ? [.. neurons.SelectMany(neuron => ((string[])["wav", "song.wav"]).Select(
                ending => Path.Combine(request.Out, $"{request.Layer}_{FileNameOf($"{neuron}")}.{ending}")))]
            : [];
        string[] files = [$"{stem}.png", $"{stem}.npz", .. sounds];
        OutputFolder.Prepare(request.Out);
        OutputFolder.RequireNew(files, request.Overwrite);
        OutputFolder.Require(files, [request.Song, .. request.Paths.All]);

        (int[] starts, float[] excerpts) = ReadSong(request, backend, models.Statistics);
        IReadOnlyList<MaximisedNeuron> found = ProgressDisplay.Run(
            "search", report => maximisation.Maximise(neurons, excerpts, request.Seed, (done, all) => report(done, all)));
        OutputFolder.WriteAll(
            files,
            [
                Picture(request, found, starts, excerpts), NpzFile.Encode(ArraysOf(found, starts, excerpts)),
                .. request.Listen ? found.SelectMany(one => SoundsOf(request, models.Statistics, one, starts[one.InSong])) : [],
            ]);
        Report report = new(
            request.Layer, request.Song, backend.Name, files,
            [.. found.Select(one => new ReportedNeuron($"{one.Neuron}", one.Activation, one.ActivationInSong, SecondsOf(starts[one.InSong])))]);
        if (request.Json) Console.WriteLine(JsonSerializer.Serialize(report, Json.Indented));
        else Print(report);
        return 0;
    }

    private static Neuron[] NeuronsOf(Request request, Shape layer)
    {
        if (request.Neurons == All) return [.. Enumerable.Range(0, layer[1]).Select(channel => new Neuron(channel, null))];
        Neuron[] neurons = [.. request.Neurons.Split(',').Select(part => Neuron.Parse(part)!.Value).Distinct()];
        foreach (Neuron neuron in neurons.Where(neuron => !neuron.IsIn(layer)))
        {
            throw new EngineException($"{request.Layer} has no neuron {neuron}: it has {layer[1]} " + (layer.Rank > 2
                ? $"channels of {layer[2]} rows and {layer[3]} columns, numbered from 0" : "neurons, numbered from 0"));
        }

        return neurons;
    }

    // An excerpt every half second.
    private static (int[] Starts, float[] Excerpts) ReadSong(Request request, IBackend backend, BandStatistics statistics)
    {
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = statistics.On(backend);
        using AudioStream audio = AudioStream.Open(request.Song, request.Channel, request.Decoder);
        float[] frames = ProgressDisplay.Run(
            "song", report => new LogMelReader(audio, extractor, normalizer).ReadToEnd(request.Song, seconds => report(seconds, audio.DurationSeconds)));
        SvdCommand.Warn(audio.Warnings);
        int[] starts = [.. Enumerable.Range(0, (frames.Length / Bands - ExcerptFrames) / ExcerptInterval + 1).Select(i => i * ExcerptInterval)];
        return (starts, [.. starts.SelectMany(start => frames[(start * Bands)..((start + ExcerptFrames) * Bands)])]);
    }

    private static byte[] Picture(Request request, IReadOnlyList<MaximisedNeuron> found, int[] starts, float[] excerpts) => NeuronFigure.RenderPng(
        [
            .. found.Select(one => (
                new NeuronPanel(one.Excerpt, $"Neuron {one.Neuron}: activation {one.Activation:F2}"),
                new NeuronPanel(
                    ExcerptOf(excerpts, one.InSong), FormattableString.Invariant($"{one.ActivationInSong:F2} at {SecondsOf(starts[one.InSong]):0.##} s")))),
        ],
        $"What activates {request.Layer}", $"Left: what the search found. Right: the excerpt of {Path.GetFileName(request.Song)} that activates most.");

    private static IReadOnlyList<(string Name, NpyArray Array)> ArraysOf(IReadOnlyList<MaximisedNeuron> found, int[] starts, float[] excerpts)
    {
        int[] all = [found.Count, ExcerptFrames, Bands];
        return
        [
            ("maximised", new NpyArray(all, [.. found.SelectMany(one => one.Excerpt)])),
            ("activation", new NpyArray([found.Count], [.. found.Select(one => one.Activation)])),
            ("in_song", new NpyArray(all, [.. found.SelectMany(one => ExcerptOf(excerpts, one.InSong))])),
            ("activation_in_song", new NpyArray([found.Count], [.. found.Select(one => one.ActivationInSong)])),
            ("start_seconds", new NpyArray([found.Count], [.. found.Select(one => SecondsOf(starts[one.InSong]))])),
        ];
    }

    private static byte[][] SoundsOf(Request request, BandStatistics statistics, MaximisedNeuron one, int start)
    {
        using AudioStream audio = AudioStream.Open(request.Song, request.Channel, request.Decoder);
        float[] found = PictureSound.Of(one.Excerpt, statistics, new RandomSource(request.Seed, (ulong)RandomPurpose.Phases));
        return [WavFile.Encode(found), WavFile.Encode(ExcerptSound.Read(audio, start).Original)];
    }

    private static void Print(Report report)
    {
        Console.WriteLine($"{report.Layer}: activation by what was found, and the largest in {report.Song}");
        foreach (ReportedNeuron one in report.Neurons)
        {
            Console.WriteLine($"  neuron {one.Neuron,-10}  {one.Activation,10:F3}  {one.ActivationInSong,10:F3} at {one.InSongSeconds:F2} s");
        }

        Console.WriteLine($"written: {string.Join(", ", report.Files)}");
    }

    private static float[] ExcerptOf(float[] excerpts, int number) => excerpts[(number * ExcerptLength)..((number + 1) * ExcerptLength)];

    private static double SecondsOf(int start) => (double)start / FramesPerSecond;

    private static string FileNameOf(string neurons) => neurons.Replace(':', '.');

    private sealed record Request(
        string Layer, string Neurons, string Song, int Steps, bool Listen, ulong Seed, string Out, bool Overwrite, ModelPaths Paths, bool Force,
        Channel Channel, Decoder Decoder, Func<IBackend> CreateBackend, bool Json);

    internal sealed record ReportedNeuron(string Neuron, float Activation, float ActivationInSong, double InSongSeconds);

    internal sealed record Report(string Layer, string Song, string Device, string[] Files, IReadOnlyList<ReportedNeuron> Neurons);
}
