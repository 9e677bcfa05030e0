using System.Text.Json;
using Engine.Svd.Tests.Audio;

namespace Engine.Svd.Tests.Cli;

/// <summary>Folders of songs.</summary>
public sealed class BatchTests : CommandTest
{
    [Fact]
    public void AFolderWithABrokenSongIsPredictedAllTheSame()
    {
        Directory.CreateDirectory(PathOf("music/album"));
        File.Copy(Song(), PathOf("music/one.wav"));
        File.Copy(Song(), PathOf("music/album/two.wav"));
        File.WriteAllBytes(PathOf("music/album/broken.wav"), Wav.File(1, 16, Wav.Noise(50_000))[..^1000]);
        string folder = PathOf("predicted");
        ProgramResult result = SvdProgram.Call(
            "predict", PathOf("music"), "--recursive", "--out", folder, "--format", "lab,audacity,csv,jams,json", "--probabilities", "csv");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("broken.wav is truncated", result.Errors, StringComparison.Ordinal);
        Assert.Contains("1 of 3 songs failed", result.Errors, StringComparison.Ordinal);
        foreach (string ending in (string[])["lab", "txt", "csv", "jams", "json", "probability.csv"])
        {
            Assert.True(File.Exists(Path.Combine(folder, "album", $"two.{ending}")), ending);
            Assert.True(File.Exists(Path.Combine(folder, $"one.{ending}")), ending);
        }

        Assert.Equal(2 * 6 + 1, Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Length);
        string[] summary = File.ReadAllLines(Path.Combine(folder, "summary.csv"));
        Assert.Equal([true, false, true, true], summary.Select(line => !line.Contains("broken", StringComparison.Ordinal)));
        Assert.Contains("failed", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void JsonHoldsTheSegmentsAndTheDecoder()
    {
        ProgramResult result = SvdProgram.Call(Arguments("predict", Song(), "--json", "--decoder", "managed"));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        using JsonDocument report = JsonDocument.Parse(result.Output);
        Assert.Equal("managed", report.RootElement.GetProperty("decoder").GetString());
        JsonElement[] segments = [.. report.RootElement.GetProperty("segments").EnumerateArray()];
        Assert.Equal(0, segments[0].GetProperty("start").GetDouble());
        Assert.Equal(report.RootElement.GetProperty("seconds").GetDouble(), segments[^1].GetProperty("end").GetDouble(), 1e-6);
        Assert.Equal(report.RootElement.GetProperty("sung_segments").GetInt32(), segments.Count(segment => segment.GetProperty("label").GetString() == "sing"));
    }

    [Fact]
    public void SeveralSongsAreExplained()
    {
        File.Copy(Song(), PathOf("other.wav"));
        ProgramResult result = SvdProgram.Call("explain", PathOf("*.wav"), "--at", "0:00.5", "--out", PathOf("explained"));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Equal(
            ["a song_at_0.5s.npz", "a song_at_0.5s.png", "other_at_0.5s.npz", "other_at_0.5s.png", "summary.csv"],
            Directory.GetFiles(PathOf("explained")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void LogMelsOfAFolderGoToAFolder()
    {
        File.Copy(Song(), PathOf("other.wav"));
        ProgramResult result = SvdProgram.Call("logmel", PathOf("*.wav"), "--out", PathOf("spectra"));
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.True(File.Exists(PathOf("spectra/other.logmel.npy")));
        Fails(1, ["logmel", PathOf("*.wav"), "--out", PathOf("spectra.npy")], "is one file for 2 songs", "give a folder");
    }
}
