using System.Diagnostics;
using System.Runtime.Versioning;
using Engine.Svd.Audio;
using Engine.Tests;

namespace Engine.Svd.Tests.Audio;

public sealed class WavStreamTests : IDisposable
{
    private const int Pcm = 1;
    private const int Float = 3;

    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData(16, short.MaxValue, short.MinValue)]
    [InlineData(24, (1 << 23) - 1, -(1 << 23))]
    [InlineData(32, int.MaxValue, int.MinValue)]
    public void ScalesIntegersByAPowerOfTwo(int bits, int largest, int smallest)
    {
        double full = Math.Pow(2, bits - 1);
        int[] samples = [0, 1, -1, 1000, -1000, largest, smallest];
        Assert.Equal(samples.Select(sample => (float)(sample / full)), Read(Wav.File(Pcm, bits, Wav.Integers(bits, samples))));
    }

    [Fact]
    public void TakesFloatsAsTheyAre() =>
        Assert.Equal([0f, -0.25f, 1.5f, 1e-30f], Read(Wav.File(Float, 32, Wav.Floats(0, -0.25f, 1.5f, 1e-30f))));

    [Theory]
    [InlineData(Pcm, 16)]
    [InlineData(Pcm, 24)]
    [InlineData(Pcm, 32)]
    [InlineData(Float, 32)]
    public void ReadsTheExtensibleFormat(int tag, int bits) =>
        Assert.Equal([0f, 0f], Read(Wav.File(Wav.ExtensibleFormat(tag, bits), Wav.Chunk("data", new byte[2 * bits / 8]))));

    [Fact]
    public void SkipsOtherChunksAndTheirPadding() => Assert.Equal([0.5f], Read(Wav.File(
        Wav.Chunk("JUNK", new byte[7]),
        Wav.Format(Pcm, 16),
        Wav.Chunk("LIST", new byte[3]),
        Wav.Chunk("data", Half),
        Wav.Chunk("id3 ", [9, 9]))));

    [Theory]
    [InlineData(0u)]
    [InlineData(uint.MaxValue)]
    [InlineData(0x7FFF_F000u)]
    [InlineData(0x7FFF_FFDBu)]
    [InlineData(0x8000_0000u)]
    [InlineData(4u + 16)]
    [InlineData(4u + 44)]
    public void AStreamingWritersSizeMeansToTheEnd(uint size) =>
        Assert.Equal([0.5f, 0.5f], Read(Wav.File(Wav.Format(Pcm, 16), Wav.Chunk("data", [.. Half, .. Half], size))));

    [Theory]
    [InlineData(0)]
    [InlineData(0x7F)]
    [InlineData(0xFF)]
    public void TheSizeOfTheWholeFileMayLie(byte value)
    {
        byte[] file = Wav.File(Pcm, 16, Half);
        file.AsSpan(4, 4).Fill(value);
        Assert.Equal([0.5f], Read(file));
    }

    [Fact]
    public void HalfASampleAtTheEndIsDropped() => Assert.Equal([0.5f], Read(Wav.File(Pcm, 16, [.. Half, 1])));

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(100_000)]
    public void PiecesAreFullUntilTheEnd(int piece)
    {
        byte[] noise = Wav.Noise(40_001);
        using AudioStream stream = AudioStream.Open(temp.Put("a.wav", Wav.File(Pcm, 16, noise)));
        Assert.Equal(40_001 / 22_050.0, stream.DurationSeconds);
        Assert.Equal(0, stream.Read([]));

        float[] samples = new float[40_001 + piece];
        int start = 0;
        for (int count; (count = stream.Read(samples.AsSpan(start, piece))) > 0; start += count)
        {
            Assert.Equal(Math.Min(piece, 40_001 - start), count);
        }

        Assert.Equal(40_001, start);
        Assert.Equal(BitConverter.ToInt16(noise, 2 * 40_000) / 32768f, samples[40_000]);
    }

    [Fact]
    public void ReadingAllocatesNothing()
    {
        using AudioStream stream = AudioStream.Open(temp.Put("a.wav", Wav.File(Pcm, 16, Wav.Noise(100_000))));
        float[] samples = new float[20_000];
        stream.Read(samples);
        long before = GC.GetAllocatedBytesForCurrentThread();
        stream.Read(samples);
        stream.Read(samples);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void SilenceIsLegal() => Assert.Equal(new float[100], Read(Wav.File(Pcm, 16, new byte[200])));

    [Fact]
    public void SaysThatThereAreNoSamples() => Fails(Wav.File(Pcm, 16, []), "holds no samples");

    [Fact]
    public void SaysThatItIsTruncated() => Fails(
        Wav.File(Wav.Format(Pcm, 16), Wav.Chunk("data", new byte[22_050], size: 88_200)), "is truncated", "announces 88200 bytes of samples (2.00 s)",
        "22050 are there (0.50 s)");

    [Fact]
    public void SaysSoOfAFileThatGoesThroughFfmpegToo() => Fails(
        Wav.File(Wav.Format(Pcm, 16, channels: 2), Wav.Chunk("data", new byte[6], size: 800)), "is truncated");

    [Fact]
    public void EveryTruncationOfTheHeaderIsNoticed()
    {
        byte[] file = Wav.File(Wav.ExtensibleFormat(Pcm, 16), Wav.Chunk("data", Half));
        for (int length = 12; length < file.Length; length++) Fails(file[..length], "a.wav");
    }

    [Fact]
    public void SaysThatThereIsNoData() => Fails(Wav.File(Wav.Format(Pcm, 16), Wav.Chunk("LIST", [1])), "ends before its samples");

    [Fact]
    public void SaysThatAChunkLeavesTheFile() =>
        Fails(Wav.File(Wav.Chunk("LIST", [], size: 0xFFFF_FFF0), Wav.Format(Pcm, 16)), "ends before its samples");

    [Fact]
    public void SaysThatTheFormatIsMissing() => Fails(Wav.File(Wav.Chunk("data", Half)), "samples come before their format");

    [FfmpegFact]
    public void AFormatWithoutBlocksIsFfmpegsToJudge() => Assert.Equal(
        [0.5f, 0.5f], Read(Wav.File(Wav.Format(Pcm, 16, blockAlign: 0), Wav.Chunk("data", [.. Half, .. Half]))));

    [FfmpegFact]
    public void SoIsAnImpossibleFormat()
    {
        Fails(Wav.File(Wav.Chunk("fmt ", new byte[10]), Wav.Chunk("data", Half)), "is not audio that ffmpeg can decode");
        Fails(Wav.File(Pcm, 16, Half, channels: 0), "is not audio that ffmpeg can decode");
        Fails(Wav.File(Pcm, 16, Half, rate: -1), "is not audio that ffmpeg can decode");
    }

    [Fact]
    public void ChunksWithoutEndAreNotWalked()
    {
        string path = temp.Put("a.wav", Wav.File());
        using (FileStream file = File.OpenWrite(path)) file.SetLength(1L << 32);
        Failure.Says(() => AudioStream.Open(path), "a.wav", "not among its first 1000 chunks");
    }

    [UnixFact]
    public void APipeThatNobodyWritesToIsRefused()
    {
        using Process made = Process.Start("mkfifo", temp.PathOf("a.wav"));
        made.WaitForExit();
        Failure.Says(() => AudioStream.Open(temp.PathOf("a.wav")), "a.wav", "not a regular file");
    }

    [Theory]
    [InlineData(1e29f, "absurd sample (1E+29) at 1.500 s")]
    [InlineData(-1.1e6f, "absurd sample (-1100000) at 1.500 s")]
    public void AnAbsurdSampleIsRefused(float value, string words)
    {
        float[] samples = new float[2 * Wav.Rate];
        samples[Wav.Rate * 3 / 2] = value;
        Fails(Wav.File(Float, 32, Wav.Floats(samples)), words, "export it again");
    }

    [Fact]
    public void IntegersInAFloatFileAreAWarning()
    {
        float[] samples = new float[2 * Wav.Rate];
        samples[Wav.Rate] = -32_768;
        samples[Wav.Rate + 1] = 20_000;
        using AudioStream stream = AudioStream.Open(temp.Put("a.wav", Wav.File(Float, 32, Wav.Floats(samples))));
        Samples.Of(stream);
        Assert.Equal(32_768, stream.Peak);
        string warning = Assert.Single(stream.Warnings);
        Assert.Contains("-32768 at 1.000 s", warning, StringComparison.Ordinal);
        Assert.Contains("integers in a float file", warning, StringComparison.Ordinal);

        using AudioStream loud = AudioStream.Open(temp.Put("b.wav", Wav.File(Float, 32, Wav.Floats(100, -100))));
        Samples.Of(loud);
        Assert.Empty(loud.Warnings);
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.NegativeInfinity, "-Infinity")]
    public void SaysWhereASampleIsNotFinite(float value, string shown)
    {
        float[] samples = new float[2 * Wav.Rate];
        samples[Wav.Rate * 3 / 2] = value;
        Fails(Wav.File(Float, 32, Wav.Floats(samples)), "not a finite number", shown, "at 1.500 s");
    }

    [Fact]
    public void NoticesThatTheFileShrinks()
    {
        string path = temp.Put("a.wav", Wav.File(Pcm, 16, Wav.Noise(200_000)));
        using AudioStream stream = AudioStream.Open(path);
        stream.Read(new float[100_000]);
        using (FileStream writer = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) writer.SetLength(150_000);
        Failure.Says(() => stream.Read(new float[100_000]), "a.wav", "became shorter");
    }

    [Fact]
    public void SaysThatAFileIsMissing() => Failure.Says(() => AudioStream.Open(temp.PathOf("a.wav")), "a.wav", "does not exist");

    [Fact]
    public void SaysThatAFolderIsNoFile() => Failure.Says(() => AudioStream.Open(temp.Folder), temp.Folder, "is a folder");

    [Fact]
    public void SaysThatAFileIsEmpty() => Failure.Says(() => AudioStream.Open(temp.Put("a.wav", [])), "a.wav", "is empty");

    [PermissionFact]
    [UnsupportedOSPlatform("windows")]
    public void SaysThatAFileMayNotBeRead()
    {
        string path = temp.Put("a.wav", Wav.File(Pcm, 16, Half));
        File.SetUnixFileMode(path, UnixFileMode.None);
        Failure.Says(() => AudioStream.Open(path), "a.wav", "permission denied");
    }

    [ReferenceFact]
    public void ReadsTheReferenceClip()
    {
        string path = ReferenceData.PathOf("reference/clip.wav");
        byte[] bytes = File.ReadAllBytes(path)[44..];
        Assert.Equal(Enumerable.Range(0, bytes.Length / 2).Select(i => BitConverter.ToInt16(bytes, 2 * i) / 32768f), Samples.Of(path));
    }

    private static byte[] Half => Wav.Integers(16, 1 << 14);

    private float[] Read(byte[] file) => Samples.Of(temp.Put("a.wav", file));

    private void Fails(byte[] file, params string[] words) => Failure.Says(() => Read(file), ["a.wav", .. words]);
}
