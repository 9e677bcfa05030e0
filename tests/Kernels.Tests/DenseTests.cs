namespace Engine.Kernels.Tests;

public class DenseTests
{
    [Theory, EveryDevice]
    public void KnownAnswer(Device device) =>
        Ops.Dense(new(2, 3, 2), bias: true).AssertAnswer(device, [122, 228, 149, 264], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6], [100, 200]);

    [Theory, EveryDevice]
    public void KnownAnswerWithoutBias(Device device) =>
        Ops.Dense(new(1, 2, 3), bias: false, Activation.LeakyRelu(0.5f)).AssertAnswer(device, [9, -6, 0], [1, 2], [1, 2, 4, 4, -7, -2]);
}
