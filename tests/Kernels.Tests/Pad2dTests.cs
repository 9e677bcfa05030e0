namespace Engine.Kernels.Tests;

public class Pad2dTests
{
    [Theory, EveryDevice]
    public void KnownAnswerOfACrop(Device device) =>
        Ops.Pad2d(new(2, 2, 3, 1, 2)).AssertAnswer(device, [1, 2, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);

    [Theory, EveryDevice]
    public void KnownAnswerOfAMargin(Device device) => Ops.Pad2d(new(2, 1, 2, 3, 4, 1, 1)).AssertAnswer(
        device, [0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0], [1, 2, 3, 4]);

    [Theory, EveryDevice]
    public void NegativeMarginsCrop(Device device) =>
        Ops.Pad2d(new(1, 3, 3, 2, 4, -1, 2)).AssertAnswer(device, [0, 0, 4, 5, 0, 0, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8, 9]);

    /// <summary>⟨pad(x), y⟩ = ⟨x, reversed(y)⟩: the gradient of a padding is the padding that undoes it.</summary>
    [Fact]
    public void TheReversedPaddingIsTheAdjoint()
    {
        Pad2dShape shape = new(2, 3, 4, 5, 2, 1, -1);
        float[] x = [.. Enumerable.Range(1, shape.XLength).Select(i => (float)i)], y = [.. Enumerable.Range(1, shape.YLength).Select(i => (float)(i * i % 7))];
        float[] padded = Ops.Pad2d(shape).RunReference([x]), undone = Ops.Pad2d(shape.Reversed).RunReference([y]);
        Assert.Equal(padded.Zip(y, (a, b) => a * b).Sum(), x.Zip(undone, (a, b) => a * b).Sum());
        Assert.Equal(shape, shape.Reversed.Reversed);
    }
}
