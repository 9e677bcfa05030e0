using Engine.Svd.Data;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Data;

public class ExcerptOrderTests
{
    [Fact]
    public void ExcerptsAreNumberedSongBySong()
    {
        ExcerptList list = new([ExcerptFrames + 19, ExcerptFrames - 1, ExcerptFrames, 0, ExcerptFrames + 20], hop: 10);
        Excerpt[] expected = [new(0, 0), new(0, 10), new(2, 0), new(4, 0), new(4, 10), new(4, 20)];
        Assert.Equal(expected, Enumerable.Range(0, list.Count).Select(i => list[i]));
        Assert.Equal(67, list[1].LabelFrame);
        Assert.Throws<ArgumentOutOfRangeException>(() => list[6]);
        Assert.Throws<ArgumentOutOfRangeException>(() => list[-1]);
        Assert.Throws<ArgumentException>(() => new ExcerptList([ExcerptFrames - 1], 1));
    }

    [Fact]
    public void AnEpochHasEveryExcerptOnceAndDropsThePartialBatch()
    {
        SequentialExcerpts batches = new(100, 32, seed: 1);
        Assert.Equal(3, batches.BatchesPerEpoch);
        int[] epoch = Epoch(batches, 0);
        Assert.Equal(96, epoch.Distinct().Count());
        Assert.All(epoch, number => Assert.InRange(number, 0, 99));
        Assert.NotEqual(Enumerable.Range(0, 96), epoch);
        Assert.NotEqual(epoch, Epoch(batches, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => batches.Batch(0, 3).Length);
        Assert.Throws<ArgumentException>(() => new SequentialExcerpts(31, 32, 1));
    }

    [Fact]
    public void AnEpochDependsOnSeedAndNumberAlone()
    {
        SequentialExcerpts went = new(100, 32, seed: 1);
        for (int epoch = 0; epoch < 5; epoch++) Epoch(went, epoch);
        Assert.Equal(Epoch(went, 5), Epoch(new SequentialExcerpts(100, 32, seed: 1), 5));
        Assert.Equal(Epoch(went, 0), Epoch(new SequentialExcerpts(100, 32, seed: 1), 0));
        Assert.NotEqual(Epoch(went, 5), Epoch(new SequentialExcerpts(100, 32, seed: 2), 5));
    }

    [Fact]
    public void RandomExcerptsVisitEveryPositionOnceARound()
    {
        ExcerptList list = new([ExcerptFrames + 9, ExcerptFrames + 14], 1); // 25 positions
        ExcerptSampler sampler = new(list, seed: 3);
        List<Excerpt> drawn = [];
        Excerpt[] batch = new Excerpt[10];
        for (int i = 0; i < 5; i++)
        {
            sampler.Batch(i, batch);
            drawn.AddRange(batch);
        }

        Assert.Equal(25, drawn.Take(25).Distinct().Count());
        Assert.Equal(25, drawn.Skip(25).Distinct().Count());
        Assert.NotEqual(drawn.Take(25), drawn.Skip(25));
        new ExcerptSampler(list, seed: 3).Batch(3, batch); // without those before
        Assert.Equal(drawn.Skip(30).Take(10), batch);
    }

    private static int[] Epoch(SequentialExcerpts batches, int epoch) =>
        [.. Enumerable.Range(0, batches.BatchesPerEpoch).SelectMany(batch => batches.Batch(epoch, batch).ToArray())];
}
