namespace Engine.Kernels.Tests;

public class BatchNormTests
{
    [Theory, EveryDevice]
    public void KnownAnswer(Device device) =>
        Ops.BatchNorm(new(2, 2, 2)).AssertAnswer(
            device, [10, 16, -1, 1, 34, 40, 7, 9], [1, 2, 3, 4, 5, 6, 7, 8], [1, 3], [2, 0.5f], [3, 4], [10, -1]);

    [Theory, EveryDevice]
    public void KnownAnswerAfterADenseLayer(Device device) =>
        Ops.BatchNorm(new(2, 2, 1)).AssertAnswer(device, [10, -1, 34, 7], [1, 3, 5, 7], [1, 3], [2, 0.5f], [3, 4], [10, -1]);

    /// <summary>With a mean a million times the deviation, what is left after it is subtracted keeps all its digits.</summary>
    [Theory, EveryDevice]
    public void DoesNotCancelWhereTheMeanIsLarge(Device device) =>
        Ops.BatchNorm(new(1, 1, 3)).AssertAnswer(device, [-3, 3, 9], [999_999, 1_000_001, 1_000_003], [1_000_000], [3], [1], [0]);
}
