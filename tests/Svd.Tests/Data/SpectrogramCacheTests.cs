using Engine.Kernels;
using Engine.Svd.Cli;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Tests.Audio;
using Engine.Tensors;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Data;

public sealed class SpectrogramCacheTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly IBackend _backend = Backends.CreateCpu(1);
    private readonly LogMelExtractor _extractor;
    private readonly string _song;

    public SpectrogramCacheTests()
    {
        _extractor = new LogMelExtractor(_backend);
        _song = _folder.Put("song.wav", Wav.File(1, 16, Wav.Noise(2 * Wav.Rate)));
    }

    public void Dispose()
    {
        _extractor.Dispose();
        _backend.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void ASongIsComputedOnce()
    {
        SpectrogramCache cache = SpectrogramCache.Open(_folder.Folder);
        Assert.Equal(_folder.PathOf(".cache"), cache.Folder);
        int computed = 0;
        float[] first = cache.LogMel(_extractor, _song, (_, _) => computed++);
        float[] second = cache.LogMel(_extractor, _song, (_, _) => Assert.Fail("computed again"));
        Assert.True(computed > 0);
        Assert.Equal(first, second);
        Assert.Equal((int)FrameCount(2 * Wav.Rate) * Bands, first.Length);
        Assert.Single(Directory.GetFiles(cache.Folder));
    }

    [Fact]
    public void TheContentIsTheKey()
    {
        SpectrogramCache cache = SpectrogramCache.Open(_folder.Folder, _folder.PathOf("elsewhere"));
        float[] before = cache.LogMel(_extractor, _song);
        File.Copy(_song, _folder.PathOf("copy.wav"));
        Assert.Equal(cache.FileOf(_song), cache.FileOf(_folder.PathOf("copy.wav")));
        Assert.EndsWith($".logmel{SpectrogramCache.FrontEndVersion}.npy", cache.FileOf(_song), StringComparison.Ordinal);

        byte[] other = Wav.Noise(2 * Wav.Rate);
        other[20_001] ^= 0x40;
        _folder.Put("song.wav", Wav.File(1, 16, other));
        Assert.NotEqual(before, cache.LogMel(_extractor, _song));
        Assert.Equal(2, Directory.GetFiles(_folder.PathOf("elsewhere")).Length);
    }

    [Fact]
    public void ADamagedOrForeignFileIsComputedAgain()
    {
        SpectrogramCache cache = SpectrogramCache.Open(_folder.Folder);
        float[] right = cache.LogMel(_extractor, _song);
        string file = cache.FileOf(_song);
        byte[] whole = File.ReadAllBytes(file);
        NpyArray[] foreign =
        [
            new([ExcerptFrames, Bands], new double[ExcerptLength]), new([ExcerptFrames - 1, Bands], new float[ExcerptLength - Bands]),
            new([Bands, ExcerptFrames], new float[ExcerptLength]), new([ExcerptFrames, Bands], [.. Enumerable.Repeat(float.NaN, ExcerptLength)]),
        ];
        Action[] spoilings =
        [
            () => File.WriteAllBytes(file, whole[..^1]), () => File.WriteAllBytes(file, []), () => File.WriteAllText(file, "text"),
            .. foreign.Select(array => (Action)(() => NpyFile.Write(file, array))),
        ];
        foreach (Action spoil in spoilings)
        {
            spoil();
            Assert.Equal(right, cache.LogMel(_extractor, _song));
            Assert.Equal(whole, File.ReadAllBytes(file));
        }
    }

    [Fact]
    public void SongsThatCannotBeUsedAreRefused()
    {
        SpectrogramCache cache = SpectrogramCache.Open(_folder.Folder);
        Failure.Says(() => cache.LogMel(_extractor, _folder.PathOf("none.wav")), "none.wav does not exist");
        string brief = _folder.Put("brief.wav", Wav.File(1, 16, Wav.Noise(Wav.Rate)));
        Failure.Says(() => cache.LogMel(_extractor, brief), "brief.wav is 1.00 s long");
        Failure.Says(() => MagnitudeSpectrogram.Compute(_extractor, brief), "brief.wav is 1.00 s long");
        Assert.Empty(Directory.GetFiles(cache.Folder));
    }

    [Fact]
    public void AFolderThatCannotBeWrittenIsRefused() =>
        Failure.Says(() => SpectrogramCache.Open(_folder.Folder, Path.Combine(_song, "cache")), "the cache folder", "cannot be written");

    [Fact]
    public void AReadOnlyCorpusIsLeftAlone()
    {
        if (OperatingSystem.IsWindows()) return;
        string corpus = Directory.CreateDirectory(_folder.PathOf("corpus"), UnixFileMode.UserRead | UnixFileMode.UserExecute).FullName;
        Assert.Equal(_folder.PathOf("local"), SpectrogramCache.Open(corpus, null, _folder.PathOf("local")).Folder);
        Assert.Empty(Directory.GetFileSystemEntries(corpus));
        Failure.Says(() => SpectrogramCache.Open(corpus, null, Path.Combine(_song, "local")), "neither", "--cache");
    }

    [Fact]
    public void StatsCommandWritesTheStatisticsOfASplit()
    {
        foreach (string name in (string[])["audio", "labels", "filelists"]) Directory.CreateDirectory(_folder.PathOf(name));
        File.Move(_song, _folder.PathOf("audio/a.wav"));
        _folder.Put("audio/b.wav", Wav.File(1, 16, Wav.Integers(16, [.. Enumerable.Range(0, 3 * Wav.Rate).Select(i => i * i % 9973)])));
        _folder.Put("filelists/valid", "a.wav\nb.wav"u8.ToArray());
        foreach (string name in (string[])["a", "b"]) _folder.Put($"labels/{name}.lab", "0 1 sing"u8.ToArray());
        string output = _folder.PathOf("meanstd.npz"), cache = _folder.PathOf("kept");

        Assert.Equal(0, SvdCommand.Run(["stats", "--data", _folder.Folder, "--out", output, "--split", "valid", "--cache", cache, "--threads", "1"]));

        BandMoments expected = new();
        foreach (string name in (string[])["a", "b"])
        {
            expected.Add(SpectrogramCache.Open(_folder.Folder, cache).LogMel(_extractor, _folder.PathOf($"audio/{name}.wav")));
        }

        BandStatistics written = BandStatistics.Read(output);
        Assert.All(Enumerable.Range(0, Bands), band => Assert.Equal(expected.ToStatistics().Mean[band], written.Mean[band], 1e-12));
        Assert.All(Enumerable.Range(0, Bands), band => Assert.Equal(expected.ToStatistics().Std[band], written.Std[band], 1e-12));
        Assert.Equal(2, Directory.GetFiles(cache).Length);
    }
}
