namespace Engine.Kernels.Tests;

/// <summary>What repeats arrays along axes, and what sums over them.</summary>
public class BroadcastTests
{
    [Theory, EveryDevice]
    public void KnownAnswers(Device device)
    {
        BroadcastShape shape = new(Axes.Of(2, 1), Axes.Of(3));
        Ops.BroadcastAdd(shape, 2).AssertAnswer(device, [21, 41, 61, 22, 42, 62], [1, 2], [10, 20, 30]);
        Ops.BroadcastMultiply(shape, 2).AssertAnswer(device, [20, 40, 60, 40, 80, 120], [1, 2], [10, 20, 30]);
        Ops.SumOver(Axes.Of(2, 1), Axes.Of(2, 3), scale: 2).AssertAnswer(device, [12, 30], [1, 2, 3, 4, 5, 6]);
        Ops.SumOver(Axes.Of(3), Axes.Of(2, 3)).AssertAnswer(device, [5, 7, 9], [1, 2, 3, 4, 5, 6]);
        Ops.SumOver(Axes.Of(3), Axes.Of(2, 3), Axes.Of(2, 1)).AssertAnswer(device, [-3, -3, -3], [1, 2, 3, 4, 5, 6], [1, -1]);
        Ops.Repeat(Axes.Of(2, 1), Axes.Of(2, 3), 0.5f).AssertAnswer(device, [1, 1, 1, 2, 2, 2], [2, 4]);
    }

    [Fact]
    public void SizesMustAgreeOrBeOne()
    {
        Assert.Equal(Axes.Of(4, 2, 3, 5), new BroadcastShape(Axes.Of(2, 1, 5), Axes.Of(4, 1, 3, 1)).Whole);
        Assert.Contains("1×1×2×3", Assert.Throws<ArgumentException>(() => new BroadcastShape(Axes.Of(2, 3), Axes.Of(4, 3))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Axes.Of(1, 1, 1, 1, 1));
        Assert.Throws<ArgumentException>(() => Axes.Of(0));
        Assert.Throws<ArgumentException>(() => Ops.SumOver(Axes.Of(2), Axes.Of(3)));
    }
}
