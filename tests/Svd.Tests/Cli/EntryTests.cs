using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Engine.Svd.Cli;
using Engine.Tests;
using Spectre.Console;

namespace Engine.Svd.Tests.Cli;

/// <summary>The program's entry: nothing escapes it, nothing is swallowed, and output that cannot be written ends no work.</summary>
public sealed class EntryTests : CommandTest
{
    [Theory]
    [InlineData("--device needs a value", "explain", "--device")]
    [InlineData("--architecture needs a value", "train", "inverter", "--data", "x", "--out", "y", "--architecture", "--hop")]
    [InlineData("--augment needs a value", "train", "classifier", "--data", "x", "--out", "y", "--augment", "--seed", "3")]
    [InlineData("--methods needs a value, not the option --at", "evaluate", "--data", "x", "--methods", "--at")]
    [InlineData("--method needs a value", "explain", "--method", "--at", "3")]
    [InlineData("--out needs a value", "explain", "--out", "--json")]
    [InlineData("--stats needs a value, not the option --whole-song", "logmel", "a.wav", "--out", "b.npy", "--stats", "--whole-song")]
    [InlineData("--thresholds needs FROM:TO:STEP", "evaluate", "--data", "x", "--thresholds", "0:1:99999999999999999999999999999")]
    [InlineData("'--device' expects a single argument", "explain", "--device", "cpu", "--device", "auto", "--device-index", "1")]
    [InlineData("'--thresholds' expects a single argument", "evaluate", "--data", "x", "--thresholds", "0:1:1", "--thresholds", "0:1:2")]
    public void OptionsDoNotSwallowOptions(string says, params string[] args) => Fails(2, args, says, "--help)");

    [Fact]
    public void AStepOfAnySizeIsRead()
    {
        Assert.Equal([0.0], EvaluateCommand.ParseThresholds("0:1:10000000000000000000000000000")!);
        Assert.Null(EvaluateCommand.ParseThresholds("0:1:0.0000000000000000000000000001"));
    }

    [Fact]
    public void NamesMayStartWithAnAtSign()
    {
        File.Copy(Song(), PathOf("@song.wav"));
        using Process process = Start("logmel @song.wav --out @out.npy");
        ProgramResult result = SvdProgram.Finish(process);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.True(File.Exists(PathOf("@out.npy")));
    }

    // What prints fails; the work does not.
    [UnixFact]
    public void OutputThatCannotBeWrittenEndsNoWork()
    {
        string song = Song();
        string predict = $"$svd predict '{song}' --out '{Out}' --overwrite";
        Assert.Equal(0, SvdProgram.Shell($"{predict} >&-").ExitCode);
        Assert.Equal(0, SvdProgram.Shell($"{predict} 2>&-").ExitCode);
        Assert.Equal(0, SvdProgram.Shell($"{predict} | true").ExitCode);
        if (!File.Exists("/dev/full")) return;
        Assert.Equal(0, SvdProgram.Shell($"{predict} 2>/dev/full").ExitCode);
        ProgramResult full = SvdProgram.Shell($"{predict} >/dev/full");
        Assert.Equal(1, full.ExitCode);
        AssertOneLine(full.Errors, "the output could not be printed", "all files are written");
        Assert.True(new FileInfo(Path.Combine(Out, $"{SongName}.probability.npy")).Length > 100);
    }

    // Too few for all libraries, but enough for the runtime itself to start.
    [UnixFact]
    public void ALackOfOpenFilesIsOneLine()
    {
        string song = Song();
        foreach (int files in (int[])[40, 50, 60, 70])
        {
            ProgramResult result = SvdProgram.Shell($"ulimit -n {files}; $svd predict '{song}' --out '{Out}' --overwrite");
            if (result.ExitCode == 0) continue;
            Assert.Equal((1, ""), (result.ExitCode, result.Output));
            AssertOneLine(result.Errors);
        }
    }

    [Fact]
    public void AWarningStandsAboveTheBar()
    {
        TextWriter before = Console.Error;
        using StringWriter screen = new(), errors = new();
        Console.SetError(errors);
        try
        {
            IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(screen) });
            ProgressDisplay.ShowLive(console, () => SvdCommand.Warn("song.wav [sic] is damaged"));
            SvdCommand.Warn("the bar is gone");
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.Equal("svd: warning: song.wav [sic] is damaged\n", screen.ToString().ReplaceLineEndings("\n"));
        Assert.Equal("svd: warning: the bar is gone\n", errors.ToString().ReplaceLineEndings("\n"));
    }

    [UnixFact]
    public void NamesDoNotSteerTheTerminal()
    {
        string song = PathOf("a\u001b[2J\u202Eb.wav");
        File.Copy(Song(), song);
        ProgramResult result = SvdProgram.Call("logmel", song, "--out", PathOf("a.npy"));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Contains("a\\x1B[2J\\u202Eb.wav: 213 frames", result.Output, StringComparison.Ordinal);
        result = SvdProgram.Call("explain", song, "--out", Out);
        Assert.Equal(0, result.ExitCode);
        Assert.DoesNotContain('\u001b', result.Output);

        string corpus = PathOf("corpus");
        NoiseCorpus.Make(corpus);
        File.Move(Path.Combine(corpus, "audio", "three.wav"), Path.Combine(corpus, "audio", "\u001bthree.wav"));
        File.Move(Path.Combine(corpus, "labels", "three.lab"), Path.Combine(corpus, "labels", "\u001bthree.lab"));
        File.WriteAllText(Path.Combine(corpus, "filelists", "test"), "\u001bthree.wav\n");
        result = SvdProgram.Call("score", "--data", corpus, "--class-threshold", "0.5");
        Assert.Contains("\\x1Bthree", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', result.Output);
    }

    [UnixTheory]
    [InlineData("--classifier", "explain")]
    [InlineData("--inverter", "explain")]
    [InlineData("--stats", "predict")]
    [InlineData("--compare", "evaluate", "--data", "corpus")]
    [InlineData("--cache", "stats", "--data", "corpus")]
    public void PipesAreNotReadForEver(string option, params string[] command)
    {
        string pipe = PathOf("pipe"), corpus = PathOf("corpus");
        NoiseCorpus.Make(corpus);
        using (Process make = Process.Start("mkfifo", [pipe])) make.WaitForExit();
        string[] line = [.. command.Select(word => word == "corpus" ? corpus : word), option, pipe, "--out", command[0] == "stats" ? PathOf("s.npz") : Out];
        ProgramResult result = SvdProgram.Call(command[0] is "explain" or "predict" ? [.. line, Song(), "--overwrite"] : line);
        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        AssertOneLine(result.Errors, pipe);
    }

    [UnixFact]
    public void PipesOfACorpusAreNotReadForEver()
    {
        string corpus = PathOf("corpus"), run = PathOf("run");
        NoiseCorpus.Make(corpus);
        Directory.CreateDirectory(run);
        string[] train = ["train", "inverter", "--data", corpus, "--out", PathOf("w.npz"), "--epochs", "1", "--hop", "40", "--batch", "2"];
        AssertPipe(Path.Combine(run, "checkpoint.npz"), [.. train, "--checkpoint", run]);
        string[] score = ["score", "--data", corpus];
        AssertPipe(Path.Combine(corpus, "labels", "three.lab"), score);
        AssertPipe(Path.Combine(corpus, "filelists", "test"), score);
        AssertPipe(Path.Combine(corpus, "audio", "three.wav"), score);

        void AssertPipe(string path, string[] command)
        {
            byte[]? before = File.Exists(path) ? File.ReadAllBytes(path) : null;
            File.Delete(path);
            using (Process make = Process.Start("mkfifo", [path])) make.WaitForExit();
            ProgramResult result = SvdProgram.Call(command);
            Assert.Equal((1, ""), (result.ExitCode, result.Output));
            AssertOneLine(result.Errors, path, "not a regular file");
            File.Delete(path);
            if (before is not null) File.WriteAllBytes(path, before);
        }
    }

    [Fact]
    public void JsonIsAsciiWhereTheOutputIsNotUtf8()
    {
        TextWriter before = Console.Out;
        try
        {
            string Encode(Encoding encoding)
            {
                Console.SetOut(new StreamWriter(Stream.Null, encoding));
                return System.Text.Json.JsonSerializer.Serialize(new { Song = "für" }, Json.Line);
            }

            Assert.Equal("{\"song\":\"für\"}", Encode(new UTF8Encoding(false)));
            Assert.Equal("{\"song\":\"f\\u00FCr\"}", Encode(Encoding.Latin1));
            Assert.Equal("{\"song\":\"f\\u00FCr\"}", Encode(Encoding.ASCII));
        }
        finally
        {
            Console.SetOut(before);
        }
    }

    [UnixTheory]
    [InlineData("TERM", 143)]
    [InlineData("HUP", 129)]
    [InlineData("INT", 130)]
    public void ASignalSavesACheckpoint(string signal, int exitCode)
    {
        NoiseCorpus.Make(PathOf("corpus"));
        string checkpoint = Path.Combine(PathOf("run"), "checkpoint.npz");
        using Process process = Start("train inverter --data corpus --out w.npz --epochs 100000 --checkpoint run --threads 1 --hop 40 --batch 2");
        while (!File.Exists(checkpoint) && !process.HasExited) Thread.Sleep(5);
        DateTime before = File.GetLastWriteTimeUtc(checkpoint);
        Process.Start("kill", [$"-{signal}", $"{process.Id}"]).WaitForExit();
        ProgramResult result = SvdProgram.Finish(process);
        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains("resume from the checkpoint in run", result.Errors, StringComparison.Ordinal);
        Assert.True(File.GetLastWriteTimeUtc(checkpoint) >= before);
        Assert.False(File.Exists(PathOf("w.npz")));
    }

    private Process Start(string arguments)
    {
        string name = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        string dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", name));
        return Process.Start(new ProcessStartInfo(dotnet, $"\"{Path.Combine(AppContext.BaseDirectory, "svd.dll")}\" {arguments}")
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = PathOf("."),
        })!;
    }
}

/// <summary>A theory about signals of Unix, skipped on Windows.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class UnixTheoryAttribute : TheoryAttribute
{
    public UnixTheoryAttribute() => Skip = OperatingSystem.IsWindows() ? "needs a Unix system" : null;
}
