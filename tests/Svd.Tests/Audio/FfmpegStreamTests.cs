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
        using FfmpegStream stream = new(path, known: null, Channel.Mix, FfmpegSkip.SearchPath, AudioTool.UsualPatience);
        Assert.Equal(Samples.Of(path), Samples.Of(stream));
    }

    [FfmpegTheory]
    [InlineData("flac", 44_100)]
    [InlineData("flac", 22_050)]
    [InlineData("m4a", 44_100)]
    [InlineData("opus", 48_000)]
    public void AWholeFileHasNoGap(string format, int rate)
    {
        string path = temp.PathOf($"song.{format}");
        FfmpegTool.Run("-f", "lavfi", "-i", $"sine=441:duration=4:sample_rate={rate}", path);
        using AudioStream stream = AudioStream.Open(path);
        Assert.InRange(Samples.Of(stream).Length, (int)(3.95 * Wav.Rate), (int)(4.05 * Wav.Rate));
        Assert.Empty(stream.Warnings);
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
        Assert.Equal([8 / 32768f, -8 / 32768f], Samples.Of(temp.Put("a.wav", Wav.File(tag: 6, 8, [0xD5, 0x55])))); // A-law.

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
        "song.mp3", "is not a WAV, MP3 or Ogg Vorbis file", "apt install ffmpeg", "brew install ffmpeg", "winget install ffmpeg");

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
        Assert.Contains("song.mp3 is damaged at about 0.0 s", Assert.Single(stream.Warnings), StringComparison.Ordinal);
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

    [ShellFact]
    [UnsupportedOSPlatform("windows")]
    public void AnFfmpegThatCannotStartIsNotTheSongsFault()
    {
        using AudioStream stream = OpenWith("echo ffmpeg: error while loading shared libraries >&2; exit 127");
        Failure.Says(() => Samples.Of(stream), temp.PathOf("ffmpeg"), "cannot start", "shared libraries", "install ffmpeg again");
    }

    [ShellFact]
    [UnsupportedOSPlatform("windows")]
    public void AStalledFfmpegIsEnded()
    {
        using AudioStream stream = OpenWith("head -c 88200 /dev/zero; sleep 1000", TimeSpan.FromSeconds(1));
        Failure.Says(() => Samples.Of(stream), "song.mp3", "cannot be decoded beyond 1.00 s", "gave nothing more");
    }

    [ShellFact]
    [UnsupportedOSPlatform("windows")]
    public void AStalledFfprobeIsNoAnswer()
    {
        Program("ffprobe", "sleep 1000");
        using AudioStream stream = OpenWith("head -c 4000 /dev/zero", TimeSpan.FromSeconds(2));
        Assert.Null(stream.DurationSeconds);
        Assert.Equal(new float[1000], Samples.Of(stream));
    }

    [ShellFact]
    [UnsupportedOSPlatform("windows")]
    public void WhatMayNotBeExecutedIsPassedOver()
    {
        Directory.CreateDirectory(temp.PathOf("first"));
        temp.Put("first/ffmpeg", []);
        string second = Program("ffmpeg", "");
        Assert.Equal(second, AudioTool.Find($"{temp.PathOf("first")}:{temp.Folder}", "ffmpeg"));
    }

    [FfmpegTheory]
    [InlineData("mp3", Decoder.Ffmpeg)]
    [InlineData("flac", Decoder.Ffmpeg)]
    [InlineData("ogg", Decoder.Ffmpeg)]
    [InlineData("mp3", Decoder.Managed)]
    [InlineData("ogg", Decoder.Managed)]
    public void ADamagedSongIsNoticed(string format, Decoder decoder)
    {
        byte[] whole = FfmpegTool.Noise(10, temp.PathOf($"whole.{format}"));
        string warned = Path.ChangeExtension("few", format), failed = Path.ChangeExtension("cut", format);
        byte[] garbled = [.. whole];
        new Random(1).NextBytes(garbled.AsSpan(whole.Length / 2, whole.Length / 20));
        using (AudioStream stream = AudioStream.Open(temp.Put(warned, garbled), decoder: decoder))
        {
            Samples.Of(stream);
            Assert.Contains(stream.Warnings, warning => warning.Contains($"{warned} is damaged", StringComparison.Ordinal));
        }

        // An Ogg file does not say how long it is, but for its last page.
        if (format == "ogg") return;
        using AudioStream cut = AudioStream.Open(temp.Put(failed, whole[..(whole.Length / 2)]), decoder: decoder);
        Failure.Says(() => Samples.Of(cut), failed, "is damaged or cut", "of 10.0", "can be decoded");
    }

    [FfmpegFact]
    public void ALateStartAndAGapAreSilence()
    {
        string start = temp.PathOf("start.m4a"), gap = temp.PathOf("gap.mka");
        FfmpegTool.Run("-itsoffset", "3", "-f", "lavfi", "-i", "sine=441:duration=5", start);
        FfmpegTool.Run("-f", "lavfi", "-i", "sine=441:duration=6", "-af", "aselect='lt(t,2)+gte(t,4)'", gap);
        float[] late = Samples.Of(start), split = Samples.Of(gap);
        Assert.Equal(8, (double)late.Length / Wav.Rate, 0.1);
        Assert.Equal(6, (double)split.Length / Wav.Rate, 0.1);
        Assert.True(late.Take((int)(2.9 * Wav.Rate)).All(sample => sample == 0), "silence before the start");
        Assert.True(split.Skip((int)(2.1 * Wav.Rate)).Take((int)(1.8 * Wav.Rate)).All(sample => sample == 0), "silence in the gap");
        Assert.Contains(split.Skip((int)(4.1 * Wav.Rate)).Take(1000), sample => sample > 0.05f);

        using AudioStream stream = AudioStream.Open(gap);
        Samples.Of(stream);
        Assert.Contains("the first from 2.0", Assert.Single(stream.Warnings), StringComparison.Ordinal);
    }

    [FfmpegReferenceFact]
    public void AWholeSongIsNotDoubtful()
    {
        using AudioStream stream = AudioStream.Open(ReferenceData.PathOf("music/audio/jonathan_coulton_mr_fancy_pants.mp3"));
        Samples.Of(stream);
        Assert.Empty(stream.Warnings);
    }

    [FfmpegTheory]
    [InlineData("mp3", Decoder.Ffmpeg)]
    [InlineData("flac", Decoder.Ffmpeg)]
    [InlineData("ogg", Decoder.Ffmpeg)]
    [InlineData("mp3", Decoder.Managed)]
    [InlineData("ogg", Decoder.Managed)]
    public void SongsPutOneBehindTheOtherLoseNothing(string format, Decoder decoder)
    {
        byte[] once = FfmpegTool.Noise(6, temp.PathOf($"once.{format}"));
        using AudioStream stream = AudioStream.Open(temp.Put($"thrice.{format}", [.. once, .. once, .. once]), decoder: decoder);
        Assert.Equal(18, (double)Samples.Of(stream).Length / Wav.Rate, 0.6);
    }

    [FfmpegFact]
    public void TheDefaultTrackIsTaken()
    {
        string first = temp.PathOf("first.mka"), second = temp.PathOf("second.mka");
        string[] inputs = ["-f", "lavfi", "-i", "anullsrc=r=22050:d=2", "-f", "lavfi", "-i", "sine=441:duration=2", "-map", "0:a", "-map", "1:a"];
        FfmpegTool.Run([.. inputs, "-disposition:a:0", "0", "-disposition:a:1", "default", second]);
        Assert.Contains(Samples.Of(second), sample => sample != 0);

        FfmpegTool.Run([.. inputs, "-disposition:a:0", "default", "-disposition:a:1", "0", first]);
        using AudioStream stream = AudioStream.Open(first);
        Assert.DoesNotContain(Samples.Of(stream), sample => sample != 0);
        Assert.Contains("it has 2 audio tracks, of which number 1 was taken", stream.SilenceHint, StringComparison.Ordinal);
    }

    [FfmpegFact]
    public void ChannelsThatCancelAreNoticed()
    {
        int[] samples = [.. Enumerable.Range(0, Wav.Rate).SelectMany(i => new[] { i % 1000, -(i % 1000) })];
        string path = temp.Put("a.wav", Wav.File(1, 16, Wav.Integers(16, samples), channels: 2));
        using (AudioStream mix = AudioStream.Open(path))
        {
            Samples.Of(mix);
            Assert.Equal(0, mix.Peak);
            Assert.Contains("cancel when they are mixed; try the left one with --channel left", mix.SilenceHint, StringComparison.Ordinal);
        }

        using AudioStream left = AudioStream.Open(path, Channel.Left), right = AudioStream.Open(path, Channel.Right);
        Assert.Equal(Enumerable.Range(0, Wav.Rate).Select(i => i % 1000 / 32768f), Samples.Of(left));
        Assert.Equal(Enumerable.Range(0, Wav.Rate).Select(i => -(i % 1000) / 32768f), Samples.Of(right));

        for (int i = 1; i < samples.Length; i += 2) samples[i] += 20;
        using AudioStream almost = AudioStream.Open(temp.Put("b.wav", Wav.File(1, 16, Wav.Integers(16, samples), channels: 2)));
        Samples.Of(almost);
        Assert.Contains("cancel when they are mixed", Assert.Single(almost.Warnings), StringComparison.Ordinal);
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
    private AudioStream OpenWith(string script, TimeSpan? patience = null)
    {
        Program("ffmpeg", script);
        return AudioStream.Open(temp.Put("song.mp3", [1]), temp.Folder, Channel.Mix, Decoder.Auto, patience);
    }

    [UnsupportedOSPlatform("windows")]
    private string Program(string name, string script)
    {
        string program = temp.Put(name, [.. "#!/bin/sh\n"u8, .. System.Text.Encoding.UTF8.GetBytes(script)]);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return program;
    }
}
