using System.Text;
using System.Text.Json;
using Engine.Svd.Data;
using Engine.Svd.Predict;
using Engine.Tests;

namespace Engine.Svd.Tests;

public sealed class SegmentFilesTests : IDisposable
{
    private static readonly Segment[] _segments = [new(0, 1.25, false), new(1.25, 3.5, true), new(3.5, 4, false)];
    private static readonly SegmentContent _content = new(_segments, "a song.mp3", 4, 0.5, "singing if P >= 0.5");

    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData(0, ".lab")]
    [InlineData(1, ".txt")]
    [InlineData(2, ".csv")]
    public void WhatIsWrittenIsReadAgain(int format, string extension)
    {
        Assert.Equal(extension, SegmentFiles.Extension((SegmentFormat)format));
        string path = temp.Put("a song" + extension, SegmentFiles.Encode((SegmentFormat)format, _content));
        Assert.Equal(_segments, LabelTrack.Read(path).Segments);
    }

    [Fact]
    public void AudacityHasTabsAndCsvAHead()
    {
        Assert.Equal("0.000000\t1.250000\tnosing\n", Text(SegmentFormat.Audacity)[..25]);
        Assert.StartsWith("start,end,label\n0.000000,1.250000,nosing\n", Text(SegmentFormat.Csv), StringComparison.Ordinal);
    }

    [Fact]
    public void JsonHoldsTheSegments()
    {
        using JsonDocument json = JsonDocument.Parse(Text(SegmentFormat.Json));
        JsonElement sung = json.RootElement.GetProperty("segments")[1];
        Assert.Equal((1.25, 3.5, "sing"), (sung.GetProperty("start").GetDouble(), sung.GetProperty("end").GetDouble(), sung.GetProperty("label").GetString()));
        Assert.Equal("a song.mp3", json.RootElement.GetProperty("audio").GetString());
    }

    // What the JAMS schema requires of a file and of an annotation.
    [Fact]
    public void JamsHasWhatItsSchemaRequires()
    {
        using JsonDocument json = JsonDocument.Parse(Text(SegmentFormat.Jams));
        JsonElement annotation = json.RootElement.GetProperty("annotations")[0], file = json.RootElement.GetProperty("file_metadata");
        Assert.Equal(JsonValueKind.Object, json.RootElement.GetProperty("sandbox").ValueKind);
        Assert.Equal(4, file.GetProperty("duration").GetDouble());
        Assert.Equal("0.3.4", file.GetProperty("jams_version").GetString());
        Assert.Equal("segment_open", annotation.GetProperty("namespace").GetString());
        Assert.Equal(JsonValueKind.Object, annotation.GetProperty("annotation_metadata").GetProperty("curator").ValueKind);
        JsonElement sung = annotation.GetProperty("data")[1];
        Assert.Equal(
            (1.25, 2.25, "sing"),
            (sung.GetProperty("time").GetDouble(), sung.GetProperty("duration").GetDouble(), sung.GetProperty("value").GetString()));
        Assert.Equal(JsonValueKind.Null, sung.GetProperty("confidence").ValueKind);
    }

    [Fact]
    public void ATableOfProbabilitiesHasTimes() => Assert.Equal(
        "time,probability\n0.000000,0.25\n0.014286,1\n", Encoding.UTF8.GetString(ProbabilityTable.ToCsv([0.25f, 1])));

    private static string Text(SegmentFormat format) => Encoding.UTF8.GetString(SegmentFiles.Encode(format, _content));
}
