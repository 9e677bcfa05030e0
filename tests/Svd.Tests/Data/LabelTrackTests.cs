using System.Diagnostics;
using System.Text;
using Engine.Svd.Data;
using Engine.Tests;

namespace Engine.Svd.Tests.Data;

public class LabelTrackTests
{
    // 83.300 s, frame 5831 to the digit, starts a segment. The reference labels were made of unrounded times, the label file has milliseconds: that start
    // was 83.3004 s, after the frame.
    private const int RoundedFrame = 5831;
    private const int TenSeconds = 701;

    [ReferenceFact]
    public void FramesAreLabelledByTheirStartAsInTheReference()
    {
        byte[] expected = Golden.ReadBytes("song_golden.npz", "label");
        float[] labels = LabelTrack.Read(ReferenceData.PathOf("music/labels/joshua_morin_on_the_run.lab")).ForFrames(expected.Length);
        Assert.Equal([RoundedFrame], Enumerable.Range(0, expected.Length).Where(i => labels[i] != expected[i]));
    }

    [ReferenceFact]
    public void EveryReferenceLabelFileIsRead()
    {
        foreach (string file in Directory.EnumerateFiles(ReferenceData.PathOf("music/labels"))) Assert.NotEmpty(LabelTrack.Read(file).Segments);
    }

    [Fact]
    public void SegmentsHoldTheirStartAndNotTheirEnd()
    {
        LabelTrack track = Read("0.5\t1 sing\r\n\r\n 1 2 nosing \n2e0 3.25 sing\n4 5 sing");
        foreach (double sung in (double[])[0.5, 0.999, 2, 3.2499, 4, 4.5]) Assert.True(track.SingingAt(sung), $"{sung}");
        foreach (double not in (double[])[-1, 0, 0.499, 1, 1.5, 3.25, 3.9, 5, 100, double.NaN]) Assert.False(track.SingingAt(not), $"{not}");
    }

    [Fact]
    public void FrameLabelsAreThoseOfTheTimesFrameBySeventieth()
    {
        // From frame 1, whose time is 1/70 = 0.01428…, to frame 2 and not 3 = 0.04285….
        Assert.Equal([0f, 1, 1, 0, 0], Read("0.0142 0.0428 sing").ForFrames(5));
        Assert.Empty(Read("0 1 sing").ForFrames(0));
    }

    [Theory]
    [InlineData("0.000000\t1.500000\tnosing\n1.500000\t2.000000\tsing\n\\\t200.0\t4000.0\n")]
    [InlineData("0.0\t1.5\tno singing\n1.5\t2\tvoice\n")]
    [InlineData("start,end,label\n0,1.5,nosing\n1.5,2,sing\n")]
    [InlineData("\"start\",\"end\",\"label\"\n0, 1.5, \"instrumental\"\n1.5, 2, \"singing\"\n")]
    [InlineData("0,1.5,0\n1.5,2,1\n")]
    public void LabelTracksOfAudacityAndTablesAreRead(string content) =>
        Assert.Equal([new Segment(0, 1.5, false), new Segment(1.5, 2, true)], Read(content).Segments);

    [Theory]
    [InlineData("0 1 sing\n1 2", "line 2", "'1 2' is not a segment")]
    [InlineData("0 1 sing loud", "line 1", "is not a segment")]
    [InlineData("\n0 1 Sing", "line 2", "sing or nosing, not 'Sing'")]
    [InlineData("0 1,5 sing", "'1,5' is not a number of seconds")]
    [InlineData("NaN 1 sing", "'NaN' is not a number")]
    [InlineData("0 Infinity sing", "'Infinity' is not a number")]
    [InlineData("0 1e999 sing", "'1e999' is not a number")]
    [InlineData("-1 1 sing", "'-1' is not a number")]
    [InlineData("2 1 sing", "ends at 1 s, not after its start at 2 s")]
    [InlineData("1 1 sing", "not after its start")]
    [InlineData("0 2 sing\n1.5 3 nosing", "line 2", "starts at 1.5 s, before the previous one ends at 2 s")]
    [InlineData("5 6 sing\n1 2 nosing", "line 2", "before the previous one ends")]
    [InlineData("", "holds no segments", "An instrumental has one line, such as '0 180 nosing'")]
    [InlineData("\n \n", "holds no segments")]
    [InlineData("# nothing\n", "holds no segments")]
    public void ABadFileIsRefusedByLine(string content, params string[] words) => Failure.Says(() => Read(content), ["song.lab", .. words]);

    [UnixFact]
    public void APipeIsNoEmptyFile()
    {
        using TempFolder folder = new();
        string pipe = folder.PathOf("song.lab");
        using (Process make = Process.Start("mkfifo", [pipe])) make.WaitForExit();
        Failure.Says(() => LabelTrack.Read(pipe), pipe, "is not a regular file");
    }

    [Fact]
    public void AnOverlapBelowAMillisecondIsRounding()
    {
        LabelTrack track = Read("0 4.114 nosing\n4.114 6.343000000000001 sing\n6.343 10 nosing");
        Assert.Equal(track.Segments[1].EndSeconds, track.Segments[2].StartSeconds);
        Failure.Says(() => Read("0 4.114 nosing\n4.112 6 sing"), "line 2", "before the previous one ends");
    }

    [Theory]
    [InlineData("0 41140000 nosing\n41140000 63430000 sing", "line 2", "starts at 41140000 s", "ends at 10.06 s", "units of 100 ns", "by 10000000")]
    [InlineData("0 4114 nosing\n\n4114 6343 sing", "line 3", "starts at 4114 s", "in milliseconds", "by 1000.")]
    [InlineData("# samples\n0 181427 nosing\n181427 279726 sing", "line 3", "starts at 181427 s", "counts of samples")]
    [InlineData("0 9 sing\n9 30 nosing\n30 55.5 sing\n60 70 nosing", "line 3", "starts at 30 s", "ends at 10.06 s", "another song")]
    [InlineData("10.2 11 nosing", "line 1", "starts at 10.2 s", "another song")]
    public void ASegmentThatStartsAfterTheSongIsRefused(string content, params string[] words) =>
        Failure.Says(() => Read(content).ForFrames(TenSeconds, Assert.Fail), ["song.lab", .. words]);

    [Theory]
    [InlineData("0 4 sing\n4 12 nosing", "song.lab, line 2: the segment ends at 12 s, but the song ends at 10.06 s", "another song")]
    [InlineData("0 63430000 sing", "song.lab, line 1: the segment ends at 63430000 s", "units of 100 ns")]
    [InlineData("0 4 sing\n4 11 nosing\n")]
    [InlineData("0 10.05 sing\n10.1 10.2 nosing\n")]
    public void ALabelFileThatIsMuchLongerThanTheSongIsDoubtful(string content, params string[] words)
    {
        List<string> warnings = [];
        Assert.Equal(1, Read(content).ForFrames(TenSeconds, warnings.Add)[0]);
        Assert.Equal(words.Length > 0 ? 1 : 0, warnings.Count);
        Assert.All(words, word => Assert.Contains(word, warnings[0], StringComparison.Ordinal));
    }

    [Fact]
    public void ABadByteIsFoundInItsLine()
    {
        using TempFolder folder = new();
        byte[] lines = [.. Enumerable.Range(0, 40).SelectMany(i => Encoding.UTF8.GetBytes($"{i} {i + 1} nosing\n")), .. "50 60 sing "u8, 0xE9, 0x0A];
        Failure.Says(() => LabelTrack.Read(folder.Put("song.lab", lines)), "song.lab, line 41", "not UTF-8");
    }

    [Fact]
    public void AFileWithoutLineEndsIsNeitherReadNorShown()
    {
        using TempFolder folder = new();
        Failure.Says(() => LabelTrack.Read(folder.Put("song.lab", new byte[17 << 20])), "song.lab", "larger than 16 MiB");
        Failure.Says(() => Read(new string('x', 100_000)), "song.lab, line 1", "longer than 4096 bytes");
        Failure.Says(() => Read("\n0 1 " + new string('s', 4000)), "line 2", "sing or nosing, not 'ssss", "s…'");
    }

    [Fact]
    public void TextWithAByteOrderMarkIsRead()
    {
        using TempFolder folder = new();
        foreach (Encoding encoding in (Encoding[])[Encoding.UTF8, Encoding.Unicode, Encoding.BigEndianUnicode])
        {
            byte[] content = [.. encoding.Preamble, .. encoding.GetBytes("0 1 sing\r\n1 2 nosing\r\n")];
            Assert.Equal(2, LabelTrack.Read(folder.Put("song.lab", content)).Segments.Count);
        }
    }

    [Fact]
    public void BytesThatAreNoTextAreRefused()
    {
        using TempFolder folder = new();
        Failure.Says(() => LabelTrack.Read(folder.Put("song.lab", [0x30, 0xFF, 0xFE, 0x0A])), "song.lab", "not UTF-8");
        Failure.Says(() => LabelTrack.Read(folder.PathOf("none.lab")), "none.lab does not exist");
    }

    private static LabelTrack Read(string content)
    {
        using TempFolder folder = new();
        return LabelTrack.Read(folder.Put("song.lab", Encoding.UTF8.GetBytes(content)));
    }
}
