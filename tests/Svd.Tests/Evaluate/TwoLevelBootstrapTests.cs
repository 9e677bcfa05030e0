using Engine.Svd.Evaluate;

namespace Engine.Svd.Tests.Evaluate;

public class TwoLevelBootstrapTests
{
    [Fact]
    public void ConstantDataHaveNoInterval()
    {
        TwoLevelBootstrap bootstrap = new([0, 0, 0, 1, 1, 2], 1);
        Assert.Equal(new Estimate(2.5, 2.5, 2.5), bootstrap.Of([2.5, 2.5, 2.5, 2.5, 2.5, 2.5]));
    }

    [Fact]
    public void SongsAreDrawn()
    {
        // All excerpts of the first song are 0, all of the second 1: each song is drawn twice in a quarter of the resamples.
        int[] songs = [.. Enumerable.Range(0, 200).Select(i => i / 100)];
        Assert.Equal(new Estimate(0.5, 0, 1), new TwoLevelBootstrap(songs, 1).Of(Array.ConvertAll(songs, song => (double)song)));
    }

    [Fact]
    public void ExcerptsAreDrawnWithinASong()
    {
        // One song, half of it 1: the interval of a binomial share, ±1.96·√(¼/400). The ends vary by about a tenth of that from seed to seed.
        double[] values = [.. Enumerable.Range(0, 400).Select(i => i % 2.0)];
        Estimate estimate = new TwoLevelBootstrap(new int[400], 1).Of(values);
        const double half = 1.96 * 0.025;
        Assert.Equal(0.5, estimate.Mean);
        Assert.InRange(estimate.Low, 0.5 - 1.15 * half, 0.5 - 0.85 * half);
        Assert.InRange(estimate.High, 0.5 + 0.85 * half, 0.5 + 1.15 * half);
    }

    [Fact]
    public void TheSeedDecides()
    {
        int[] songs = [.. Enumerable.Range(0, 90).Select(i => i / 30)];
        double[] values = [.. Enumerable.Range(0, 90).Select(i => (double)(i * i % 17))];
        Assert.Equal(new TwoLevelBootstrap(songs, 3).Of(values), new TwoLevelBootstrap(songs, 3).Of(values));
        Assert.NotEqual(new TwoLevelBootstrap(songs, 3).Of(values), new TwoLevelBootstrap(songs, 4).Of(values));
    }
}
