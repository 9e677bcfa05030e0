using System.Text.Json;
using Engine.Svd.Data;
using Engine.Svd.Tests.Audio;
using Engine.Tests;

namespace Engine.Svd.Tests.Cli;

[Collection(ConsoleTests.Name)]
public sealed class CorpusCommandTests : IDisposable
{
    private readonly TempFolder temp = new();

    private string Corpus => temp.PathOf("corpus");

    public void Dispose() => temp.Dispose();

    [Fact]
    public void InitMakesListsAndEmptyLabelsAndKeepsThoseThatAreThere()
    {
        foreach (string name in (string[])["a", "b", "c", "d"]) Song(name);
        Put("labels/b.csv", "start,end,label\n0,3,sing\n");
        ProgramResult result = SvdProgram.Call("corpus", "init", Corpus);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Contains("4 songs; made 3 empty label files and put 4 songs on the lists", result.Output, StringComparison.Ordinal);
        Assert.Contains("3 of 4 songs cannot be used yet", result.Output, StringComparison.Ordinal);
        Assert.Equal("a.wav\nd.wav\n", File.ReadAllText(Path.Combine(Corpus, "filelists", "train")));
        Assert.Equal("b.wav\n", File.ReadAllText(Path.Combine(Corpus, "filelists", "valid")));
        Assert.Equal("c.wav\n", File.ReadAllText(Path.Combine(Corpus, "filelists", "test")));
        Assert.Equal(["a.lab", "b.csv", "c.lab", "d.lab"], Directory.GetFiles(Path.Combine(Corpus, "labels")).Select(Path.GetFileName).Order());
        Assert.True(Assert.Single(Engine.Svd.Data.Corpus.Open(Corpus).Split("valid")) is { } song && LabelTrack.Read(song.LabelPath).SingingAt(1));

        Put("labels/a.lab", "0 3 sing\n");
        Assert.Contains("made 0 empty label files and put 0 songs", SvdProgram.Call("corpus", "init", Corpus).Output, StringComparison.Ordinal);
        Assert.Equal("0 3 sing\n", File.ReadAllText(Path.Combine(Corpus, "labels", "a.lab")));
    }

    [Fact]
    public void CheckSaysWhatIsMissingAndOdd()
    {
        foreach (string name in (string[])["good", "empty", "twice", "unlisted"]) Song(name);
        Put("audio/broken.wav", "this is no sound");
        foreach (string name in (string[])["good", "twice", "unlisted", "broken", "orphan"]) Put($"labels/{name}.lab", "0 2 nosing\n2 3 sing\n");
        Put("labels/empty.lab", "# to fill in\n");
        Put("filelists/train", "good.wav\nempty.wav\ntwice.wav\nbroken.wav\ngone.wav\n");
        Put("filelists/test", "twice.wav\n");
        ProgramResult result = SvdProgram.Call("corpus", "check", Corpus);
        Assert.Equal((1, ""), (result.ExitCode, result.Errors));
        foreach (string word in (string[])
                 [
                     "error: empty.wav:", "holds no segments", "error: twice.wav: it is named in test and train", "odd: unlisted.wav: no file list names it",
                     "error: broken.wav:", "odd: gone.wav is named in train, but there is no such song", "odd: labels/orphan.lab has no song",
                     "3 of 5 songs cannot be used yet",
                 ])
        {
            Assert.Contains(word, result.Output, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("good.wav:", result.Output, StringComparison.Ordinal);
        using JsonDocument report = JsonDocument.Parse(SvdProgram.Call("corpus", "check", Corpus, "--json").Output);
        JsonElement root = report.RootElement;
        Assert.Equal(
            (3, 5, 2),
            (root.GetProperty("unusable").GetInt32(), root.GetProperty("songs").GetArrayLength(), root.GetProperty("odd").GetArrayLength()));
        Assert.Equal("broken.wav", root.GetProperty("songs")[0].GetProperty("audio").GetString());
        Assert.Equal(1, root.GetProperty("songs")[0].GetProperty("errors").GetArrayLength());
    }

    [Fact]
    public void SongsThatWouldShareTheirLabelsAreRefused()
    {
        Song("a");
        Put("audio/a.mp3", "");
        ProgramResult result = SvdProgram.Call("corpus", "init", Corpus);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("a.mp3 and a.wav", result.Errors, StringComparison.Ordinal);
        Assert.Contains("rename one of them", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void AMissingFolderIsSaid()
    {
        ProgramResult result = SvdProgram.Call("corpus", "init", temp.PathOf("none"));
        Assert.Equal(1, result.ExitCode);
        CommandTest.AssertOneLine(result.Errors, "none is not a folder", "audio");
    }

    private void Song(string name)
    {
        Directory.CreateDirectory(Path.Combine(Corpus, "audio"));
        File.WriteAllBytes(Path.Combine(Corpus, "audio", $"{name}.wav"), Wav.File(1, 16, Wav.Noise(3 * Wav.Rate)));
    }

    private void Put(string name, string content)
    {
        string path = Path.Combine(Corpus, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }
}
