namespace Engine.Kernels.Tests;

/// <content>What works element by element.</content>
internal static partial class Ops
{
    private static IEnumerable<OpCase> OwnPointwise(int length) =>
    [
        .. Activations.Select(activation => Activate(activation, length)),
        LogFloor(1e-3f, length), Magnitude(length), BatchNorm(new(1, 1, length)), BatchNorm(new(2, length, 1)),
        .. Activations.Select(activation => ActivateBackward(activation, length)),
        BatchNormTrain(new(1, 1, length)), BatchNormTrain(new(2, length, 1)),
        BatchNormBackward(new(1, 1, length)), BatchNormBackward(new(2, length, 1)),
        Dropout(0.5f, 1, length), Dropout(0.1f, ulong.MaxValue, length),
        MeanSquaredError(length), MeanSquaredErrorBackward(length),
        SigmoidCrossEntropy(length), SigmoidCrossEntropyBackward(length),
        MeanSquaredError(length, 0.3f), MeanSquaredErrorBackward(length, 0.3f),
        SigmoidCrossEntropy(length, 0.3f), SigmoidCrossEntropyBackward(length, 0.3f),
        SumOfSquares(length), AddScaled(-0.3f, length), Add(-0.3f, length), Multiply(length), Fill(-0.3f, length),
        Adam(new(1e-3f, 0.9f, 0.999f, 1e-8f, 1), length), Adam(new(0.1f, 0.8f, 0.9f, 1e-3f, 7), length),
        Nesterov(0.01f, 0.95f, length),
    ];

    public static OpCase Activate(Activation activation, int length) =>
        new(ActivateOp.Spec(activation, length))
        {
            Tolerance = activation.Kind switch
            {
                ActivationKind.LeakyRelu => Tolerance.LeakyRelu,
                ActivationKind.Elu => Tolerance.Elu,
                ActivationKind.Sigmoid => Tolerance.Sigmoid,
                _ => Tolerance.Exact,
            },
            Range = 20,
            MayOverwriteInput = true,
        };

    /// <summary>y, dy → dx.</summary>
    public static OpCase ActivateBackward(Activation activation, int length) =>
        new(ActivateBackwardOp.Spec(activation, length))
        {
            Tolerance = Tolerance.ActivationGradient, MayOverwriteInput = true,
        };

    public static OpCase Magnitude(int length) =>
        new(MagnitudeOp.Spec(length))
        {
            Tolerance = Tolerance.Magnitude,
        };

    public static OpCase LogFloor(float floor, int length) =>
        new(LogFloorOp.Spec(floor, length))
        {
            Tolerance = Tolerance.LogFloor,
            MayOverwriteInput = true,
        };

    public static OpCase Fill(float value, int length) =>
        new(FillOp.Spec(value, length)) { TakesAnyLength = true };

    public static OpCase Dropout(float probability, ulong seed, int length) =>
        new(DropoutOp.Spec(probability, seed, length))
        {
            Tolerance = Tolerance.Dropout, MayOverwriteInput = true,
        };

    public static OpCase Add(float scale, int length) =>
        new(AddOp.Spec(scale, length))
        {
            Tolerance = Tolerance.AddScaled, MayOverwriteInput = true,
            Scale = inputs => Add(Math.Abs(scale), length).RunReference(Absolute(inputs)),
        };

    /// <summary>x, y → y + scale·x.</summary>
    public static OpCase AddScaled(float scale, int length) =>
        new(AddScaledOp.Spec(scale, length))
        {
            Tolerance = Tolerance.AddScaled,
            Scale = inputs => AddScaled(Math.Abs(scale), length).RunReference(Absolute(inputs)),
        };

    public static OpCase Multiply(int length) =>
        new(MultiplyOp.Spec(length))
        {
            Tolerance = Tolerance.Product, MayOverwriteInput = true,
        };

    /// <summary>g, w, m, v → w, m, v.</summary>
    public static OpCase Adam(AdamStep step, int length) =>
        new(AdamOp.Spec(step, length))
        {
            Tolerance = Tolerance.Adam,

            // Second moments are not negative.
            Adjust = inputs => Absolute(inputs[3]),
            Scale = inputs =>
            {
                float[] terms = Adam(step, length).RunReference(Absolute(inputs));
                for (int i = 0; i < length; i++)
                {
                    terms[i] = Math.Abs(inputs[1][i]) + (float)(step.CorrectedRate * terms[length + i] / (Math.Sqrt(terms[2 * length + i]) + step.Epsilon));
                }

                return terms;
            },
        };

    /// <summary>g, w, velocity → w, velocity.</summary>
    public static OpCase Nesterov(float learningRate, float momentum, int length) =>
        new(NesterovOp.Spec(learningRate, momentum, length))
        {
            Tolerance = Tolerance.Nesterov,

            // With a negative rate all terms add up.
            Scale = inputs => Nesterov(-learningRate, momentum, length).RunReference(Absolute(inputs)),
        };
}
