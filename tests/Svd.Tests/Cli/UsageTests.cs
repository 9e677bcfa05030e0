using Engine.Svd.Cli;

namespace Engine.Svd.Tests.Cli;

/// <summary>The command line used wrongly, and the help that shows how it is used rightly.</summary>
public sealed class UsageTests : CommandTest
{
    private const string Commands =
        "explain, page, predict, corpus, score, calibrate, evaluate, localise, reconstruct, maximise, logmel, stats, train, export, weights, devices";

    [Theory]
    [InlineData($"give a command: {Commands}")]
    [InlineData($"frobnicate is not a command; the commands are {Commands}", "frobnicate")]
    [InlineData("--frobnicate is not a command", "--frobnicate")]
    [InlineData("--frobnicate is not an option", "explain", "--frobnicate")]
    [InlineData("-x is not an option; if it is a file, write", "predict", "a.wav", "-x")]
    [InlineData("'AUDIO'", "predict")]
    [InlineData("'AUDIO'", "logmel", "--out", "a.npy")]
    [InlineData("'--out'", "logmel", "a.wav")]
    [InlineData("'a.wav'", "devices", "a.wav")]
    [InlineData("--at needs a time such as 61.5 or 1:01.5, not abc", "explain", "--at", "abc")]
    [InlineData("--at needs a time such as 61.5 or 1:01.5, not -1", "explain", "--at", "-1")]
    [InlineData("--at needs a time such as 61.5 or 1:01.5, not NaN", "explain", "--at", "NaN")]
    [InlineData("--at needs a time such as 61.5 or 1:01.5, not Infinity", "explain", "--at", "Infinity")]
    [InlineData("--at needs a time such as 61.5 or 1:01.5, not 61,5", "explain", "--at", "61,5")]
    [InlineData("--at needs a value", "explain", "--at")]
    [InlineData("'--at'", "explain", "--at", "1", "--at", "2")]
    [InlineData("--threshold needs otsu or a number from 0 to 1.1, not nan", "explain", "--threshold", "nan")]
    [InlineData("--threshold needs otsu or a number from 0 to 1.1, not 1.2", "explain", "--threshold", "1.2")]
    [InlineData("--threshold needs otsu or a number from 0 to 1.1, not -0.1", "explain", "--threshold", "-0.1")]
    [InlineData("--class-threshold needs a number from 0 to 1, not 2", "predict", "a.wav", "--class-threshold", "2")]
    [InlineData("--class-threshold needs auto or a number from 0 to 1, not 2", "score", "--data", "a", "--class-threshold", "2")]
    [InlineData("--class-threshold needs auto or a number from 0 to 1, not high", "score", "--data", "a", "--class-threshold", "high")]
    [InlineData("--treshold is not an option; did you mean --threshold?", "explain", "--treshold", "0.5")]
    [InlineData("--dta is not an option; did you mean --data?", "score", "--dta", "a")]
    [InlineData("--output is not an option; did you mean --out?", "predict", "a.wav", "--output", "b")]
    [InlineData("--threshold is not an option; did you mean --class-threshold?", "predict", "a.wav", "--threshold", "0.5")]
    [InlineData("--ara=0.5 is not an option; did you mean --area?", "explain", "--ara=0.5")]
    [InlineData("--nonsense is not an option; if it is a file, write", "explain", "--nonsense")]
    [InlineData("--open is not an option; if it is a file, write", "page", "a.wav", "--open")]
    [InlineData("did you mean explain?", "explian")]
    [InlineData("did you mean inverter?", "train", "invertor")]
    [InlineData("'--data'", "score")]
    [InlineData("'--data'", "evaluate")]
    [InlineData("--start needs random or a time such as 61.5 or 1:01.5, at most 86400 s, not -1", "evaluate", "--data", "a", "--start", "-1")]
    [InlineData("--start needs random or a time such as 61.5 or 1:01.5, at most 86400 s, not soon", "evaluate", "--data", "a", "--start", "soon")]
    [InlineData("--excerpts needs a whole number of at least 1, not 0", "evaluate", "--data", "a", "--excerpts", "0")]
    [InlineData("--every needs a number from 0.1 to 1000, not 0", "evaluate", "--data", "a", "--every", "0")]
    [InlineData(
        "loud is not a method; the methods are inversion, inversion-error, inversion-input, optimise", "evaluate", "--data", "a", "--methods", "random,loud")]
    [InlineData("--area needs numbers from 0 to 1, separated by commas, not 0.4;0.2", "evaluate", "--data", "a", "--methods", "all", "--area", "0.4;0.2")]
    [InlineData(
        "--threshold needs otsu or numbers from 0 to 1.1, separated by commas, not 2", "evaluate", "--data", "a", "--methods", "all", "--threshold", "2")]
    [InlineData("--measure, --area, --threshold, --fill, --judge, --region and --masker need --methods", "evaluate", "--data", "a", "--area", "0.4")]
    [InlineData("--area, --threshold and --judge need --measure masks", "evaluate", "--data", "a", "--methods", "all", "--measure", "sanity", "--area", "0.4")]
    [InlineData("--region needs --measure perturbation", "evaluate", "--data", "a", "--methods", "all", "--region", "3")]
    [InlineData(
        "--measure perturbation takes one --fill", "evaluate", "--data", "a", "--methods", "all", "--measure", "perturbation", "--fill", "zero,blur")]
    [InlineData("--measure sanity takes no --fill", "evaluate", "--data", "a", "--methods", "all", "--measure", "sanity", "--fill", "zero")]
    [InlineData(
        "--measure reconstruction needs methods that invert: inversion, optimise",
        "evaluate", "--data", "a", "--methods", "all", "--measure", "reconstruction")]
    [InlineData("--thresholds and --compare cannot be used with --methods", "evaluate", "--data", "a", "--methods", "all", "--compare", "b.csv")]
    [InlineData("'--layer'", "maximise", "--neuron", "1")]
    [InlineData("--neuron needs all, or numbers or CHANNEL:ROW:COLUMN separated by commas, not 3:4", "maximise", "--layer", "fc8", "--neuron", "3:4")]
    [InlineData("'conv1' 'conv2' 'mp3'", "maximise", "--layer", "fc6", "--neuron", "3")]
    [InlineData("'--stems'", "localise")]
    [InlineData(
        "loud is not a method; the methods are inversion, inversion-error, inversion-input, optimise",
        "localise", "--stems", "a", "--methods", "random,loud")]
    [InlineData("--area needs numbers from 0 to 1, separated by commas, not 40", "localise", "--stems", "a", "--area", "40")]
    [InlineData("--excerpts needs a whole number of at least 1, not 0", "localise", "--stems", "a", "--excerpts", "0")]
    [InlineData("--class-threshold needs a number from 0 to 1, not 2", "localise", "--stems", "a", "--class-threshold", "2")]
    [InlineData("--threads needs a number from 1 to 1024, not 0", "explain", "--threads", "0")]
    [InlineData("--threads needs a number from 1 to 1024, not 1.5", "predict", "a.wav", "--threads", "1.5")]
    [InlineData("--threads needs a number from 1 to 1024, not 99999999999", "devices", "--threads", "99999999999")]
    [InlineData("'cpu' 'cuda' 'opencl' 'auto' 'reference'", "explain", "--device", "abacus")]
    [InlineData("--device-index needs a number of at least 0, not -1", "explain", "--device", "cuda", "--device-index", "-1")]
    [InlineData("--device-index needs --device cuda or opencl", "explain", "--device-index", "1")]
    [InlineData("--decoder needs auto or managed or ffmpeg, not sox", "predict", "a.wav", "--decoder", "sox")]
    [InlineData("--format needs lab or audacity or csv or jams or json, not xml; several are separated by commas", "predict", "a.wav", "--format", "lab,xml")]
    public void IsUsedWrongly(string says, params string[] args) => Fails(2, args, says, "--help)");

    [Theory]
    [InlineData("cuda", "CUDA device")]
    [InlineData("opencl", "OpenCL device")]
    public void SaysThatADeviceIsAbsent(string device, string says) =>
        Fails(1, ["explain", "--out", Out, "--device", device, "--device-index", "99"], says, "svd devices");

    [Fact]
    public void NamesMayStartWithADashBehindTwo() => Fails(1, ["explain", "--out", Out, "--", "-x.wav"], "-x.wav does not exist");

    [Theory]
    [InlineData]
    [InlineData("explain")]
    [InlineData("page")]
    [InlineData("predict")]
    [InlineData("score")]
    [InlineData("calibrate")]
    [InlineData("evaluate")]
    [InlineData("localise")]
    [InlineData("maximise")]
    [InlineData("logmel")]
    [InlineData("corpus")]
    [InlineData("devices")]
    public void HelpHasAnExample(params string[] command)
    {
        ProgramResult result = SvdProgram.Call([.. command, "--help"]);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Contains("Example", result.Output, StringComparison.Ordinal);
        Assert.Contains($"  svd {command.FirstOrDefault("explain")}", result.Output, StringComparison.Ordinal);

        // What the help calls a default can be given.
        Assert.DoesNotMatch(@"\[default: [A-Z]", result.Output);
    }

    [Fact]
    public void TheListOfCommandsNamesThemAll()
    {
        string list = SvdProgram.Call("--help").Output;
        foreach (string name in SvdCommand.Names)
        {
            Assert.Contains($"\n  {name} ", list, StringComparison.Ordinal);
            Assert.Matches($"Usage:\n  \\S+ {name} ", SvdProgram.Call(name, "--help").Output);
        }

        Assert.All(list.Split('\n'), line => Assert.InRange(line.Length, 0, 100));
    }
}
