using Engine.Svd.Data;
using Engine.Svd.Predict;

namespace Engine.Svd.Tests;

public class SegmentsTests
{
    [Fact]
    public void MedianIsSciPys()
    {
        Random random = new(1);
        int[] lengths = [0, 1, 2, 27, 28, 29, 55, 56, 57, 112, 300];
        foreach (int length in lengths)
        {
            // Of few different values, so that many are equal.
            float[] values = [.. Enumerable.Range(0, length).Select(_ => random.Next(20) / 20f)];
            Assert.Equal(NaiveMedian(values), Segments.Median(values));
            values = [.. values.Select(_ => random.NextSingle())];
            Assert.Equal(NaiveMedian(values), Segments.Median(values));
        }
    }

    // The upper of the middle values is a one where at least 28 of the 56 are; the window from i − 28 to i + 27 has them from i = 100 on,
    // and mirrored up to i = 100.
    [Fact]
    public void AStepUpStaysAndAStepDownIsAFrameLate()
    {
        float[] step = [.. new float[100], .. Enumerable.Repeat(1f, 100)];
        Assert.Equal(100, Segments.Median(step).IndexOf(1f));
        Assert.Equal(101, Segments.Median([.. step.Reverse()]).IndexOf(0f));
    }

    [Fact]
    public void AStretchShorterThanHalfTheFilterIsNotFound()
    {
        float[] blip = [.. new float[100], .. Enumerable.Repeat(1f, 27), .. new float[100]];
        Assert.Equal([new Segment(0, 227 / 70.0, false)], Segments.Find(blip, 0.5));
    }

    [Fact]
    public void SegmentsTouchAndCoverTheSong()
    {
        float[] song = [.. new float[140], .. Enumerable.Repeat(0.5f, 140), .. Enumerable.Repeat(0.25f, 70)];
        Assert.Equal(
            [new Segment(0, 2, false), new Segment(2, 281 / 70.0, true), new Segment(281 / 70.0, 5, false)], Segments.Find(song, 0.5));
        Assert.Equal([new Segment(0, 5, true)], Segments.Find(song, 0));
        Assert.Equal([new Segment(0, 5, false)], Segments.Find(song, 0.51));
        Assert.Empty(Segments.Find([], 0.5));
    }

    [Fact]
    public void LabelsAreTheCorpuss() =>
        Assert.Equal(
            "0.000 2.000 nosing\n2.000 4.014 sing\n", Segments.ToLab([new Segment(0, 2, false), new Segment(2, 281 / 70.0, true)]));

    /// <summary><c>scipy.ndimage.median_filter(x, 56, mode="nearest")</c> by its definition.</summary>
    private static float[] NaiveMedian(float[] values) =>
        [
            .. values.Select((_, i) =>
                Enumerable.Range(i - 28, 56).Select(j => values[Math.Clamp(j, 0, values.Length - 1)]).Order().ElementAt(28)),
        ];
}
