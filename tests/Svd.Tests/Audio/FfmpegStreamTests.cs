using System.Diagnostics;
using System.Runtime.Versioning;
using Engine.Svd.Audio;
using Engine.Tests;

namespace Engine.Svd.Tests.Audio;

public sealed class FfmpegStreamTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [FfmpegTheory]
    [InlineData(1, 16)]
    [InlineData(1, 24)]
    [InlineData(1, 32)]
    [InlineData(3, 32)]
    public void GivesTheSamplesThatAWavFileIsReadAs(int tag, int bits)
    {
        byte[] data = tag == 1 ? Wav.Noise(30_000) : Wav.Floats([.. Enumerable.Range(0, 15_000).Select(i => MathF.Sin(i))]);
        string path = temp.Put("a.wav", Wav.File(tag, bits, data));
        using FfmpegStream stream = new(path, durationSeconds: null, FfmpegSkip.SearchPath);
        Assert.Equal(Samples.Of(path), Samples.Of(stream));
    }

    [FfmpegFact]
    public void MixesAndResamples()
    {
        // A second of 441 Hz at amplitude 0.5, in the left channel only. ffmpeg mixes floats as (left + right) / √2.
        int[] samples = [.. Enumerable.Range(0, 44_100).SelectMany(i => new[] { (int)(16_384 * Math.Sin(2 * Math.PI * i / 100)), 0 })];
        string path = temp.Put("a.wav", Wav.File(1, 16, Wav.Integers(16, samples), channels: 2, rate: 44_100));
        using AudioStream stream = AudioStream.Open(path);
        Assert.Equal(1, stream.DurationSeconds);

        float[] mono = Samples.Of(stream);
        Assert.InRange(mono.Length, 22_000, 22_100);
        for (int i = 1000; i < 21_000; i++) Assert.Equal(Math.Sqrt(0.125) * Math.Sin(2 * Math.PI * i / 50), mono[i], 1e-3);
    }

    [FfmpegTheory]
    [InlineData("with space.wav")]
    [InlineData("quote's \"two\".wav")]
    [InlineData("-i.wav")]
    [InlineData("http:x.wav")]
    [InlineData("concat:a|b.wav")]
    [InlineData("100%d é.wav")]
    public void TakesAnyNameForAFile(string name)
    {
        string path = temp.Put(name, Wav.File(1, 16, new byte[4000], rate: 44_100));
        Assert.Equal(1000, Samples.Of(path).Length, 50.0);
    }

    [FfmpegFact]
    public void OtherWavFormatsGoThroughFfmpeg() =>
        Assert.Equal([0f, -1f, 0.5f], Samples.Of(temp.Put("a.wav", Wav.File(1, 8, [0x80, 0, 0xC0]))));

    [FfmpegFact]
    public void SaysThatATextIsNoAudio() => Failure.Says(
        () => Samples.Of(temp.Put("song.mp3", [.. "This is a text, not a song."u8])), "song.mp3", "is not audio that ffmpeg can decode: ");

    [FfmpegFact]
    public void SaysThatACodecIsUnknown() => Failure.Says(
        () => Samples.Of(temp.Put("a.wav", Wav.File(0x1234, 16, new byte[400]))), "a.wav", "is not audio that ffmpeg can decode: ");

    [FfmpegFact]
    public void SaysThatThereIsNoAudioTrack() =>
        Failure.Says(() => Samples.Of(temp.Put("a.pgm", [.. "P5 1 1 255\n\0"u8])), "a.pgm", "no audio track");

    [FfmpegFact]
    public void SaysWhereASampleIsNotFinite()
    {
        float[] samples = new float[Wav.Rate];
        samples[Wav.Rate / 2] = float.NaN;
        string path = temp.Put("a.wav", Wav.File(3, 32, Wav.Floats([.. samples.SelectMany(x => new[] { x, x })]), channels: 2));
        Failure.Says(() => Samples.Of(path), "a.wav", "not a finite number", "at 0.500 s");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".")]
    public void SaysHowToGetFfmpeg(string? searchPath) => Failure.Says(
        () => AudioStream.Open(temp.Put("song.mp3", [1]), searchPath),
        "song.mp3", "mono at 22050 Hz", "apt install ffmpeg", "brew install ffmpeg", "winget install ffmpeg");

    [ShellFact]
    [UnsupportedOSPlatform("windows")]
    public void SaysThatFfmpegDoesNotStart()
    {
        temp.Put("ffmpeg", []);
        Failure.Says(() => AudioStream.Open(temp.Put("song.mp3", [1]), temp.Folder), "song.mp3", "does not start");
    }

    [ShellFact]
    [UnsupportedOSPlatform("windows")]
    public void MessagesInMassDoNotBlock()
    {
        using AudioStream stream = OpenWith("yes a warning | head -c 1000000 >&2; head -c 4000 /dev/zero");
        Assert.Equal(new float[1000], Samples.Of(stream));
    }

    [ShellFact]
    [UnsupportedOSPlatform("windows")]
    public void AFailureAfterSamplesSaysWhereAndWhy()
    {
        using AudioStream stream = OpenWith("head -c 88200 /dev/zero; echo a warning >&2; echo the reason >&2; exit 3");
        Failure.Says(() => Samples.Of(stream), "song.mp3", "cannot be decoded beyond 1.00 s", ": the reason");
    }

    [ShellFact]
    [UnsupportedOSPlatform("windows")]
    public void AFailureWithoutAMessageGivesTheCode()
    {
        using AudioStream stream = OpenWith("exit 3");
        Failure.Says(() => Samples.Of(stream), "song.mp3", "is not audio", "code 3");
    }

    [ShellFact]
    [UnsupportedOSPlatform("windows")]
    public void SaysThatThereAreNoSamples()
    {
        using AudioStream stream = OpenWith("exit 0");
        Failure.Says(() => Samples.Of(stream), "song.mp3", "holds no samples");
    }

    [ShellFact]
    [UnsupportedOSPlatform("windows")]
    public void DisposingEndsFfmpeg()
    {
        AudioStream stream = OpenWith($"echo $$ > '{temp.PathOf("pid")}'; exec cat /dev/zero");
        stream.Read(new float[100_000]);
        int pid = int.Parse(File.ReadAllText(temp.PathOf("pid")));
        Process.GetProcessById(pid).Dispose();

        stream.Dispose();
        stream.Dispose();
        Assert.Throws<ArgumentException>(() => Process.GetProcessById(pid));
    }

    [FfmpegReferenceFact]
    public void DecodesASongOfTheReference()
    {
        const int Frames = 20_177;
        using AudioStream stream = AudioStream.Open(ReferenceData.PathOf("music/audio/joshua_morin_on_the_run.ogg"));
        Assert.Equal(Frames, ((Samples.Of(stream).Length - 1024) / 315) + 1);
    }

    /// <summary>Opens a song with a shell script in ffmpeg's place.</summary>
    [UnsupportedOSPlatform("windows")]
    private AudioStream OpenWith(string script)
    {
        string program = temp.Put("ffmpeg", [.. "#!/bin/sh\n"u8, .. System.Text.Encoding.UTF8.GetBytes(script)]);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return AudioStream.Open(temp.Put("song.mp3", [1]), temp.Folder);
    }
}
