using System.Text;
using Engine.Svd.Data;
using Engine.Tests;

namespace Engine.Svd.Tests.Data;

public sealed class CorpusTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public CorpusTests()
    {
        foreach (string name in (string[])["audio", "labels", "filelists"]) Directory.CreateDirectory(_folder.PathOf(name));
        Put("audio/one.mp3", "not opened");
        Put("audio/two b.wav", "not opened");
        Put("labels/one.lab", "0 1 sing\n");
        Put("labels/two b.lab", "0 1 sing\n");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void SongsComeInTheListsOrderWithTheirFiles()
    {
        Put("filelists/train", "two b.wav  \r\n\r\none.mp3");
        IReadOnlyList<Song> songs = Corpus.Open(_folder.Folder).Split("train");
        Assert.Equal(["two b", "one"], songs.Select(song => song.Name));
        Assert.Equal(_folder.PathOf("audio/two b.wav"), songs[0].AudioPath);
        Assert.Equal(_folder.PathOf("labels/one.lab"), songs[1].LabelPath);
    }

    [Fact]
    public void AMissingFolderIsNamed()
    {
        Failure.Says(() => Corpus.Open(_folder.PathOf("none")), "none", "is not a folder");
        Directory.Delete(_folder.PathOf("filelists"));
        Failure.Says(() => Corpus.Open(_folder.Folder), "has no folder filelists");
    }

    [Fact]
    public void AMissingListSaysWhichThereAre()
    {
        Put("filelists/valid", "one.mp3");
        Failure.Says(() => Split("train"), "train does not exist", "has valid.");
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n  \n")]
    public void AnEmptyListIsRefused(string content)
    {
        Put("filelists/train", content);
        Failure.Says(() => Split("train"), "train");
    }

    [Theory]
    [InlineData("one.mp3\nthree.mp3", "three.mp3 does not exist", "train, line 2")]
    [InlineData("\none.mp3\n\none.mp3", "one is already in line 2", "train, line 4")]
    [InlineData("one.mp3\none.ogg", "one is already in line 1")]
    [InlineData("one.ogg", "one.lab exists, but its song", "one.ogg")]
    [InlineData("silent.mp3", "silent.mp3 has no label file", "silent.lab")]
    [InlineData("\0", "line 1: this is not text")]
    public void ABadLineIsNamed(string list, params string[] words)
    {
        Put("audio/silent.mp3", "not opened");
        Put("filelists/train", list);
        Failure.Says(() => Split("train"), words);
    }

    private IReadOnlyList<Song> Split(string name) => Corpus.Open(_folder.Folder).Split(name);

    private void Put(string name, string content) => _folder.Put(name, Encoding.UTF8.GetBytes(content));
}
