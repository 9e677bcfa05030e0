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

    /// <summary>Mean 2 and variance 4 (biased) with ε = 0; the running ones move by a half.</summary>
    [Theory, EveryDevice]
    public void KnownAnswerOfTraining(Device device)
    {
        Ops.BatchNormTrain(new(2, 1, 2), momentum: 0.5f, epsilon: 0).AssertAnswer(
            device, [7, 13, 13, 7, 2, 0.5f, 6, 2.25f], [0, 4, 4, 0], [3], [10], [10], [4]);
        Ops.BatchNormTrain(new(2, 2, 1), momentum: 0.25f, epsilon: 0).AssertAnswer(
            device, [-1, 5, 1, -5, 2, 0, 0.5f, 1, 0.5f, 3, 0.125f, 0.25f], [0, 1, 4, -1], [1, 5], [0, 0], [0, 4], [0, 0]);
    }

    /// <summary>x̂ = [−1 1], dy = [3 5]: dbeta 8, dgamma 2, dx = gamma·inverse·(dy − 4 − x̂·1) = 0, and with dy = [3 5 5 3] one that is not.</summary>
    [Theory, EveryDevice]
    public void KnownAnswerOfTheGradient(Device device)
    {
        Ops.BatchNormBackward(new(1, 1, 2)).AssertAnswer(device, [0, 0, 2, 8], [0, 4], [2], [0.5f], [6], [7, 7], [3, 5]);
        Ops.BatchNormBackward(new(2, 1, 2)).AssertAnswer(device, [-3, 3, 3, -3, 0, 16], [0, 0, 4, 4], [2], [0.5f], [6], [7, 7, 7, 7], [3, 5, 5, 3]);
        Ops.BatchNormBackward(new(2, 2, 1)).AssertAnswer(
            device, [0, 0, 0, 0, 2, 2, 8, 8], [0, 1, 4, 3], [2, 2], [0.5f, 1], [6, 1], [7, 7, 7, 7], [3, 3, 5, 5]);

        // As the second, but that dy was halved by ELU's y + 1 and by nothing where y is positive.
        Ops.BatchNormBackward(new(2, 1, 2), Activation.Elu).AssertAnswer(
            device, [-3, 3, 3, -3, 0, 16], [0, 0, 4, 4], [2], [0.5f], [6], [-0.5f, 7, -0.5f, 7], [6, 5, 10, 3]);
    }

    /// <summary>
    /// A mean of 1e4 with a deviation of 1e-2, where a float has steps of 1e-3: Σx² − (Σx)²/n would have no digit left. The statistics of the floats as
    /// they are, in extended precision, are the measure.
    /// </summary>
    [Theory, EveryDevice]
    public void TrainingDoesNotCancelWhereTheMeanIsLarge(Device device)
    {
        foreach (BatchNormShape shape in new BatchNormShape[] { new(4, 3, 1000), new(3000, 3, 1), new(2, 20, 4097), new(1, 2, 40_000) })
        {
            Random random = new(1);
            float[] x = [.. Enumerable.Range(0, shape.Length).Select(_ => (float)(1e4 + 1e-2 * 3.46 * (random.NextDouble() - 0.5)))];
            float[] ones = [.. Enumerable.Repeat(1f, shape.C)], zeros = new float[shape.C];
            using IBackend backend = device.Open();
            float[] result = Ops.BatchNormTrain(shape, epsilon: 1e-8f).Run(backend, x, ones, zeros, zeros, zeros);
            for (int c = 0; c < shape.C; c++)
            {
                decimal[] channel = [.. x.Where((_, i) => i / shape.Inner % shape.C == c).Select(value => (decimal)(double)value)];
                decimal mean = channel.Average();
                double inverse = 1 / Math.Sqrt((double)channel.Average(value => (value - mean) * (value - mean)) + 1e-8f);
                Assert.Equal((float)mean, result[shape.Length + c]);
                Assert.InRange(result[shape.Length + shape.C + c] / inverse, 1 - 1e-6, 1 + 1e-6);
                for (int i = 0; i < shape.Length; i++)
                {
                    if (i / shape.Inner % shape.C == c) Assert.InRange(result[i] - (double)((decimal)(double)x[i] - mean) * inverse, -2e-6, 2e-6);
                }
            }
        }
    }

    /// <summary>A constant channel has no deviation; ε keeps it finite.</summary>
    [Theory, EveryDevice]
    public void TrainingOnAConstantGivesBeta(Device device) =>
        Ops.BatchNormTrain(new(2, 1, 3), momentum: 1, epsilon: 0.25f).AssertAnswer(
            device, [5, 5, 5, 5, 5, 5, 7, 2, 7, 2], [7, 7, 7, 7, 7, 7], [9], [5], [1], [1]);

    /// <summary>y over x in training, dx over dy in its gradient: the same bits as elsewhere.</summary>
    [Theory, EveryDevice]
    public void TrainingAndItsGradientMayWorkInPlace(Device device)
    {
        using IBackend backend = device.Open();
        foreach (BatchNormShape shape in new BatchNormShape[] { new(3, 5, 70), new(40, 19, 1) })
        {
            OpCase train = Ops.BatchNormTrain(shape, activation: Activation.Elu), gradient = Ops.BatchNormBackward(shape, Activation.Elu);
            float[][] batch = train.RandomInputs(), gradients = gradient.RandomInputs();
            Compare.SameBits(train.Run(backend, batch), train.RunInPlace(backend, "y", "x", batch), $"{train}");
            Compare.SameBits(gradient.Run(backend, gradients), gradient.RunInPlace(backend, "dx", "dy", gradients), $"{gradient}");
        }
    }
}
