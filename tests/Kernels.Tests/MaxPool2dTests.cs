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

    /// <summary>The columns that fill no window get 0.</summary>
    [Theory, EveryDevice]
    public void KnownAnswerOfTheGradient(Device device) =>
        Ops.MaxPool2dBackward(new(1, 1, 2, 5, 2, 2, strideH: 2, strideW: 2)).AssertAnswer(
            device, [0, 0, 0, 7, 0, 0, 5, 0, 0, 0], [1, 2, 3, 4, 5, -1, 9, 0, 0, 0], [9, 4], [5, 7]);

    /// <summary>Ties go to the first in row-major order, zeros of both signs being one.</summary>
    [Theory, EveryDevice]
    public void TiesPassTheGradientToTheFirst(Device device)
    {
        MaxPool2dShape shape = new(1, 1, 2, 3, 2, 3, 1, 1);
        Ops.MaxPool2dBackward(shape).AssertAnswer(device, [0, 0, 5, 0, 0, 0], [1, 1, 2, 2, 2, 0], [2], [5]);
        Ops.MaxPool2dBackward(shape).AssertAnswer(device, [0, 5, 0, 0, 0, 0], [-1, -0f, 0, 0, -0f, -1], [0], [5]);
        Ops.MaxPool2dBackward(shape).AssertAnswer(device, [5, 0, 0, 0, 0, 0], [3, 3, 3, 3, 3, 3], [3], [5]);
    }

    /// <summary>Windows that overlap add up where they share their maximum.</summary>
    [Theory, EveryDevice]
    public void OverlappingWindowsAddUp(Device device) =>
        Ops.MaxPool2dBackward(new(1, 1, 1, 5, 1, 3, 1, 1)).AssertAnswer(device, [0, 0, 111, 0, 0], [1, 2, 9, 9, 0], [9, 9, 9], [1, 10, 100]);
}
