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
        Fails(1, ["logmel", song, "--out", Out], $"{Out} cannot be written", "is a folder");
        Fails(1, ["logmel", song, "--out", Path.Combine(song, "logmel.npy")], "cannot be written");
        Fails(1, ["logmel", song, "--out", ""], "blank");
    }

    [Fact]
    public void LogMelDoesNotReplaceItsSong()
    {
        string song = Song();
        Fails(1, ["logmel", song, "--out", song], $"{song} is the song itself", "--out");
    }

    // The second file of each command cannot be written: the first is not to stay alone.
    [Theory]
    [InlineData("explain", "explanation.png")]
    [InlineData("explain", "explanation.npz")]
    [InlineData("predict", $"{SongName}.lab")]
    [InlineData("predict", $"{SongName}.probability.npy")]
    public void BothFilesAreWrittenOrNeither(string command, string name)
    {
        string blocked = Path.Combine(Out, name);
        File.Delete(blocked);
        Directory.CreateDirectory(blocked);
        Fails(1, Arguments(command, Song()), $"{blocked} cannot be written");
    }
}
