namespace Engine.Kernels.Tests;

public class MaxPool2dTests
{
    private static readonly float[] Image = [1, 2, 3, 4, 5, -1, 9, 0, 0, 0, 7, -8, 6, 2, 1];

    [Theory, EveryDevice]
    public void KnownAnswer(Device device) =>
        Ops.MaxPool2d(new(1, 1, 3, 5, 2, 2, strideH: 1, strideW: 2)).AssertAnswer(device, [9, 4, 9, 6], Image);

    [Theory, EveryDevice]
    public void KnownAnswerWithDilation(Device device) =>
        Ops.MaxPool2d(new(1, 1, 3, 5, 2, 2, 1, 1, dilationH: 2, dilationW: 2)).AssertAnswer(device, [7, 4, 6], Image);

    [Theory, EveryDevice]
    public void KnownAnswerBelowZero(Device device) =>
        Ops.MaxPool2d(new(1, 2, 1, 2, 1, 2, 1, 1)).AssertAnswer(device, [-3, float.NegativeInfinity], [
            -5, -3, float.NegativeInfinity, float.NegativeInfinity]);
}
