namespace Engine.Kernels.Tests;

public class Crop2dTests
{
    [Theory, EveryDevice]
    public void KnownAnswer(Device device) =>
        Ops.Crop2d(new(2, 2, 3, 1, 2)).AssertAnswer(device, [1, 2, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);

    [Theory, EveryDevice]
    public void KnownAnswerOfTheGradient(Device device) =>
        Ops.Crop2dBackward(new(2, 2, 3, 1, 2)).AssertAnswer(device, [1, 2, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0], [1, 2, 3, 4]);
}
