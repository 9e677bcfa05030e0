using Engine.Svd.Cli;
using Engine.Tests;

namespace Engine.Svd.Tests.Cli;

public sealed class SongFilesTests : IDisposable
{
    private readonly TempFolder temp = new();

    public SongFilesTests()
    {
        foreach (string name in (string[])["b.mp3", "a.WAV", "notes.txt", "._a.wav", "album/one.ogg", "album/deep/two.flac", "empty/cover.jpg"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(temp.PathOf(name))!);
            File.WriteAllText(temp.PathOf(name), "x");
        }
    }

    public void Dispose() => temp.Dispose();

    [Fact]
    public void AFolderGivesItsSongs() => Finds(["a", "b"], [temp.Folder]);

    [Fact]
    public void ItsFoldersTooWhereTheyAreWanted() => Finds(["a", "album/deep/two", "album/one", "b"], [temp.Folder], recursive: true);

    [Theory]
    [InlineData("*.mp3", "b")]
    [InlineData("**/*.ogg", "album/one")]
    [InlineData("album/**/*", "deep/two", "one")]
    [InlineData("?.mp3", "b")]
    [InlineData("a?bum/*/t?o.*", "album/deep/two")]
    [InlineData("**/??o.*", "album/deep/two")]
    public void APatternGivesWhatItMatches(string pattern, params string[] names) => Finds(names, [temp.PathOf(pattern)]);

    [Fact]
    public void ASongCountsOnce() => Finds(["b", "a"], [temp.PathOf("b.mp3"), temp.Folder]);

    [Fact]
    public void AMissingFileIsForTheCommandToReport() => Finds(["missing"], ["missing.wav"]);

    [Fact]
    public void WhatHoldsNoSongsIsSaid()
    {
        Failure.Says(() => SongFiles.Find([temp.PathOf("empty")], recursive: false), "empty is a folder without songs", "--recursive");
        Failure.Says(() => SongFiles.Find([temp.PathOf("*.xyz")], recursive: false), "*.xyz matches no file");
    }

    [Theory]
    [InlineData(new[] { "b.mp3", "album/b.ogg" }, "b.mp3", "b.ogg")]
    [InlineData(new[] { "x/one.ogg", "album/one.ogg", "b.mp3" }, "x/one", "album/one", "b")]
    [InlineData(new[] { "x/album/one.ogg", "album/one.ogg" }, "x/album/one", "*/album/one")]
    [InlineData(new[] { "x/one.ogg", "x/one.wav", "album/one.ogg" }, "x/one.ogg", "x/one.wav", "album/one.ogg")]
    [InlineData(new[] { "two.wav", "album", "x/one.wav" }, "two", "deep/two", "one.ogg", "one.wav")]
    public void SongsOfTheSameNameGetLongerNames(string[] arguments, params string[] names) => Finds(
        [.. names.Select(name => name.Replace("*", Path.GetFileName(temp.Folder), StringComparison.Ordinal))],
        [.. arguments.Select(argument => temp.PathOf(argument))], recursive: true);

    private static void Finds(string[] names, string[] arguments, bool recursive = false) =>
        Assert.Equal(names, SongFiles.Find(arguments, recursive).Select(song => song.Name));
}
