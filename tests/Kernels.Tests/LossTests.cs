namespace Engine.Kernels.Tests;

public class LossTests
{
    [Theory, EveryDevice]
    public void KnownAnswerOfMeanSquaredError(Device device)
    {
        Ops.MeanSquaredError(4).AssertAnswer(device, [7.5f], [1, 2, 3, 4], [0, 0, 0, 4 + 4]);
        Ops.MeanSquaredErrorBackward(4).AssertAnswer(device, [0.5f, 1, 1.5f, -2], [1, 2, 3, 4], [0, 0, 0, 4 + 4], [1]);
    }

    /// <summary>σ(0) = 1/2: ln 2 whatever the target; σ(ln 3) = 3/4.</summary>
    [Theory, EveryDevice]
    public void KnownAnswerOfSigmoidCrossEntropy(Device device)
    {
        Ops.SigmoidCrossEntropy(2).AssertNearAnswer(device, [MathF.Log(2)], [0, -0f], [1, 0.25f]);
        Ops.SigmoidCrossEntropy(1).AssertNearAnswer(device, [MathF.Log(4 / 3f)], [MathF.Log(3)], [1]);
        Ops.SigmoidCrossEntropyBackward(2).AssertNearAnswer(device, [-0.125f, 0.125f], [MathF.Log(3), -MathF.Log(3)], [1, 0], [1]);
    }

    /// <summary>Softmax of (0, ln 3) is (1/4, 3/4); of equal logits 1/C each.</summary>
    [Theory, EveryDevice]
    public void KnownAnswerOfSoftmaxCrossEntropy(Device device)
    {
        float[] logits = [0, MathF.Log(3), 5, 5], target = [0, 1, 0.5f, 0.5f];
        Ops.SoftmaxCrossEntropy(2, 2).AssertNearAnswer(device, [(MathF.Log(4 / 3f) + MathF.Log(2)) / 2], logits, target);
        Ops.SoftmaxCrossEntropyBackward(2, 2).AssertNearAnswer(device, [0.25f, -0.25f, 0, 0], logits, target, [2]);
        Ops.SoftmaxCrossEntropy(1, 2).AssertAnswer(device, [1e38f], [1e38f, 0], [0, 1]);
        Ops.SoftmaxCrossEntropy(1, 2).AssertAnswer(device, [float.NaN], [float.NaN, 0], [0, 1]);
    }

    /// <summary>A large logit neither overflows nor loses the little that is left of its loss.</summary>
    [Theory, EveryDevice]
    public void SigmoidCrossEntropyIsExactFarOut(Device device)
    {
        using IBackend backend = device.Open();
        foreach (float z in new[] { 5f, 20, 40, 80 })
        {
            // ln(1 + t) as a series, because t is small.
            double t = Math.Exp(-z), expected = t - t * t / 2 + t * t * t / 3 - t * t * t * t / 4;
            Assert.InRange(Ops.SigmoidCrossEntropy(1).Run(backend, [z], [1])[0] / expected, 1 - 1e-6, 1 + 1e-6);
            Assert.InRange(Ops.SigmoidCrossEntropy(1).Run(backend, [-z], [0])[0] / expected, 1 - 1e-6, 1 + 1e-6);
            Assert.InRange(Ops.SigmoidCrossEntropy(1).Run(backend, [z], [0])[0] / (z + expected), 1 - 1e-6, 1 + 1e-6);
        }

        Ops.SigmoidCrossEntropy(2).AssertAnswer(device, [5e37f], [1e38f, -1e38f], [0, 0]);
        Ops.SigmoidCrossEntropyBackward(2).AssertAnswer(device, [0.5f, -0.5f], [1e38f, float.NegativeInfinity], [0, 1], [1]);
    }

    /// <summary>A NaN must show in the loss.</summary>
    [Theory, EveryDevice]
    public void KeepNaN(Device device)
    {
        float[] x = new float[100], target = new float[100];
        x[71] = float.NaN;
        Ops.MeanSquaredError(100).AssertAnswer(device, [float.NaN], x, target);
        Ops.SigmoidCrossEntropy(100).AssertAnswer(device, [float.NaN], x, target);
        Ops.SumOfSquares(100).AssertAnswer(device, [float.NaN], x);
    }

    [Theory, EveryDevice]
    public void KnownAnswerOfSumOfSquares(Device device) => Ops.SumOfSquares(3).AssertAnswer(device, [29], [2, -3, 4]);

    /// <summary>Ten million equal terms: summed in float32 alone, they would stop growing.</summary>
    [Theory, EveryWidth]
    public void SumsOfManyTermsKeepTheirDigits(Device device)
    {
        const int Length = 10_000_000;
        using IBackend backend = device.Open();
        float[] x = new float[Length];
        Array.Fill(x, 0.1f);
        double expected = (double)0.1f * 0.1f * Length;
        Assert.InRange(Ops.SumOfSquares(Length).Run(backend, x)[0] / expected, 1 - 1e-6, 1 + 1e-6);
        Assert.InRange(Ops.MeanSquaredError(Length).Run(backend, x, new float[Length])[0] / (expected / Length), 1 - 1e-6, 1 + 1e-6);
    }

    [Theory, EveryDevice]
    public void TheWeightScalesALossAndItsGradient(Device device)
    {
        Ops.MeanSquaredError(2, 0.5f).AssertAnswer(device, [2.5f], [1, 3], [0, 0]);
        Ops.MeanSquaredErrorBackward(2, 0.5f).AssertAnswer(device, [-1, -3], [1, 3], [0, 0], [-2]);
        Ops.SigmoidCrossEntropy(1, 0.5f).AssertNearAnswer(device, [MathF.Log(2) / 2], [0], [1]);
        Ops.SigmoidCrossEntropyBackward(1, 0.5f).AssertNearAnswer(device, [-0.75f], [0], [1], [3]);
    }

    [Theory, EveryDevice]
    public void KnownAnswerOfMultiply(Device device) => Ops.Multiply(3).AssertAnswer(device, [20, -40, 0], [2, -2, 0], [10, 20, 30]);

    [Theory, EveryDevice]
    public void KnownAnswerOfAddScaled(Device device) => Ops.AddScaled(0.5f, 3).AssertAnswer(device, [11, 19, 30], [2, -2, 0], [10, 20, 30]);
}
