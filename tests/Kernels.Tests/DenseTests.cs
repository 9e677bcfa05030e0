namespace Engine.Kernels.Tests;

public class DenseTests
{
    [Theory, EveryDevice]
    public void KnownAnswer(Device device) =>
        Ops.Dense(new(2, 3, 2), bias: true).AssertAnswer(device, [122, 228, 149, 264], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [100, 200]);

    [Theory, EveryDevice]
    public void KnownAnswerWithoutBias(Device device) =>
        Ops.Dense(new(1, 2, 3), bias: false, Activation.LeakyRelu(0.5f)).AssertAnswer(device, [9, -6, 0], [1, 2], [1, 2, 4, 4, -7, -2]);

    [Theory, EveryDevice]
    public void KnownAnswerOfTheGradients(Device device)
    {
        DenseShape shape = new(2, 3, 2);
        Ops.DenseBackwardData(shape).AssertAnswer(device, [21, 43, 65, 2100, 4300, 6500], [1, 10, 100, 1000], [1, 2, 3, 4, 5, 6]);
        Ops.DenseBackwardFilter(shape, bias: true).AssertAnswer(
            device, [401, 4010, 502, 5020, 603, 6030, 101, 1010], [1, 2, 3, 4, 5, 6], [1, 10, 100, 1000]);
    }
}
