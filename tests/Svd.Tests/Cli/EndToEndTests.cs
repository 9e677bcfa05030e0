using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Explain;
using Engine.Svd.FrontEnd;
using Engine.Svd.Predict;
using Engine.Svd.Tests.Audio;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Cli;

/// <summary>What the commands write and print when all is well, most of it as a process of its own.</summary>
public sealed class EndToEndTests : CommandTest
{
    // Sums of thousands of float32 terms in another order.
    private const double DeviceTolerance = 1e-4;

    // Two float32 transforms.
    private const double SoundTolerance = 1e-6;

    private static readonly string Sample = Path.Combine(AppContext.BaseDirectory, "samples", "sample.wav");
    private static readonly string Statistics = Path.Combine(AppContext.BaseDirectory, "weights", "meanstd.npz");

    /// <summary>Every method is reached by its name, whether it needs a network or not.</summary>
    [Theory]
    [InlineData("guided-backprop")]
    [InlineData("inversion-input")]
    [InlineData("loudest")]
    public void ExplainsByAnyMethod(string method)
    {
        ProgramResult result = SvdProgram.Call("explain", "--at", "6", "--method", method, "--threshold", "otsu", "--out", PathOf(method));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Contains("at threshold otsu", result.Output, StringComparison.Ordinal);
        using NpzFile file = NpzFile.Open(Path.Combine(PathOf(method), "sample_at_6s.npz"));
        float[] importance = Array.ConvertAll(file.Read("importance").ToDouble(), value => (float)value), mask = new float[ExcerptLength];
        MaskSize.Otsu.Mask(importance, mask);
        Assert.Equal(mask, Array.ConvertAll(file.Read("mask").ToDouble(), value => (float)value));
        Assert.InRange(mask.Sum(), 1, ExcerptLength - 1);
    }

    [Fact]
    public void MaximisesNeurons()
    {
        string folder = PathOf("neurons");
        string[] arguments = ["maximise", "--layer", "conv4", "--neuron", "3,5:10:12", "--steps", "60", "--listen", "--out", folder];
        ProgramResult result = SvdProgram.Call([.. arguments, "--json"]);
        Assert.Equal(0, result.ExitCode);
        string[] files =
        [
            "conv4_3.song.wav", "conv4_3.wav", "conv4_3_5.10.12.npz", "conv4_3_5.10.12.png", "conv4_5.10.12.song.wav", "conv4_5.10.12.wav",
        ];
        Assert.Equal(files, Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        using JsonDocument report = JsonDocument.Parse(result.Output);
        foreach (JsonElement neuron in report.RootElement.GetProperty("neurons").EnumerateArray())
        {
            Assert.True(neuron.GetProperty("activation").GetDouble() > neuron.GetProperty("activation_in_song").GetDouble(), neuron.ToString());
        }

        using (NpzFile arrays = NpzFile.Open(Path.Combine(folder, files[2]))) Assert.Equal([2, ExcerptFrames, Bands], arrays.Read("maximised").Shape);
        Fails(1, arguments, "is there already", "--overwrite");
        Fails(1, ["maximise", "--layer", "conv4", "--neuron", "128", "--out", folder], "conv4 has no neuron 128: it has 128 channels of 35 rows and 23");
        Fails(1, ["maximise", "--layer", "fc8", "--neuron", "1:0:0", "--out", folder], "fc8 has no neuron 1:0:0: it has 64 neurons");
    }

    [Fact]
    public void TheOptimisationShowsItsObjective()
    {
        ProgramResult result = SvdProgram.Call("explain", "--at", "6", "--method", "optimise", "--out", PathOf("optimised"));
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(
            ["sample_at_6s.npz", "sample_at_6s.objective.png", "sample_at_6s.png"],
            Directory.GetFileSystemEntries(PathOf("optimised")).Select(Path.GetFileName).Order());
        using NpzFile file = NpzFile.Open(Path.Combine(PathOf("optimised"), "sample_at_6s.npz"));
        double[] objective = file.Read("objective").ToDouble();
        Assert.Equal(objective.OrderDescending(), objective);
        Assert.True(objective[^1] < objective[0] / 2, $"{objective[^1]} after {objective[0]}");
        Assert.Contains("inverted", file.Names);
    }

    [Fact]
    public void ExplainsTheBundledSample()
    {
        ProgramResult result = SvdProgram.Execute("explain", "--out", PathOf("new/folder"));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        foreach (string word in (string[])["prediction", "explanation alone", "relative area", "time", "sample.wav", ".npz"])
        {
            Assert.Contains(word, result.Output, StringComparison.Ordinal);
        }

        string[] files = [.. Directory.GetFileSystemEntries(PathOf("new/folder")).Order()];
        string arrays = files[0], picture = files[1];
        Assert.Equal(2, files.Length);
        Assert.Matches(@"^sample_at_\d+(\.\d+)?s\.npz$", Path.GetFileName(arrays));
        Assert.Equal(Path.ChangeExtension(arrays, "png"), picture);
        Assert.Equal([0x89, .. "PNG"u8], File.ReadAllBytes(picture)[..4]);

        using NpzFile file = NpzFile.Open(arrays);
        int[] excerpt = [ExcerptFrames, Bands];
        (string Name, int[] Shape, bool IsDouble)[] expected =
        [
            ("input", excerpt, false), ("inverted", excerpt, false), ("mask", excerpt, false), ("explanation", excerpt, false),
            ("features", [64], false), ("probability", [], false), ("probability_masked", [], false), ("class_threshold", [], true),
            ("start_seconds", [], true),
        ];
        Assert.Equal(expected.Select(array => array.Name), file.Names);
        foreach ((string name, int[] shape, bool isDouble) in expected)
        {
            NpyArray array = file.Read(name);
            Assert.Equal((name, isDouble), (name, array.IsDouble));
            Assert.Equal(shape, array.Shape.ToArray());
        }

        float[] input = file.Read("input").ToSingle(), mask = file.Read("mask").ToSingle();
        Assert.All(mask, bin => Assert.True(bin is 0 or 1, $"{bin}"));
        Assert.Equal(input.Zip(mask, (x, m) => x * m), file.Read("explanation").ToSingle());
    }

    [Fact]
    public void ExplainsAsJson()
    {
        ProgramResult result = SvdProgram.Execute(Arguments("explain", Sample, "--json", "--at", "3"));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        using JsonDocument document = JsonDocument.Parse(result.Output);
        JsonElement report = document.RootElement;
        Assert.Equal(
            [
                "audio", "probability", "label", "probability_masked", "label_masked", "class_threshold", "class_threshold_from", "relative_area", "method",
                "layer", "by_mask", "layers", "start_seconds", "decoder", "device", "files", "milliseconds", "warnings",
            ],
            report.EnumerateObject().Select(property => property.Name));
        Assert.Equal(
            ["load", "audio", "prediction", "inversion", "mask", "masked_prediction", "write"],
            report.GetProperty("milliseconds").EnumerateObject().Select(property => property.Name));

        string arrays = Path.Combine(Out, "sample_at_3s.npz");
        Assert.Equal(
            [Path.Combine(Out, "sample_at_3s.png"), arrays], report.GetProperty("files").EnumerateArray().Select(file => file.GetString()));
        using NpzFile file = NpzFile.Open(arrays);
        Assert.Equal(file.Read("probability").ToSingle()[0], report.GetProperty("probability").GetSingle());
        Assert.Equal(file.Read("probability_masked").ToSingle()[0], report.GetProperty("probability_masked").GetSingle());
        Assert.Equal(3, file.Read("start_seconds").ToDouble()[0]);
        Assert.Equal(3, report.GetProperty("start_seconds").GetDouble());
        Assert.Equal(file.Read("mask").ToDouble().Average(), report.GetProperty("relative_area").GetDouble(), 1e-12);
        Assert.Equal(report.GetProperty("probability").GetSingle() >= Golden.BundledThreshold ? "sing" : "nosing", report.GetProperty("label").GetString());
    }

    [Fact]
    public void AnExplanationCanBeHeard()
    {
        ProgramResult result = SvdProgram.Call(Arguments("explain", Sample, "--json", "--at", "7.5", "--listen"));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        string[] names = [.. ((string[])["png", "npz", "excerpt.wav", "explanation.wav", "removed.wav"]).Select(ending => $"sample_at_7.5s.{ending}")];
        using JsonDocument report = JsonDocument.Parse(result.Output);
        Assert.Equal(
            names.Select(name => Path.Combine(Out, name)), report.RootElement.GetProperty("files").EnumerateArray().Select(file => file.GetString()));

        float[] Sound(string name) => Samples.Of(Path.Combine(Out, $"sample_at_7.5s.{name}"));
        float[] excerpt = Sound("excerpt.wav"), explanation = Sound("explanation.wav"), removed = Sound("removed.wav");
        const int start = 525 * Hop; // 7.5 s.
        Assert.Equal(Samples.Of(Sample)[start..(start + ExcerptSamples)], excerpt[ExcerptSound.FadeSamples..^ExcerptSound.FadeSamples]);
        Assert.Equal(excerpt.Zip(explanation, (all, kept) => all - kept), removed);
        double Energy(float[] sound) => sound.Sum(sample => (double)sample * sample);
        Assert.InRange(Energy(explanation), 1e-3 * Energy(excerpt), 0.999 * Energy(excerpt));

        // What keeps every bin keeps the sound; what keeps none is silent.
        Assert.Equal(0, SvdProgram.Call(Arguments("explain", Sample, "--at", "7.5", "--listen", "--threshold", "0")).ExitCode);
        Golden.AssertAbsolute(Array.ConvertAll(excerpt, sample => (double)sample), Sound("explanation.wav"), SoundTolerance, "explanation.wav");
        Assert.Equal(0, SvdProgram.Call(Arguments("explain", Sample, "--at", "7.5", "--listen", "--threshold", "1.1")).ExitCode);
        Assert.All(Sound("explanation.wav"), sample => Assert.Equal(0, sample));
    }

    [Fact]
    public void PredictsEveryFrame()
    {
        ProgramResult result = SvdProgram.Execute(Arguments("predict", Sample));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.StartsWith($"{Sample}: 16.0 s, ", Assert.Single(Lines(result.Output)), StringComparison.Ordinal);

        NpyArray array = NpyFile.Read(Path.Combine(Out, "sample.probability.npy"));
        float[] probabilities = array.ToSingle();
        Assert.False(array.IsDouble);
        Assert.Equal([(int)FrameCount(16 * SampleRate)], array.Shape.ToArray());
        Assert.All(probabilities, probability => Assert.InRange(probability, 0, 1));
        Assert.Equal(
            LabFile.Encode(
                Segments.Find(probabilities, Golden.BundledThreshold),
                FormattableString.Invariant($"singing if P >= {Golden.BundledThreshold}, tuned for the detector")),
            File.ReadAllBytes(Path.Combine(Out, "sample.lab")));
    }

    [Fact]
    public void TheClassThresholdDecidesWhatIsSinging()
    {
        Assert.Equal(0, SvdProgram.Call(Arguments("predict", Song(), "--class-threshold", "0")).ExitCode);
        Assert.Equal($"0.000 {(double)SongFrames / FramesPerSecond:F3} sing", Assert.Single(File.ReadLines(Path.Combine(Out, $"{SongName}.lab")).Skip(1)));
    }

    [Fact]
    public void ABadSongDoesNotStopTheOthers()
    {
        string missing = PathOf("missing.wav"), odd = PathOf("Ünï 'code' & spaces — 2.wav");
        File.Copy(Song(), odd);
        ProgramResult result = SvdProgram.Call("predict", Song(), missing, odd, "--out", Out, "--overwrite", "--json");
        Assert.Equal(1, result.ExitCode);
        string[] errors = Lines(result.Errors);
        Assert.Equal($"svd: {missing} does not exist; check the name.", errors[0]);
        Assert.Equal($"svd: 1 of 3 songs failed; {Path.Combine(Out, "summary.csv")} says why", Assert.Single(errors[1..]));
        string[] summary = File.ReadAllLines(Path.Combine(Out, "summary.csv"));
        Assert.Equal("song,seconds,singing_share,sung_segments,failure", summary[0]);
        Assert.Equal(4, summary.Length);
        Assert.Equal($"{missing},,,,{missing} does not exist; check the name.", summary[2]);
        string[] names = [SongName, Path.GetFileNameWithoutExtension(odd)];
        Assert.Equal(
            names.Select(name => Path.Combine(Out, $"{name}.lab")),
            Lines(result.Output).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("files")[1].GetString()));
        foreach (string name in names) Assert.Equal(SongFrames, NpyFile.Read(Path.Combine(Out, $"{name}.probability.npy")).Length);
    }

    [Fact]
    public void LogMelIsWhatTheLibraryComputes()
    {
        string song = Song(), output = Path.Combine(Out, "logmel.npy");
        ProgramResult result = SvdProgram.Execute(Arguments("logmel", song));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        using IBackend backend = Backends.CreateCpu();
        Assert.Equal(LogMelOf(backend, song, null), NpyFile.Read(output).ToSingle());
        Assert.Equal([SongFrames, Bands], NpyFile.Read(output).Shape.ToArray());

        Assert.Equal(0, SvdProgram.Call(Arguments("logmel", song, "--stats", Statistics)).ExitCode);
        using BandNormalizer normalizer = BandStatistics.Read(Statistics).On(backend);
        Assert.Equal(LogMelOf(backend, song, normalizer), NpyFile.Read(output).ToSingle());
    }

    [Fact]
    public void ListsDevices()
    {
        ProgramResult text = SvdProgram.Call("devices", "--threads", "1");
        Assert.Equal((0, ""), (text.ExitCode, text.Errors));
        foreach (string word in (string[])["instruction sets", "vector width", "threads", "float32 peak", "memory bandwidth"])
        {
            Assert.Contains(word, text.Output, StringComparison.Ordinal);
        }

        using JsonDocument document = JsonDocument.Parse(SvdProgram.Call("devices", "--json").Output);
        Assert.True(document.RootElement.GetProperty("peak_gflops").GetDouble() > 0);
        Assert.True(document.RootElement.GetProperty("bandwidth_gbs").GetDouble() > 0);
        Assert.Equal(Environment.ProcessorCount, document.RootElement.GetProperty("threads").GetInt32());
    }

    [Fact]
    public void TheNumberOfThreadsDoesNotChangeABit()
    {
        string[] explain = Arguments("explain", Sample, "--json", "--at", "7.5"), predict = Arguments("predict", Sample);
        List<byte[]> arrays = [], probabilities = [];
        List<string> reports = [];
        foreach (string threads in (string[])["1", "2"])
        {
            reports.Add(Numbers(SvdProgram.Call([.. explain, "--threads", threads])));
            arrays.Add(File.ReadAllBytes(Path.Combine(Out, "sample_at_7.5s.npz")));
            Assert.Equal(0, SvdProgram.Call([.. predict, "--threads", threads]).ExitCode);
            probabilities.Add(File.ReadAllBytes(Path.Combine(Out, "sample.probability.npy")));
        }

        Assert.Equal(reports[0], reports[1]);
        Assert.Equal(arrays[0], arrays[1]);
        Assert.Equal(probabilities[0], probabilities[1]);
    }

    [Fact]
    public void TheDefinitionsAgree()
    {
        string[] names = ["input", "inverted", "features", "probability"];
        double[][] Explain(string device)
        {
            string[] args = Arguments("explain", Sample, "--at", "7.5", "--device", device, "--opencl-without-generic-address-space");
            ProgramResult result = SvdProgram.Call(args);
            Assert.Equal((0, device == "auto"), (result.ExitCode, result.Errors.StartsWith("svd: running on ", StringComparison.Ordinal)));
            using NpzFile file = NpzFile.Open(Path.Combine(Out, "sample_at_7.5s.npz"));
            return [.. names.Select(name => file.Read(name).ToDouble())];
        }

        double[][] expected = Explain("reference");
        foreach (string device in Gpu.Present.Append("cpu").Append("auto"))
        {
            double[][] actual = Explain(device);
            for (int i = 0; i < names.Length; i++)
            {
                Golden.AssertAbsolute(expected[i], Array.ConvertAll(actual[i], value => (float)value), DeviceTolerance, $"{names[i]} on {device}");
            }
        }
    }

    [Fact]
    public void TheProcessEndsWithTheExitCode()
    {
        ProgramResult failed = SvdProgram.Execute("predict", PathOf("missing.wav"), "--out", Out);
        Assert.Equal((1, ""), (failed.ExitCode, failed.Output));
        AssertOneLine(failed.Errors, "missing.wav");
        ProgramResult misused = SvdProgram.Execute();
        Assert.Equal((2, ""), (misused.ExitCode, misused.Output));
        AssertOneLine(misused.Errors, "give a command");
    }

    [UnixFact]
    public void WhereNobodyReadsThereIsNoStackTrace()
    {
        Assert.Equal("", SvdProgram.Shell("$svd --help | head -n 0").Errors);
        Assert.Equal((1, "", ""), Values(SvdProgram.Shell($"$svd predict '{PathOf("missing.wav")}' 2>&-")));
    }

    // The definitions take long over a song, so that the signal comes in the midst of it.
    [UnixFact]
    public void CtrlCLeavesNothingBehind()
    {
        string folder = PathOf("interrupted");
        using Process process = SvdProgram.Start("predict", Sample, "--out", folder, "--device", "reference");
        while (!Directory.Exists(folder) && !process.HasExited) Thread.Sleep(20);

        // At first it tries whether the folder can be written, with a file that a signal would leave behind.
        Thread.Sleep(1000);
        using (Process kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)])) kill.WaitForExit();
        const int interrupted = 128 + 2;
        Assert.Equal((interrupted, "", ""), Values(SvdProgram.Finish(process)));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    private static (int, string, string) Values(ProgramResult result) => (result.ExitCode, result.Output, result.Errors);

    private static string[] Lines(string output) =>
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>The part of a report that does not depend on the machine.</summary>
    private static string Numbers(ProgramResult result)
    {
        using JsonDocument document = JsonDocument.Parse(result.Output);
        return string.Join(
            ", ", document.RootElement.EnumerateObject().Where(property => property.Name is not ("device" or "milliseconds")));
    }

    private static float[] LogMelOf(IBackend backend, string song, BandNormalizer? normalizer)
    {
        using LogMelExtractor extractor = new(backend);
        using AudioStream audio = AudioStream.Open(song);
        LogMelReader reader = new(audio, extractor, normalizer);
        float[] frames = new float[LogMelReader.BlockFrames * Bands];
        return frames[..(reader.Read(frames) * Bands)];
    }
}
