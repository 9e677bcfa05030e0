using System.Text.Json;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Page;
using Engine.Svd.Predict;
using Engine.Svd.Tests.Audio;
using Engine.Svd.Tests.Cli;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Pages;

/// <summary>What <c>svd page</c> writes, and what it says where it cannot.</summary>
public sealed class PageCommandTests : CommandTest
{
    // The network's layers in another layout: float32 sums in another order.
    private const double RoundingTolerance = 1e-5;

    private static readonly string Sample = Path.Combine(AppContext.BaseDirectory, "samples", "sample.wav");

    private string PageOf(string name) => Path.Combine(Out, $"{name}.html");

    [Fact]
    public void APageHoldsTheSong()
    {
        string song = Put("a tune.wav", File.ReadAllBytes(Sample));
        Put("a tune.lab", "0 4.5 nosing\n4.5 12 sing\n"u8.ToArray());
        ProgramResult result = SvdProgram.Call("page", song, "--out", Out, "--every", "40", "--area", "0.15", "--json");
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        PageFile page = new(PageOf("a tune"));
        int frames = (int)FrameCount(16 * SampleRate);
        Assert.Equal(frames, page.Frames);
        Assert.Equal(File.ReadAllBytes(song), page.Sound());
        Assert.Equal("a tune.wav", page.Song.GetProperty("name").GetString());
        Assert.Equal(0.15, page.Shares[page.Song.GetProperty("asked_share").GetInt32()]);

        // The same predictions and segments as svd predict's.
        Assert.Equal(0, SvdProgram.Call("predict", song, "--out", Out, "--overwrite").ExitCode);
        float[] probabilities = NpyFile.Read(Path.Combine(Out, "a tune.probability.npy")).ToSingle();
        Golden.AssertAbsolute(Array.ConvertAll(probabilities, p => (double)p), page.Numbers("probability"), RoundingTolerance, "probability");
        Assert.Equal(Segments.Median(page.Numbers("probability")), page.Numbers("smoothed"));
        Assert.Equal(string.Join('\n', File.ReadAllLines(Path.Combine(Out, "a tune.lab"))[1..]) + '\n', page.Song.GetProperty("lab").GetString());
        Assert.Equal([[4.5, 12]], page.Song.GetProperty("labels").EnumerateArray().Select(pair => pair.EnumerateArray().Select(n => n.GetDouble()).ToArray()));
        using JsonDocument report = JsonDocument.Parse(result.Output);
        double wrong = Segments.Median(probabilities).Select((p, i) => p >= Golden.BundledThreshold != (i / 70.0 is >= 4.5 and < 12))
            .Average(differs => differs ? 1.0 : 0);
        Assert.Equal(wrong, report.RootElement.GetProperty("error").GetDouble(), 1e-9);

        // A spectrogram to the half of a step, as the detector gets it, and every share's masks.
        float[] logMel = LogMel(song);
        SongLevel.Amplify(logMel, SongLevel.GainTo(BandStatistics.Read(BundledFiles.Statistics).Level!.Value, logMel));
        byte[] spectrogram = page.Spectrogram();
        for (int i = 0; i < logMel.Length; i++)
        {
            double expected = Math.Clamp(logMel[i], PageTiles.Lowest, PageTiles.Lowest + 255 * PageTiles.Step);
            Assert.Equal(expected, PageTiles.Lowest + PageTiles.Step * spectrogram[i], 0.51 * PageTiles.Step);
        }

        foreach (byte[][] levels in new[] { page.Levels("mask"), page.Levels("inversion") })
        {
            Assert.Equal(page.Starts.Length, levels.Length);
            Assert.All(levels, excerpt => Assert.Equal(
                page.Shares.Select(share => (int)Math.Round(share * ExcerptLength)),
                page.Shares.Select((_, k) => excerpt.Count(level => level <= k))));
        }

        Assert.Equal(3 * page.Starts.Length, page.Numbers("answers").Length);
    }

    [Fact]
    public void NothingFromANameIsMarkup()
    {
        string name = OperatingSystem.IsWindows() ? "a 'tune' & 🎵" : "a \"tune\" <script>alert(1)<!-- & ' 🎵";
        string song = Put($"{name}.wav", File.ReadAllBytes(Song()));
        ProgramResult result = SvdProgram.Call("page", song, Song(), "--out", Out, "--json");
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        string written = JsonDocument.Parse(result.Output.Split('\n')[0]).RootElement.GetProperty("page").GetString()!;
        PageFile page = new(written);
        Assert.Equal($"{name}.wav", page.Song.GetProperty("name").GetString());
        foreach (string file in new[] { written, Path.Combine(Out, "index.html") })
        {
            string text = File.ReadAllText(file);
            Assert.DoesNotContain("alert(1)<", text, StringComparison.Ordinal);
            Assert.DoesNotContain("\"tune\"", text, StringComparison.Ordinal);
            Assert.DoesNotContain("🎵", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void AFolderGoesOnAfterABadSong()
    {
        string folder = Directory.CreateDirectory(PathOf("audio")).FullName;
        Directory.CreateDirectory(PathOf("labels"));
        File.Copy(Song(), Path.Combine(folder, "b.wav"));
        File.Copy(Song(), Path.Combine(folder, "c.wav"));
        File.WriteAllText(PathOf("labels/c.lab"), "0 1 sing\n");
        File.WriteAllText(Path.Combine(folder, "a.wav"), "RIFF");
        File.WriteAllText(Path.Combine(folder, "cover.jpg"), "");
        ProgramResult result = SvdProgram.Call("page", folder, "--out", Out);
        Assert.Equal(1, result.ExitCode);
        AssertOneLine(result.Errors, "a.wav");
        Assert.False(File.Exists(PageOf("a")));
        Assert.Equal(JsonValueKind.Null, new PageFile(PageOf("b")).Song.GetProperty("labels").ValueKind);
        Assert.Equal(1, new PageFile(PageOf("c")).Song.GetProperty("labels").GetArrayLength());
        string index = File.ReadAllText(Path.Combine(Out, "index.html"));
        foreach (string word in (string[])["\"a.wav\"", "\"b.html\"", "\"c.html\""]) Assert.Contains(word, index, StringComparison.Ordinal);
    }

    [Fact]
    public void SongsOfOneNameHavePagesInTheirFolders()
    {
        foreach (string name in (string[])["one/tune.wav", "two/tune.wav"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(PathOf($"audio/{name}"))!);
            File.Copy(Song(), PathOf($"audio/{name}"));
        }

        ProgramResult result = SvdProgram.Call("page", PathOf("audio"), "--recursive", "--out", Out);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Equal(File.ReadAllBytes(PageOf("one/tune")), File.ReadAllBytes(PageOf("two/tune")));
        string index = File.ReadAllText(Path.Combine(Out, "index.html"));
        foreach (string word in (string[])["\"one/tune.wav\"", "\"one/tune.html\"", "\"two/tune.html\""])
        {
            Assert.Contains(word, index, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void PartsTogetherAreTheWhole()
    {
        foreach (string name in (string[])["a", "b", "c"]) File.Copy(Song(), Path.Combine(Directory.CreateDirectory(PathOf("audio")).FullName, $"{name}.wav"));
        string parts = PathOf("parts");
        Assert.Equal(0, SvdProgram.Call("page", PathOf("audio"), "--out", Out).ExitCode);
        Assert.Equal(0, SvdProgram.Call("page", PathOf("audio"), "--out", parts, "--shard", "1/2").ExitCode);
        Assert.Equal(["a.html", "c.html", "index.1-of-2.html"], Directory.EnumerateFiles(parts).Select(Path.GetFileName).Order());
        Assert.Equal(0, SvdProgram.Call("page", PathOf("audio"), "--out", parts, "--shard", "2/2").ExitCode);
        foreach (string name in (string[])["a.html", "b.html", "c.html"])
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(Out, name)), File.ReadAllBytes(Path.Combine(parts, name)));
        }
    }

    [Theory]
    [InlineData("txt", "0.0\t0.5\tnosing\n0.5\t1.0\tsing\n")]
    [InlineData("csv", "start,end,label\n0.5,1,sing\n")]
    public void LabelsMayBeOfAnyKind(string extension, string labels)
    {
        string song = Song();
        Put($"{SongName}.{extension}", System.Text.Encoding.UTF8.GetBytes(labels));
        ProgramResult result = SvdProgram.Call("page", song, "--out", Out);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.Equal([0.5, 1], new PageFile(PageOf(SongName)).Song.GetProperty("labels")[0].EnumerateArray().Select(n => n.GetDouble()));
    }

    [Fact]
    public void LabelsThatDoNotFitAreLeftOut()
    {
        string song = Song();
        Put($"{SongName}.lab", "0 1 sing\n500 600 sing\n"u8.ToArray());
        ProgramResult result = SvdProgram.Call("page", song, "--out", Out);
        Assert.Equal(0, result.ExitCode);
        AssertOneLine(result.Errors, "warning:", $"{SongName}.lab, line 2", "The page shows no labels");
        Assert.Equal(JsonValueKind.Null, new PageFile(PageOf(SongName)).Song.GetProperty("labels").ValueKind);
    }

    [Fact]
    public void APageReplacesAPageAndNothingElse()
    {
        string song = Song(), page = PageOf(SongName);
        File.WriteAllText(page, "<!doctype html>\nsomebody's own\n");
        Fails(1, ["page", song, "--out", Out], page, "was not written by svd page", "--overwrite");
        File.WriteAllText(page, "");
        Fails(1, ["page", song, "--out", Out], page, "was not written by svd page", "--overwrite");
        Assert.Equal(0, SvdProgram.Call("page", song, "--out", Out, "--overwrite").ExitCode);
        byte[] first = File.ReadAllBytes(page);
        Assert.Equal(0, SvdProgram.Call("page", song, "--out", Out).ExitCode);
        Assert.Equal(first, File.ReadAllBytes(page));
    }

    [Fact]
    public void SaysWhatIsWrongWithASong()
    {
        Fails(1, ["page", Song(FrontEndSettings.ExcerptFrames - 1), "--out", Out], "1.66 s long", "the detector needs");
        Fails(1, ["page", Put("silent.wav", Wav.File(1, 16, new byte[100_000])), "--out", Out], "silent.wav is silent");
        Fails(1, ["page", PathOf("missing.wav"), "--out", Out], "missing.wav does not exist");
        Fails(1, ["page", Directory.CreateDirectory(PathOf("empty")).FullName, "--out", Out], "empty is a folder without songs");
        Fails(2, ["page"], "AUDIO");
        Fails(2, ["page", Song(), "--area", "0"], "--area needs a number above 0 and at most 1, not 0");
        Fails(2, ["page", Song(), "--every", "0"], "--every needs a whole number of at least 1, not 0");
    }

    [SmallDiskFact]
    public void AFullDiskLeavesThePageThatWasThere()
    {
        string disk = Directory.CreateDirectory(PathOf("disk")).FullName, song = Song();
        using SmallDisk full = new(disk, "900k");
        Assert.Equal(0, SvdProgram.Call("page", song, "--out", disk).ExitCode);
        byte[] before = File.ReadAllBytes(Path.Combine(disk, $"{SongName}.html"));
        Fails(1, ["page", Song(2 * SongFrames), "--out", disk], $"{SongName}.html cannot be written", "free space");
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(disk, $"{SongName}.html")));
        Assert.Single(Directory.GetFileSystemEntries(disk));
    }

    [Theory]
    [InlineData(true, "ID3\u0003\0\0\0\0\0\u0002xx\u00ff\u00fb\u0090\0")]
    [InlineData(true, "\u00ff\u00fb\u0090\0")]
    [InlineData(true, "\u00ff\u00f3\u0090\0")]
    [InlineData(true, "fLaC")]
    [InlineData(true, "OggS                        \u0001vorbis")]
    [InlineData(true, "OggS                        OpusHead")]
    [InlineData(true, "\0\0\0\u0020ftypM4A ....mp4a")]
    [InlineData(false, "\0\0\0\u0020ftypM4A ....alac mp4a")]
    [InlineData(false, "\0\0\0\u0020ftypisom....mp4a vide")]
    [InlineData(false, "OggS                        Speex   ")]
    [InlineData(false, "\u00ff\u00fd\u0090\0")]
    [InlineData(false, "\u00ff\u00eb\u0090\0")]
    [InlineData(false, "FORM....AIFF")]
    [InlineData(false, "ID3")]
    public void WhatBrowsersPlay(bool plays, string start) =>
        Assert.Equal(plays, PageSound.IsPlayable(Put("song", [.. start.Select(letter => (byte)letter)])));

    [Fact]
    public void ADoubtfulSongSoundsAsTheDetectorHeardIt()
    {
        // A sample of 200, where full scale is 1, makes the song doubtful.
        float[] samples = [.. Samples.Of(Song())];
        samples[1000] = 200;
        string song = Put("loud.wav", Wav.File(3, 32, Wav.Floats(samples)));
        ProgramResult result = SvdProgram.Call("page", song, "--out", Out);
        Assert.Equal(0, result.ExitCode);
        PageFile page = new(PageOf("loud"));
        Assert.StartsWith("WAV, mono", page.Song.GetProperty("sound").GetProperty("kind").GetString(), StringComparison.Ordinal);
        float[] heard = Samples.Of(Put("heard.wav", page.Sound()));
        Golden.AssertAbsolute([.. samples.Select(sample => sample / 200.0)], heard, 1.0 / (1 << 14), "sound");
    }

    [FfmpegFact]
    public void WhatBrowsersDoNotPlayIsEncoded()
    {
        string song = PathOf("old.aiff");
        using (AudioTool ffmpeg = new(AudioTool.Find(FfmpegSkip.SearchPath, "ffmpeg")!, ["-v", "error", "-i", Sample, song], AudioTool.UsualPatience))
        {
            ffmpeg.Read(new byte[1]);
        }

        ProgramResult result = SvdProgram.Call("page", song, "--out", Out);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        PageFile page = new(PageOf("old"));
        Assert.EndsWith("made by ffmpeg", page.Song.GetProperty("sound").GetProperty("kind").GetString(), StringComparison.Ordinal);
        Assert.True(PageSound.IsPlayable(Put("encoded", page.Sound())));
    }

    private static float[] LogMel(string song)
    {
        using IBackend backend = Backends.CreateCpu();
        using LogMelExtractor extractor = new(backend);
        using AudioStream audio = AudioStream.Open(song);
        return new LogMelReader(audio, extractor).ReadToEnd(song);
    }
}
