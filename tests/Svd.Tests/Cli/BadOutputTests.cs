using Engine.Tests;

namespace Engine.Svd.Tests.Cli;

/// <summary>
/// Places that cannot be written. File permissions do not bind root, so what is in the way is a file, a folder or a device.
/// </summary>
public sealed class BadOutputTests : CommandTest
{
    [Theory]
    [InlineData("explain")]
    [InlineData("predict")]
    public void AFileIsInPlaceOfTheFolder(string command)
    {
        string song = Song();
        Fails(1, [command, song, "--out", song], $"the folder {song} cannot be written", "give another with --out");
        Fails(1, [command, song, "--out", Path.Combine(song, "below")], "cannot be written", "give another with --out");
        Fails(1, [command, song, "--out", ""], "cannot be written", "give another with --out");
    }

    [UnixFact]
    public void ADeviceIsInPlaceOfTheFolder()
    {
        string song = Song();
        Fails(1, ["explain", song, "--out", "/dev/null/x"], "/dev/null/x cannot be written");
        Fails(1, ["predict", song, "--out", "/dev/null/x"], "/dev/null/x cannot be written");
        Fails(1, ["logmel", song, "--out", "/dev/null/x/logmel.npy"], "/dev/null/x/logmel.npy cannot be written");
    }

    [Fact]
    public void LogMelNeedsAFileName()
    {
        string song = Song();
        Fails(1, ["logmel", song, "--out", Path.Combine(song, "logmel.npy")], "cannot be written");
        Fails(1, ["logmel", song, "--out", ""], "blank");
    }

    [Fact]
    public void LogMelDoesNotReplaceItsSong()
    {
        string song = Song();
        Fails(1, ["logmel", song, "--out", song], $"{song} would replace a file that this command reads", "--out");
    }

    // One of a command's files cannot be written: the others are not to stay without it.
    [Theory]
    [InlineData($"{SongName}_at_0s.png", "explain", "--at", "0")]
    [InlineData($"{SongName}_at_0s.npz", "explain", "--at", "0")]
    [InlineData($"{SongName}_at_0s.excerpt.wav", "explain", "--at", "0", "--listen")]
    [InlineData($"{SongName}_at_0s.explanation.wav", "explain", "--at", "0", "--listen")]
    [InlineData($"{SongName}_at_0s.removed.wav", "explain", "--at", "0", "--listen")]
    [InlineData($"{SongName}_at_0s.npz", "explain", "--at", "0", "--listen")]
    [InlineData($"{SongName}.lab", "predict")]
    [InlineData($"{SongName}.probability.npy", "predict")]
    public void AllFilesAreWrittenOrNone(string name, string command, params string[] more)
    {
        string blocked = Path.Combine(Out, name);
        File.Delete(blocked);
        Directory.CreateDirectory(blocked);
        Fails(1, Arguments(command, Song(), more), $"{blocked} cannot be written");
    }

    // What is there stays unless the user says otherwise.
    [Theory]
    [InlineData($"{SongName}_at_0s.png", "explain", "--at", "0")]
    [InlineData($"{SongName}_at_0s.removed.wav", "explain", "--at", "0", "--listen")]
    [InlineData($"{SongName}.lab", "predict", "--probabilities", "none")]
    [InlineData($"{SongName}.probability.npy", "predict")]
    [InlineData("logmel.npy", "logmel")]
    public void NothingIsOverwrittenUnasked(string name, string command, params string[] more)
    {
        foreach (string other in Directory.GetFiles(Out).Where(file => Path.GetFileName(file) != name)) File.Delete(other);
        string[] asked = Arguments(command, Song(), more);
        Fails(1, [.. asked.Where(argument => argument != "--overwrite")], $"{Path.Combine(Out, name)} is there already", "--overwrite");
        Assert.Equal(0, SvdProgram.Call(asked).ExitCode);
    }
}
