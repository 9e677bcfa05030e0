using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Tests;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Data;

public class BandMomentsTests
{
    // Float64 sums of a thousand terms of size one.
    private const double Tolerance = 1e-13;

    [Theory]
    [InlineData(0)]
    [InlineData(1e6f)] // What a difference of two large sums would drown in.
    public void OnePassOverPartsIsTwoPassesOverAll(float offset)
    {
        Random random = new(1);
        float[] frames = [.. Enumerable.Range(0, 1000 * Bands).Select(i => offset + (i % Bands) + random.NextSingle())];
        BandMoments all = new();
        foreach (Range part in (Range[])[0..1, 1..1, 1..300, 300..999, 999..1000])
        {
            BandMoments moments = new();
            moments.Add(frames.AsSpan(part.Start.Value * Bands, (part.End.Value - part.Start.Value) * Bands));
            all.Add(moments);
        }

        BandStatistics statistics = all.ToStatistics();
        Assert.Equal(1000, all.Count);
        for (int band = 0; band < Bands; band++)
        {
            double[] values = [.. Enumerable.Range(0, 1000).Select(frame => (double)frames[frame * Bands + band])];
            double mean = values.Average(), std = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / 999);
            Assert.Equal(mean, statistics.Mean[band], Tolerance * Math.Max(100, offset));
            Assert.Equal(std, statistics.Std[band], Tolerance * Math.Max(100, offset));
        }
    }

    [Fact]
    public void ABandWithoutVarianceIsNamed()
    {
        BandMoments moments = new();
        float[] frames = [.. Enumerable.Range(0, 10 * Bands).Select(i => i % Bands == 7 ? -16 : (float)i)];
        moments.Add(frames);
        Failure.Says(() => moments.ToStatistics(), "mel band 7", "same value in all 10 frames");
        Failure.Says(() => new BandMoments().ToStatistics(), "need two frames");
        Assert.Throws<ArgumentException>(() => moments.Add(new float[Bands + 1]));
    }

    [Fact]
    public void StatisticsAreWrittenAsTheyAreRead()
    {
        BandMoments moments = new();
        moments.Add([.. Enumerable.Range(0, 3 * Bands).Select(i => MathF.Sqrt(i))]);
        BandStatistics statistics = moments.ToStatistics();
        using TempFolder folder = new();
        statistics.Write(folder.PathOf("meanstd.npz"));
        BandStatistics read = BandStatistics.Read(folder.PathOf("meanstd.npz"));
        Assert.Equal(statistics.Mean, read.Mean);
        Assert.Equal(statistics.Std, read.Std);
    }
}
