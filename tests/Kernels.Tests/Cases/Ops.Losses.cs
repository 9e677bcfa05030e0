namespace Engine.Kernels.Tests;

/// <content>Losses and their gradients; the pointwise ones have their cases with the pointwise operations.</content>
internal static partial class Ops
{
    private static readonly (int Rows, int Classes)[] Classifications = [(1, 1), (1, 10), (7, 3), (3, 70), (500, 10), (2, 5000)];

    public static OpCase MeanSquaredError(int length, float weight = 1) =>
        new(MeanSquaredErrorOp.Spec(length, weight))
        {
            Tolerance = Tolerance.BlockedSum(length),
        };

    public static OpCase MeanSquaredErrorBackward(int length, float weight = 1) =>
        new(MeanSquaredErrorBackwardOp.Spec(length, weight))
        {
            Tolerance = Tolerance.LossGradient, MayOverwriteInput = true,
        };

    public static OpCase SigmoidCrossEntropy(int length, float weight = 1) =>
        new(SigmoidCrossEntropyOp.Spec(length, weight))
        {
            Tolerance = Tolerance.BlockedSum(length), Range = 20, Adjust = ToTargets,
            Scale = inputs =>
                [weight * inputs[0].Zip(inputs[1], (z, t) => Math.Max(z, 0) + Math.Abs(z * t) + MathF.Log(1 + MathF.Exp(-Math.Abs(z)))).Average()],
        };

    public static OpCase SigmoidCrossEntropyBackward(int length, float weight = 1) =>
        new(SigmoidCrossEntropyBackwardOp.Spec(length, weight))
        {
            Tolerance = Tolerance.LossGradient, Range = 20, Adjust = ToTargets, MayOverwriteInput = true,
            Scale = inputs => [.. inputs[0].Select(_ => 2f * weight * Math.Abs(inputs[2][0]) / length)],
        };

    public static OpCase SoftmaxCrossEntropy(int rows, int classes, float weight = 1) =>
        new(SoftmaxCrossEntropyOp.Spec(rows, classes, weight))
        {
            Tolerance = Tolerance.BlockedSum(rows * classes), Range = 20, Adjust = ToTargets,
            Scale = inputs => [weight * inputs[0].Zip(inputs[1], (z, t) => t * (2 * 20 + MathF.Log(classes))).Sum() / rows],
        };

    /// <summary>logits, target, dloss → dlogits.</summary>
    public static OpCase SoftmaxCrossEntropyBackward(int rows, int classes, float weight = 1) =>
        new(SoftmaxCrossEntropyBackwardOp.Spec(rows, classes, weight))
        {
            Tolerance = Tolerance.BlockedSum(classes), Range = 20, Adjust = ToTargets, MayOverwriteInput = true,
            Scale = inputs =>
            [
                .. inputs[1].Select((t, i) => Math.Abs(weight * inputs[2][0]) / rows * (t + inputs[1].Skip(i / classes * classes).Take(classes).Sum())),
            ],
        };

    public static OpCase SumOfSquares(int length) =>
        new(SumOfSquaresOp.Spec(length))
        {
            Tolerance = Tolerance.BlockedSum(length),
            TakesAnyLength = true,
        };

    private static IEnumerable<OpCase> LossCases() =>
    [
        .. Classifications.Select(size => SoftmaxCrossEntropy(size.Rows, size.Classes, 0.3f)),
        .. Classifications.Select(size => SoftmaxCrossEntropyBackward(size.Rows, size.Classes, 0.3f)),
    ];

    private static void ToTargets(float[][] inputs)
    {
        for (int i = 0; i < inputs[1].Length; i++) inputs[1][i] = inputs[1][i] > 0 ? 0.98f : 0.02f;
    }
}
