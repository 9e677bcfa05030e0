using System.Diagnostics;
using System.Security.Cryptography;
using Engine.Kernels;
using Engine.Svd.Audio;
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
        Assert.Single(Kept(cache));
    }

    [Fact]
    public void TheContentIsTheKey()
    {
        SpectrogramCache cache = SpectrogramCache.Open(_folder.Folder, _folder.PathOf("elsewhere"));
        float[] before = cache.LogMel(_extractor, _song);
        File.Copy(_song, _folder.PathOf("copy.wav"));
        Assert.Equal(cache.FileOf(_song), cache.FileOf(_folder.PathOf("copy.wav")));
        Assert.EndsWith($".logmel{SpectrogramCache.FrontEndVersion}", cache.FileOf(_song), StringComparison.Ordinal);

        byte[] other = Wav.Noise(2 * Wav.Rate);
        other[20_001] ^= 0x40;
        _folder.Put("song.wav", Wav.File(1, 16, other));
        Assert.NotEqual(before, cache.LogMel(_extractor, _song));
        Assert.Equal(2, Kept(cache).Length);
    }

    [Fact]
    public void ADamagedOrForeignFileIsComputedAgain()
    {
        SpectrogramCache cache = SpectrogramCache.Open(_folder.Folder);
        float[] right = cache.LogMel(_extractor, _song);
        string file = cache.FileOf(_song);
        byte[] whole = File.ReadAllBytes(file);
        byte[] digest = SHA256.HashData(File.ReadAllBytes(_song)), otherSong = SHA256.HashData([1]);
        float[] zeros = new float[ExcerptLength];
        byte[] flipped = [.. whole], version = [.. whole], older = [.. whole], counted = [.. whole];
        flipped[^1000] ^= 1;
        version[8]++;
        older[12]--;
        counted[48]--;
        Action[] spoilings =
        [
            () => File.WriteAllBytes(file, whole[..^1]), () => File.WriteAllBytes(file, []), () => File.WriteAllText(file, "text"),
            () => File.WriteAllBytes(file, [.. whole, 0]), () => File.WriteAllBytes(file, new byte[whole.Length]),
            () => File.WriteAllBytes(file, [.. whole[..^(32 + 320)], .. whole[^32..]]), () => File.WriteAllBytes(file, flipped),
            () => NpyFile.Write(file, new NpyArray([ExcerptFrames, Bands], zeros)), () => SpectrogramFile.Write(file, otherSong, right),
            () => SpectrogramFile.Write(file, digest, zeros[Bands..]),
            () => SpectrogramFile.Write(file, digest, [.. Enumerable.Repeat(float.NaN, ExcerptLength)]),
            .. ((byte[][])[version, older, counted]).Select(bytes => (Action)(() => File.WriteAllBytes(file, Signed(bytes)))),
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
        Assert.Empty(Kept(cache));
    }

    [Fact]
    public void AnUnchangedSongIsDigestedOnce()
    {
        SpectrogramCache cache = SpectrogramCache.Open(_folder.Folder);
        DateTime before = DateTime.UtcNow.AddHours(-1);
        File.SetLastWriteTimeUtc(_song, before);
        string digest = cache.FileOf(_song);
        string note = Assert.Single(Directory.GetFiles(cache.Folder, "*.digest"));

        // Other bytes of the same length: only the time of the change can tell.
        byte[] other = File.ReadAllBytes(_song);
        other[20_001] ^= 0x40;
        _folder.Put("song.wav", other);
        File.SetLastWriteTimeUtc(_song, before);
        Assert.Equal(digest, cache.FileOf(_song));
        File.SetLastWriteTimeUtc(_song, before.AddSeconds(1));
        string changed = cache.FileOf(_song);
        Assert.NotEqual(digest, changed);
        byte[] good = File.ReadAllBytes(note);

        // A note that was damaged, cut, or belongs to another file says nothing.
        string copy = _folder.Put("copy.wav", [.. other, 0]);
        File.SetLastWriteTimeUtc(copy, before);
        string ofCopy = cache.FileOf(copy), noteOfCopy = Directory.GetFiles(cache.Folder, "*.digest").Single(file => file != note);
        byte[] flipped = [.. good];
        flipped[^80] = flipped[^80] == '0' ? (byte)'1' : (byte)'0';
        foreach (byte[] bad in (byte[][])[flipped, good[..^2], [], File.ReadAllBytes(noteOfCopy)])
        {
            File.WriteAllBytes(note, bad);
            Assert.Equal(changed, cache.FileOf(_song));
            Assert.Equal(good, File.ReadAllBytes(note));
        }

        Assert.NotEqual(ofCopy, changed);
    }

    [Fact]
    public void ASongThatWasJustWrittenIsDigestedAgain()
    {
        SpectrogramCache cache = SpectrogramCache.Open(_folder.Folder);
        cache.FileOf(_song);
        Assert.Empty(Directory.GetFiles(cache.Folder));
    }

    [Fact]
    public void WhatIsDoubtfulIsSaidEachTime()
    {
        byte[] samples = new byte[2 * Wav.Rate * sizeof(float)];
        for (int i = 0; i < samples.Length; i += sizeof(float)) BitConverter.TryWriteBytes(samples.AsSpan(i), (float)(i % 997));
        string loud = _folder.Put("loud.wav", Wav.File(3, 32, samples));
        for (int run = 0; run < 2; run++)
        {
            // At once, and once.
            List<string> told = [];
            SpectrogramCache cache = SpectrogramCache.Open(_folder.Folder, warned: told.Add);
            float[] logMel = cache.LogMel(_extractor, loud);
            Assert.Contains("loud.wav", Assert.Single(told), StringComparison.Ordinal);
            Assert.Equal(logMel, cache.LogMel(_extractor, loud));
            Assert.Equal(told, cache.Warnings);
        }
    }

    [FfmpegFact]
    public void ACutSongIsDoubtfulWithItsLabelsEachTime()
    {
        string whole = _folder.Put("long.wav", Wav.File(1, 16, Wav.Noise(20 * Wav.Rate))), cut = _folder.PathOf("cut.flac");
        using (Process ffmpeg = Process.Start(AudioTool.Find(FfmpegSkip.SearchPath, "ffmpeg")!, ["-v", "error", "-nostdin", "-i", whole, cut]))
        {
            ffmpeg.WaitForExit();
        }

        _folder.Put("cut.flac", File.ReadAllBytes(cut)[..^(int)(new FileInfo(cut).Length / 20)]);
        for (int run = 0; run < 2; run++)
        {
            SpectrogramCache cache = SpectrogramCache.Open(_folder.Folder);
            cache.LogMel(_extractor, cut);
            Assert.Contains(cache.Warnings, warning => warning.Contains("cut.flac is damaged or cut", StringComparison.Ordinal));
            Assert.Contains(cache.Warnings, warning => warning.Contains("cut.flac: after the damage, its labels may be off", StringComparison.Ordinal));
        }
    }

    // With the right checksum.
    private static byte[] Signed(byte[] content) => [.. content[..^32], .. SHA256.HashData(content.AsSpan(0, content.Length - 32))];

    private static string[] Kept(SpectrogramCache cache) => Directory.GetFiles(cache.Folder, "*.logmel*");

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
        Assert.Equal(2, Directory.GetFiles(cache, "*.logmel*").Length);
    }
}
