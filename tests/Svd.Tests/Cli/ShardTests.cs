using System.Text.Json;
using Engine.Svd.Data;
using Engine.Tests;

namespace Engine.Svd.Tests.Cli;

/// <summary>Jobs that share a folder end, together, in the files of one run.</summary>
[Collection(ConsoleTests.Name)]
public sealed class ShardTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public ShardTests() => NoiseCorpus.Make(Data);

    private string Data => _temp.PathOf("corpus");

    public static TheoryData<string, string, string[]> Commands => new()
    {
        { "evaluate", "evaluation.csv", ["--start", "0", "--excerpts", "2", "--thresholds", "0:1:0.5", "--class-threshold", "0.5"] },
        { "reconstruct", "layers.csv", ["--excerpts", "2", "--draws", "2"] },
        { "score", "scores.csv", ["--class-threshold", "0.5"] },
        { "evaluate", "methods.csv", ["--start", "0", "--excerpts", "2", "--methods", "inversion,random", "--area", "0.2", "--class-threshold", "0.5"] },
    };

    public void Dispose() => _temp.Dispose();

    [Theory]
    [MemberData(nameof(Commands))]
    public void TheLastJobWritesWhatOneRunWrites(string command, string table, string[] options)
    {
        string whole = _temp.PathOf("whole"), parts = _temp.PathOf("parts");
        string[] arguments = [command, "--data", Data, "--split", "train", "--cache", _temp.PathOf("cache"), .. options];
        Succeed([.. arguments, "--out", whole]);
        int songs = File.ReadLines(Path.Combine(Data, "filelists", "train")).Count();
        Assert.True(songs >= 2, "the corpus has too few songs");
        for (int part = 1; part <= songs; part++)
        {
            Assert.False(File.Exists(Path.Combine(parts, table)));
            string output = Succeed([.. arguments, "--out", parts, "--shard", $"{part}/{songs}", "--json"]);
            if (part == songs) continue;
            using JsonDocument report = JsonDocument.Parse(output);
            Assert.Equal(($"{part}/{songs}", part, songs), (
                report.RootElement.GetProperty("shard").GetString(), report.RootElement.GetProperty("songs_done").GetInt32(),
                report.RootElement.GetProperty("songs").GetInt32()));
        }

        // The milliseconds of a method are measured anew.
        Assert.Equal(
            File.ReadLines(Path.Combine(whole, table)).Select(line => WithoutTime(line, table)),
            File.ReadLines(Path.Combine(parts, table)).Select(line => WithoutTime(line, table)));
    }

    [Theory]
    [InlineData("predict", 2)]
    [InlineData("logmel", 1)]
    [InlineData("explain", 2)]
    public void FilesOfSongsAreSharedOut(string command, int filesOfASong)
    {
        string[] songs = Directory.GetFiles(Path.Combine(Data, "audio"));
        string whole = _temp.PathOf("whole"), parts = _temp.PathOf("parts");
        Directory.CreateDirectory(parts); // logmel takes a name that is no folder for a file's.
        Directory.CreateDirectory(whole);
        for (int part = 1; part <= songs.Length + 1; part++)
        {
            // There is nothing left to do for the last job.
            Succeed([command, .. songs, "--out", parts, "--shard", $"{part}/{songs.Length + 1}"]);
            Assert.True(File.Exists(Path.Combine(parts, $"summary.{part}-of-{songs.Length + 1}.csv")));
        }

        Succeed([command, .. songs, "--out", whole]);
        string[] written = Results(whole);
        Assert.Equal(filesOfASong * songs.Length, written.Length);
        Assert.Equal(written.Select(File.ReadAllBytes), Results(parts).Select(File.ReadAllBytes));

        // All but the tables, of which each part has one.
        static string[] Results(string folder) =>
        [
            .. Directory.GetFiles(folder).Where(file => !Path.GetFileName(file).StartsWith("summary", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
        ];
    }

    [Theory]
    [InlineData("stats")]
    [InlineData("calibrate")]
    public void DecodingIsSharedOut(string command)
    {
        string cache = _temp.PathOf("cache"), whole = _temp.PathOf("whole.npz"), parts = _temp.PathOf("parts.npz");
        const int songs = 2;
        File.WriteAllText(Path.Combine(Data, "filelists", "pair"), "one.wav\nthree.wav\n"); // One and two are the same noise.
        for (int part = 1; part <= songs; part++)
        {
            Assert.False(File.Exists(parts));
            string output = Succeed([command, "--data", Data, "--split", "pair", "--cache", cache, "--out", parts, "--shard", $"{part}/{songs}"]);
            if (part < songs) Assert.Contains($"{part} of {songs} songs are finished", output);
            Assert.Equal(part, Directory.GetFiles(cache, "*.logmel*").Length);
        }

        Succeed([command, "--data", Data, "--split", "pair", "--cache", _temp.PathOf("other"), "--out", whole]);
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(parts));
    }

    [Theory]
    [InlineData("1/1", 0, 1)]
    [InlineData("2/8", 1, 8)]
    [InlineData("8/8", 7, 8)]
    public void APartIsNamedFromOneOn(string text, int index, int count)
    {
        Shard shard = Shard.Parse(text)!.Value;
        Assert.Equal(new Shard(index, count), shard);
        Assert.Equal(text, shard.ToString());
    }

    [Theory]
    [InlineData("0/8")]
    [InlineData("9/8")]
    [InlineData("1")]
    [InlineData("-1/8")]
    [InlineData("1/8/2")]
    [InlineData("a/b")]
    public void WhatIsNoPartIsRefused(string text)
    {
        Assert.Null(Shard.Parse(text));
        ProgramResult result = SvdProgram.Call("score", "--data", Data, "--out", _temp.PathOf("out"), "--shard", text);
        Assert.Equal(2, result.ExitCode);
        CommandTest.AssertOneLine(result.Errors, "--shard needs I/N");
    }

    private static string Succeed(string[] arguments)
    {
        ProgramResult result = SvdProgram.Call(arguments);
        Assert.True(result.ExitCode == 0, result.Errors);
        return result.Output;
    }

    private static string WithoutTime(string line, string table) =>
        table == "methods.csv" ? string.Join(',', line.Split(',').Where((_, column) => column != 18)) : line;
}
