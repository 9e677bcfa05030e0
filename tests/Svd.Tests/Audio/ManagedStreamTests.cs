using Engine.Svd.Audio;
using Engine.Tests;

namespace Engine.Svd.Tests.Audio;

public sealed class ManagedStreamTests : IDisposable
{
    private const double Tolerance = 2e-5; // Of full scale: ffmpeg computes in float32 too, in another order.

    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    // 0.6 s of 441 Hz, amplitude 0.5 on the left and 0.25 on the right, at 44.1 kHz: as the encoders delay nothing that is not taken out again, it starts
    // with the first sample. The encoders' own errors are within 0.03, and a sample early or late would be 0.07.
    [Theory]
    [InlineData("tone.mp3")]
    [InlineData("tone.ogg")]
    public void ATonesSamplesAreWhereTheyBelong(string name)
    {
        string path = Path.Combine(ReferenceData.Repository, "tests", "Svd.Tests", "Audio", name);
        using AudioStream stream = AudioStream.Open(path, searchPath: "");
        Assert.Equal(Decoder.Managed, stream.Decoder);
        Assert.Equal(0.6, stream.DurationSeconds!.Value, 0.001);
        float[] samples = Samples.Of(stream);
        Assert.Empty(stream.Warnings);
        Assert.Equal(0.6 * Wav.Rate, samples.Length, 1.0);
        double amplitude = 0.75 * Math.Sqrt(0.5);
        for (int i = 1000; i < samples.Length - 1000; i++) Assert.Equal(amplitude * Math.Sin(2 * Math.PI * 441 * i / Wav.Rate), samples[i], 0.03);
    }

    [Theory]
    [InlineData("tone.mp3")]
    [InlineData("bursts.mp3")]
    [InlineData("tone.ogg")]
    public void HowMuchIsReadAtATimeDoesNotMatter(string name)
    {
        string path = Path.Combine(ReferenceData.Repository, "tests", "Svd.Tests", "Audio", name);
        using AudioStream one = AudioStream.Open(path, searchPath: ""), other = AudioStream.Open(path, searchPath: "");
        Assert.Equal(Samples.Of(one, piece: 7), Samples.Of(other, piece: 100_000));
    }

    [FfmpegTheory]
    [InlineData(Decoder.Managed, 8_000, "has 8000 samples a second, so nothing above 4 kHz")]
    [InlineData(Decoder.Ffmpeg, 11_025, "has 11025 samples a second, so nothing above 5.51 kHz")]
    [InlineData(Decoder.Managed, 16_000, null)]
    [InlineData(Decoder.Ffmpeg, 16_000, null)]
    public void WarnsOfRatesBelowWhatTheDetectorHears(Decoder decoder, int rate, string? expected)
    {
        string path = temp.PathOf("a.mp3");
        FfmpegTool.Run(["-f", "lavfi", "-i", "sine=441:duration=1", "-ar", $"{rate}", path]);
        using AudioStream stream = AudioStream.Open(path, decoder: decoder);
        Samples.Of(stream);
        if (expected is null) Assert.Empty(stream.Warnings);
        else Assert.Contains(expected, Assert.Single(stream.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8_000)]
    [InlineData(11_025)]
    [InlineData(44_100)]
    [InlineData(48_000)]
    [InlineData(96_000)]
    [InlineData(192_000)]
    public void ResamplingDelaysNothing(int rate)
    {
        float[] tone = [.. Enumerable.Range(0, rate).Select(i => (float)(0.5 * Math.Sin(2 * Math.PI * 441 * i / rate)))];
        float[] samples = Managed(Wav.File(3, 32, Wav.Floats(tone), rate: rate));
        Assert.Equal(Wav.Rate, samples.Length);
        for (int i = 200; i < samples.Length - 200; i++) Assert.Equal(0.5 * Math.Sin(2 * Math.PI * 441 * i / Wav.Rate), samples[i], 1e-4);
    }

    [Theory]
    [InlineData(44_100, 13_500)]
    [InlineData(96_000, 40_000)]
    public void WhatTheLowerRateCannotHoldIsLeftOut(int rate, double hz)
    {
        float[] tone = [.. Enumerable.Range(0, rate).Select(i => (float)(0.5 * Math.Sin(2 * Math.PI * hz * i / rate)))];
        float[] samples = Managed(Wav.File(3, 32, Wav.Floats(tone), rate: rate));
        Assert.True(samples[200..^200].Max(Math.Abs) < 1e-4, "the tone is folded back");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(100)]
    public void AFewSamplesAreResampledToo(int count)
    {
        float[] samples = Managed(Wav.File(3, 32, Wav.Floats([.. Enumerable.Repeat(0.5f, 2 * count)]), rate: 2 * Wav.Rate));
        Assert.Equal(count, samples.Length);
        Assert.All(samples, sample => Assert.InRange(sample, 0, 0.7f));
    }

    [Fact]
    public void ReadsUnsignedBytesAndDoubles()
    {
        Assert.Equal([0f, -1f, 0.5f], Managed(Wav.File(1, 8, [0x80, 0, 0xC0])));
        Assert.Equal([0.25f, -2f], Managed(Wav.File(3, 64, [.. BitConverter.GetBytes(0.25), .. BitConverter.GetBytes(-2.0)])));
    }

    [Fact]
    public void MixesTwoChannelsAsFfmpegDoesAndSixToo()
    {
        Assert.Equal([MathF.Sqrt(0.5f) * 0.75f], Managed(Wav.File(3, 32, Wav.Floats(0.5f, 0.25f), channels: 2)));
        Assert.Equal(Math.Sqrt(0.5) * 0.75 + 1 + 0.5 * 0.5, Managed(Wav.File(3, 32, Wav.Floats(0.5f, 0.25f, 1, 9, 0.25f, 0.25f), channels: 6))[0], 1e-6);
    }

    [FfmpegTheory]
    [InlineData("a.wav", "-ar", "8000")]
    [InlineData("a.wav", "-ar", "37800", "-c:a", "pcm_s24le")]
    [InlineData("a.wav", "-ar", "96000", "-c:a", "pcm_s32le")]
    [InlineData("a.wav", "-ar", "48000", "-ac", "1", "-c:a", "pcm_u8")]
    [InlineData("a.wav", "-ac", "6", "-c:a", "pcm_f64le")]
    [InlineData("a.mp3", "-ar", "8000")]
    [InlineData("a.mp3", "-ar", "11025")]
    [InlineData("a.mp3", "-ar", "16000", "-ac", "1")]
    [InlineData("a.mp3", "-ar", "22050")]
    [InlineData("a.mp3", "-ar", "48000", "-b:a", "320k")]
    [InlineData("a.mp3", "-q:a", "9")]
    [InlineData("a.mp3", "-write_xing", "0", "-id3v2_version", "0")]
    [InlineData("a.ogg", "-ar", "8000", "-ac", "1")]
    [InlineData("a.ogg", "-ar", "48000")]
    [InlineData("a.ogg", "-ar", "96000")]
    public void GivesWhatFfmpegGives(string name, params string[] arguments)
    {
        string path = temp.PathOf(name);
        FfmpegTool.Run(["-f", "lavfi", "-i", "anoisesrc=seed=1:amplitude=0.1:color=pink:duration=3:r=44100,tremolo=f=5:d=0.9", "-ac", "2", .. arguments, path]);
        using AudioStream managed = AudioStream.Open(path, decoder: Decoder.Managed), ffmpeg = AudioStream.Open(path, decoder: Decoder.Ffmpeg);
        float[] own = Samples.Of(managed), expected = Samples.Of(ffmpeg);
        Assert.All(managed.Warnings, warning => Assert.Contains("samples a second", warning, StringComparison.Ordinal));
        Assert.Equal(expected.Length, own.Length);
        Assert.InRange(own.Zip(expected).Max(pair => Math.Abs(pair.First - pair.Second)), 0, Tolerance);
    }

    [FfmpegTheory]
    [InlineData("a.flac")]
    [InlineData("a.m4a")]
    [InlineData("a.wav", "-c:a", "pcm_alaw")]
    [InlineData("surround.ogg", "-ac", "6")]
    public void WhatItCannotDecodeIsLeftToFfmpeg(string name, params string[] arguments)
    {
        FfmpegTool.Run(["-f", "lavfi", "-i", "anoisesrc=duration=1", .. arguments, temp.PathOf(name)]);
        Failure.Says(() => AudioStream.Open(temp.PathOf(name), decoder: Decoder.Managed), name, "only ffmpeg can decode it", "use --decoder ffmpeg");
        Failure.Says(() => AudioStream.Open(temp.PathOf(name), searchPath: ""), name, "only ffmpeg can decode it", "install");
        Assert.NotEmpty(Samples.Of(temp.PathOf(name)));
    }

    [FfmpegTheory]
    [InlineData("mp3")]
    [InlineData("ogg")]
    public void ZerosAndTagsAtTheEndAreNoDamage(string format)
    {
        byte[] song = FfmpegTool.Noise(2, temp.PathOf($"a.{format}"));
        byte[] tag = format == "mp3" ? [.. "TAG"u8, .. new byte[125]] : [];
        using AudioStream stream = AudioStream.Open(temp.Put($"padded.{format}", [.. song, .. tag, .. new byte[5000]]), decoder: Decoder.Managed);
        Assert.Equal(2 * Wav.Rate, Samples.Of(stream).Length, 1200.0);
        Assert.Empty(stream.Warnings);
    }

    [FfmpegFact]
    public void ManyZerosAtTheEndAreADownloadThatBrokeOff()
    {
        byte[] song = FfmpegTool.Noise(2, temp.PathOf("a.mp3"));
        using AudioStream stream = AudioStream.Open(temp.Put("half.mp3", [.. song, .. new byte[100_000]]), decoder: Decoder.Managed);
        Assert.Equal(2 * Wav.Rate, Samples.Of(stream).Length, 1200.0);
        Assert.Contains("its last bytes are no frames", Assert.Single(stream.Warnings), StringComparison.Ordinal);
    }

    [FfmpegFact]
    public void AMissingPageIsSilenceAndWhatFollowsComesInTime()
    {
        byte[] song = FfmpegTool.Noise(10, temp.PathOf("a.ogg"));
        byte[] torn = [.. song[..(song.Length / 2)], .. song[(song.Length / 2 + song.Length / 20)..]];
        using AudioStream whole = AudioStream.Open(temp.PathOf("a.ogg"), decoder: Decoder.Managed);
        using AudioStream stream = AudioStream.Open(temp.Put("torn.ogg", torn), decoder: Decoder.Managed);
        float[] expected = Samples.Of(whole), samples = Samples.Of(stream);
        Assert.Contains(stream.Warnings, warning => warning.Contains("there is silence", StringComparison.Ordinal));
        Assert.Equal(expected.Length, samples.Length);
        Assert.Contains(0, samples);
        Assert.Equal(expected[^20_000..], samples[^20_000..]);
    }

    // The three bytes from the 182nd on: the encoder says that it added 4095 samples at either end, more than there are.
    [Fact]
    public void WhereMoreIsAddedThanThereIsNothingIsLeft()
    {
        byte[] song = File.ReadAllBytes(Path.Combine(ReferenceData.Repository, "tests", "Svd.Tests", "Audio", "bursts.mp3"));
        song.AsSpan(182, 3).Fill(0xFF);
        string path = temp.Put("short.mp3", song);
        using AudioStream stream = AudioStream.Open(path, searchPath: "");
        Failure.Says(() => Samples.Of(stream), path, "no samples");
    }

    // Every bit of it may be wrong: what comes out is sound or one line.
    [Theory]
    [InlineData("tone.mp3")]
    [InlineData("bursts.mp3")]
    [InlineData("tone.ogg")]
    public void GarbledFilesEndInSoundOrInOneLine(string name)
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(ReferenceData.Repository, "tests", "Svd.Tests", "Audio", name));
        Random random = new(1);
        for (int attempt = 0; attempt < 300; attempt++)
        {
            byte[] garbled = [.. whole.AsSpan(0, random.Next(1, whole.Length + 1))];
            for (int flips = random.Next(8); flips > 0; flips--) garbled[random.Next(garbled.Length)] ^= (byte)(1 << random.Next(8));
            string path = temp.Put($"{attempt}-{name}", garbled);
            try
            {
                using AudioStream stream = AudioStream.Open(path, searchPath: "");
                Samples.Of(stream);
            }
            catch (Kernels.EngineException failure)
            {
                Assert.Contains(path, failure.Message, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', failure.Message);
            }
        }
    }

    private float[] Managed(byte[] file)
    {
        using AudioStream stream = AudioStream.Open(temp.Put("a.wav", file), decoder: Decoder.Managed);
        return Samples.Of(stream);
    }
}
