using System.Diagnostics;
using Engine.Svd.Figures;
using Engine.Svd.FrontEnd;
using Engine.Tests;
using SkiaSharp;

namespace Engine.Svd.Tests.Cli;

/// <summary>
/// The trainings as a user starts them, on a corpus of noise: the same bits whatever the number of threads and however often a run is broken off,
/// and one clear line for whatever is wrong.
/// </summary>
[Collection(ConsoleTests.Name)]
public sealed class TrainCommandTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public TrainCommandTests() => NoiseCorpus.Make(Data);

    private string Data => _temp.PathOf("corpus");

    public static TheoryData<string> Trainings => ["inverter", "inverter of mp6", "classifier", "masker"];

    public void Dispose() => _temp.Dispose();

    [Theory]
    [MemberData(nameof(Trainings))]
    public void SameSeedSameBitsAtAnyThreadCount(string training)
    {
        byte[] expected = Train(training, "threads1", "--threads", "1");
        Assert.Equal(expected, Train(training, "threads2", "--threads", "2"));
        Assert.Equal(expected, Train(training, "threads7", "--threads", "7"));
        Assert.NotEqual(expected, Train(training, "seed2", "--seed", "2"));
    }

    [Theory]
    [MemberData(nameof(Trainings))]
    public void AKilledTrainingEndsInTheSameBits(string training)
    {
        byte[] expected = Train(training, "whole");
        string checkpoint = _temp.PathOf("checkpoint"), file = Path.Combine(checkpoint, "checkpoint.npz");
        using (Process process = SvdProgram.Start(Arguments(training, "killed", ["--checkpoint", checkpoint])))
        {
            // As soon as the first epoch is saved, without a chance to say good-bye.
            while (!File.Exists(file) && !process.HasExited) Thread.Sleep(2);
            process.Kill();
            SvdProgram.Finish(process);
        }

        Assert.True(File.Exists(file));
        Assert.Equal(expected, Train(training, "killed", "--checkpoint", checkpoint));
        Assert.Equal(
            File.ReadLines(_temp.PathOf("whole.csv")).Select(WithoutSpeed), File.ReadLines(_temp.PathOf("killed.csv")).Select(WithoutSpeed));

        // A finished training has nothing left to do and says the same again; another one may not go on from it.
        Assert.Equal(expected, Train(training, "again", "--checkpoint", checkpoint));
        Fails(training, ["--checkpoint", checkpoint, "--seed", "2"], 1, "seed is 1, not 2", file);
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..1000]);
        Fails(training, ["--checkpoint", checkpoint], 1, file);
    }

    [Theory]
    [InlineData("give a command: inverter, classifier, masker (see svd train --help)", "train")]
    [InlineData("detector is not a command; the commands are inverter, classifier, masker", "train", "detector")]
    [InlineData("'--data' is required (see svd train inverter --help)", "train", "inverter")]
    public void SaysHowItIsUsed(string says, params string[] args)
    {
        ProgramResult result = SvdProgram.Call(args);
        Assert.Equal(2, result.ExitCode);
        CommandTest.AssertOneLine(result.Errors, says);
    }

    [Fact]
    public void TheClassifierBringsItsStatistics()
    {
        Train("classifier", "net");
        BandStatistics statistics = BandStatistics.Read(_temp.PathOf("net.meanstd.npz"));
        Assert.All(statistics.Std, std => Assert.True(std > 0));
        ProgramResult prediction = SvdProgram.Call(
            "predict", Path.Combine(Data, "audio", "three.wav"), "--classifier", _temp.PathOf("net.npz"), "--stats", _temp.PathOf("net.meanstd.npz"),
            "--out", _temp.Folder);
        Assert.Equal(0, prediction.ExitCode);
        string[] log = File.ReadAllLines(_temp.PathOf("net.csv"));
        Assert.Equal("epoch,loss,learning_rate,excerpts_per_second,valid_loss,valid_error", log[0]);
        Assert.Equal(3, log.Length);
    }

    [Fact]
    public void TheArchitectureMustBeOneForTheLayer() =>
        Fails("inverter of conv5", ["--architecture", "paper"], 2, "--architecture paper has no network for conv5");

    [Fact]
    public void TrainedInvertersExplain()
    {
        Train("inverter", "published", "--architecture", "published", "--epochs", "1");
        ProgramResult explained = SvdProgram.Call(
            "explain", Path.Combine(Data, "audio", "one.wav"), "--at", "0", "--inverter", _temp.PathOf("published.npz"), "--out", _temp.Folder);
        Assert.Equal(0, explained.ExitCode);
    }

    [Theory]
    [MemberData(nameof(Trainings))]
    public void SaysWhatIsWrongWithACorpus(string training)
    {
        Fails(training, ["--epochs", "0"], 2, "--epochs needs");
        Write("filelists/train", ""u8.ToArray());
        Fails(training, [], 1, "train");
        Write("filelists/train", "one.wav\nabsent.wav\n"u8.ToArray());
        Fails(training, [], 1, "absent");
        Write("filelists/train", "one.wav\n"u8.ToArray());
        Write("audio/one.wav", "no audio"u8.ToArray());
        Fails(training, [], 1, "one.wav");
        Directory.Delete(Path.Combine(Data, "filelists"), true);
        Fails(training, [], 1, "filelists");
    }

    [Fact]
    public void SaysWhatIsWrongWithLabels()
    {
        Write("labels/one.lab", "0 2 sing\n1 3 nosing\n"u8.ToArray());
        Fails("classifier", [], 1, "one.lab");
        Write("labels/one.lab", "0 2 humming\n"u8.ToArray());
        Fails("classifier", [], 1, "one.lab", "humming");
        File.Delete(Path.Combine(Data, "labels", "one.lab"));
        Fails("classifier", [], 1, "one");
    }

    [Fact]
    public void TrainedMaskersExplainAndTheirLogSpeaksOfTheValidationSongs()
    {
        Train("masker", "masker", "--epochs", "1");
        string log = File.ReadLines(_temp.PathOf("masker.csv")).First();
        Assert.Equal(
            "epoch,loss,learning_rate,excerpts_per_second,valid_loss,valid_kept_40,valid_removed_40,"
            + "valid_kept_20,valid_removed_20,valid_kept_10,valid_removed_10", log);
        string song = Path.Combine(Data, "audio", "one.wav");
        ProgramResult explained = SvdProgram.Call(
            "explain", song, "--at", "0", "--method", "both", "--area", "0.3", "--masker", _temp.PathOf("masker.npz"), "--out", _temp.Folder);
        Assert.Equal(0, explained.ExitCode);
        Assert.Equal(2, explained.Output.Split("30.0 % of the bins").Length - 1);
        ProgramResult other = SvdProgram.Call(
            "explain", song, "--at", "0", "--method", "mask", "--masker", Path.Combine(ReferenceData.Repository, "weights", "inverter.npz"));
        Assert.Equal(1, other.ExitCode);
        CommandTest.AssertOneLine(other.Errors, "does not hold a mask network: it holds the inversion network for fc8");
    }

    [Theory]
    [InlineData("inverter")]
    [InlineData("masker")]
    public void SongsWithoutLabelsTrainWhatNeedsNone(string training)
    {
        byte[] expected = Train(training, "labelled");
        Directory.Delete(Path.Combine(Data, "labels"), true);
        Assert.Equal(expected, Train(training, "unlabelled"));
        string[] log = File.ReadAllLines(_temp.PathOf("unlabelled.csv"));
        Assert.Equal("valid_loss", log[0].Split(',')[4]);
        Assert.All(log.Skip(1), row => Assert.True(double.Parse(row.Split(',')[4]) is > 0 and < double.PositiveInfinity));
        using SKBitmap figure = SKBitmap.Decode(_temp.PathOf("unlabelled.png"));
        Assert.Equal(TrainingFigure.Width, figure.Width);

        // Without validation songs there is nothing to say of them.
        File.Delete(Path.Combine(Data, "filelists", "valid"));
        Train(training, "alone");
        Assert.Equal("epoch,loss,learning_rate,excerpts_per_second", File.ReadLines(_temp.PathOf("alone.csv")).First());
    }

    [Theory]
    [MemberData(nameof(Trainings))]
    public void ADryRunSaysHowLongItTakesAndWritesNothing(string training)
    {
        ProgramResult result = SvdProgram.Call(Arguments(training, "dry", ["--dry-run"]));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Matches(@"^2 epochs of \d+ batches of \d+ excerpts: about \d+:\d\d on cpu \(", result.Output);
        Assert.Empty(Directory.GetFiles(_temp.Folder, "dry*"));
    }

    [Fact]
    public void SaysThatTheExcerptsDoNotFillABatch() => Fails("inverter", ["--batch", "1000"], 1, "1000", "--hop");

    // Small enough for a test: two epochs, the inverter's of 4 batches, the classifier's of 1.
    private string[] Arguments(string training, string name, string[] more) =>
    [
        "train", .. training.Split(" of ") is [var network, var layer] ? (string[])[network, "--layer", layer] : [training],
        "--data", Data, "--out", _temp.PathOf($"{name}.npz"), "--cache", _temp.PathOf("cache"),
        .. training == "classifier" ? (string[])["--batches", "1"] : more.Contains("--batch") ? [] : ["--hop", "30", "--batch", "2"],
        .. more.Contains("--epochs") ? (string[])[] : ["--epochs", "2"], .. more,
    ];

    private byte[] Train(string training, string name, params string[] more)
    {
        ProgramResult result = SvdProgram.Call(Arguments(training, name, more));
        Assert.True(result.ExitCode == 0, result.Errors);
        return File.ReadAllBytes(_temp.PathOf($"{name}.npz"));
    }

    private void Fails(string training, string[] more, int exitCode, params string[] words)
    {
        ProgramResult result = SvdProgram.Call(Arguments(training, "failed", more));
        Assert.Equal(exitCode, result.ExitCode);
        CommandTest.AssertOneLine(result.Errors, words);
        Assert.Empty(Directory.GetFiles(_temp.Folder, "failed*"));
    }

    private void Write(string name, byte[] content) => File.WriteAllBytes(Path.Combine(Data, name), content);

    private static string WithoutSpeed(string line) => string.Join(',', line.Split(',').Where((_, column) => column != 3));
}
