using Engine.Svd.Audio;
using Engine.Svd.Audio.Formats;
using Engine.Tests;
using NLayer;

namespace Engine.Svd.Tests.Audio;

public sealed class Mp3RecodedFrameTests : IDisposable
{
    private const double Tolerance = 2e-5; // Of full scale: ffmpeg computes in float32 too, in another order.
    private const int Rate = 8000;

    private static readonly string Bursts = Path.Combine(ReferenceData.Repository, "tests", "Svd.Tests", "Audio", "bursts.mp3");

    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    // 0.6 s of 500 Hz at 8 kHz that starts anew every 0.15 s and dies away, amplitude 0.5 on the left and 0.25 on the right. The encoder's own errors are
    // within 0.033.
    [Fact]
    public void BurstsAreWhatTheyWere()
    {
        Assert.Equal((14, 11), Count(Bursts));
        using Mp3Source source = Mp3Source.TryOpen(File.OpenRead(Bursts))!;
        float[] samples = new float[2 * Rate];
        Assert.Equal((Rate, 2, 2 * 6 * Rate / 10), (source.SampleRate, source.Downmix.Channels, source.Read(samples)));
        Assert.Null(source.FirstDamage);
        for (int i = 0; i < 6 * Rate / 10; i++)
        {
            double t = i % (15 * Rate / 100) / (double)Rate, burst = Math.Exp(-20 * t) * Math.Sin(2 * Math.PI * 500 * t);
            Assert.Equal(0.5 * burst, samples[2 * i], 0.035);
            Assert.Equal(0.25 * burst, samples[2 * i + 1], 0.035);
        }
    }

    [FfmpegTheory]
    [InlineData("-ac", "1", "-b:a", "8k")]
    [InlineData("-ac", "1", "-b:a", "64k")]
    [InlineData("-ac", "1", "-q:a", "0")]
    [InlineData("-b:a", "16k")]
    [InlineData("-b:a", "64k")]
    [InlineData("-b:a", "48k", "-joint_stereo", "0")]
    [InlineData("-b:a", "32k", "-reservoir", "0")]
    [InlineData("-q:a", "2", "-write_xing", "0")]
    [InlineData("-q:a", "9")]
    public void GivesWhatFfmpegGives(params string[] arguments)
    {
        string path = temp.PathOf("a.mp3");
        const string bursts = "anoisesrc=seed=1:amplitude=0.3:duration=10:r=8000,tremolo=f=7:d=0.99,aformat=channel_layouts=stereo,adelay=0|5";
        FfmpegTool.Run(["-f", "lavfi", "-i", bursts, .. arguments, path]);
        Assert.True(Count(path).ShortBlocks > 10, "there are hardly any short blocks");
        foreach (Channel channel in Enum.GetValues<Channel>())
        {
            using AudioStream managed = AudioStream.Open(path, channel, Decoder.Managed), ffmpeg = AudioStream.Open(path, channel, Decoder.Ffmpeg);
            float[] own = Samples.Of(managed), expected = Samples.Of(ffmpeg);
            Assert.All(managed.Warnings, warning => Assert.Contains("samples a second", warning, StringComparison.Ordinal));
            Assert.Equal(expected.Length, own.Length);
            Assert.InRange(own.Zip(expected).Max(pair => Math.Abs(pair.First - pair.Second)), 0, Tolerance);
        }
    }

    // No encoder at hand makes them: a bit of the header says intensity stereo, another of the side information mixed blocks.
    [Theory]
    [InlineData(3)]
    [InlineData(10)]
    public void WhatNLayerDecodesWronglyIsRefused(int changedByte)
    {
        using FileStream file = File.OpenRead(Bursts);
        Mp3Frames frames = Mp3Frames.Find(file)!;
        Mp3RecodedFrame frame = new();
        while (frames.Next(frame))
        {
            if (Mp3Info.Read(frame) is not null) continue;
            byte[] changed = frame.Data.ToArray();
            bool isShort = Granules(frame)[0].IsShort;
            ((IMpegFrame)frame).Reset();
            if (!isShort) continue;
            changed[changedByte] |= 0x10;
            frame.Set(Mp3Header.Parse(changed)!.Value, changed);
            Assert.Throws<InvalidDataException>(((IMpegFrame)frame).Reset);
            return;
        }

        Assert.Fail("there are no short blocks");
    }

    // Granules of short blocks with both tables in use, and frames of mid and side.
    private static (int ShortBlocks, int MidSide) Count(string path)
    {
        using FileStream file = File.OpenRead(path);
        Mp3Frames frames = Mp3Frames.Find(file)!;
        Mp3Frame frame = new();
        int shortBlocks = 0, midSide = 0;
        while (frames.Next(frame))
        {
            if (Mp3Info.Read(frame) is not null) continue;
            if (frame.Header is { ChannelMode: MpegChannelMode.JointStereo, ChannelModeExtension: 2 }) midSide++;
            shortBlocks += Granules(frame).Count(granule => granule.IsShort && granule.FirstTable != granule.SecondTable && granule.Pairs > 18);
        }

        return (shortBlocks, midSide);
    }

    private static List<Granule> Granules(Mp3Frame frame)
    {
        List<Granule> granules = [];
        int channels = frame.Header.IsMono ? 1 : 2;
        frame.Reset();
        frame.ReadBits(8 + channels);
        for (int channel = 0; channel < channels; channel++)
        {
            frame.ReadBits(12);
            int pairs = frame.ReadBits(9);
            frame.ReadBits(17);
            bool isSwitched = frame.ReadBits(1) == 1;
            int type = isSwitched ? frame.ReadBits(2) : 0;
            if (isSwitched) frame.ReadBits(1);
            granules.Add(new Granule(type == 2, pairs, frame.ReadBits(5), frame.ReadBits(5)));
            frame.ReadBits(isSwitched ? 11 : 14);
        }

        return granules;
    }

    private sealed record Granule(bool IsShort, int Pairs, int FirstTable, int SecondTable);
}
