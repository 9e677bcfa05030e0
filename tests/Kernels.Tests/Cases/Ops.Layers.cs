using CsCheck;

namespace Engine.Kernels.Tests;

/// <content>Matrix products, batch normalisation, and their gradients.</content>
internal static partial class Ops
{
    private static readonly DenseShape[] Products =
        [
            new(1, 1, 1), new(1, 7, 5), new(3, 129, 50), new(17, 256, 33), new(33, 130, 97), new(2, 1, 70), new(40, 3, 1), new(1, 779, 83),
            new(9, 1300, 70), new(33, 2600, 10),
        ];

    private static readonly BatchNormShape[] Normalisations =
        [new(1, 1, 1), new(3, 5, 7), new(2, 3, 64), new(1, 1, 100), new(70, 13, 1), new(33, 70, 1), new(1, 2, 40_000), new(2, 3, 16_500), new(2, 2, 70_000)];

    // Activations after a normalisation, in turn.
    private static readonly Activation[] Normalised = [Activation.None, Activation.Elu, Activation.LeakyRelu(0.2f)];

    public static OpCase Dense(DenseShape shape, bool bias = false, Activation activation = default, bool sparse = false) =>
        new(DenseOp.Spec(shape, bias, activation, sparse))
        {
            Tolerance = Tolerance.Sum(shape.In),
            Scale = inputs => Dense(shape, bias).RunReference(Absolute(inputs)),
            Adjust = inputs =>
            {
                if (sparse) KeepRuns(shape, inputs[1]);
            },
        };

    // Leaves every output a few inputs that are neighbours, and every fifth output none.
    private static void KeepRuns(DenseShape shape, float[] w)
    {
        for (int i = 0; i < w.Length; i++)
        {
            int output = i % shape.Out, from = 3 * output % shape.In;
            if (output % 5 == 4 || i / shape.Out < from || i / shape.Out > from + output % 7) w[i] = 0;
        }
    }

    public static OpCase DenseBackwardData(DenseShape shape) => SumOfProducts(DenseBackwardDataOp.Spec(shape), shape.Out);

    /// <summary>x, dy → dw, db.</summary>
    public static OpCase DenseBackwardFilter(DenseShape shape, bool bias) =>
        SumOfProducts(DenseBackwardFilterOp.Spec(shape, bias), shape.N);

    public static OpCase BatchNorm(BatchNormShape shape, Activation activation = default) =>
        new(BatchNormInferOp.Spec(shape, activation))
        {
            Tolerance = Tolerance.BatchNorm,
            MayOverwriteInput = true,

            // The mean is subtracted, so with its sign turned all terms add up.
            Scale = inputs => BatchNorm(shape).RunReference([.. Absolute(inputs).Select((input, i) => i == 1 ? Negated(input) : input)]),
        };

    /// <summary>x, gamma, beta, running mean, running inverse deviation → y, mean, inverse deviation, both running ones.</summary>
    public static OpCase BatchNormTrain(BatchNormShape shape, float momentum = 0.1f, float epsilon = 1e-4f, Activation activation = default) =>
        new(BatchNormTrainOp.Spec(shape, momentum, epsilon, activation))
        {
            Tolerance = Tolerance.BlockedSum(shape.N * shape.Inner),
            Scale = inputs =>
            {
                float[] result = BatchNormTrain(shape, momentum, epsilon).RunReference(inputs), scale = new float[result.Length];
                for (int i = 0; i < shape.Length; i++)
                {
                    int c = i / shape.Inner % shape.C;
                    scale[shape.Length + c] += Math.Abs(inputs[0][i]) / (shape.N * shape.Inner);
                }

                for (int i = 0; i < shape.Length; i++)
                {
                    int c = i / shape.Inner % shape.C;
                    float inverse = result[shape.Length + shape.C + c], mean = scale[shape.Length + c];
                    scale[i] = (Math.Abs(inputs[0][i]) + mean) * inverse * Math.Abs(inputs[1][c]) + Math.Abs(inputs[2][c]);
                    scale[shape.Length + 2 * shape.C + c] = Math.Abs(inputs[3][c]) + mean;
                    scale[shape.Length + 3 * shape.C + c] = Math.Abs(inputs[4][c]) + inverse;
                }

                return scale;
            },
        };

    /// <summary>x, mean, inverse deviation, gamma, y, dy → dx, dgamma, dbeta.</summary>
    public static OpCase BatchNormBackward(BatchNormShape shape, Activation activation = default) =>
        new(BatchNormBackwardOp.Spec(shape, activation))
        {
            Tolerance = Tolerance.BlockedSum(shape.N * shape.Inner),
            Scale = inputs =>
            {
                float[] scale = new float[shape.Length + 2 * shape.C];
                for (int i = 0; i < shape.Length; i++)
                {
                    int c = i / shape.Inner % shape.C;
                    scale[shape.Length + c] += Gradient(i) * Normal(i, c);
                    scale[shape.Length + shape.C + c] += Gradient(i);
                }

                for (int i = 0; i < shape.Length; i++)
                {
                    int c = i / shape.Inner % shape.C, count = shape.N * shape.Inner;
                    scale[i] = Math.Abs(inputs[3][c] * inputs[2][c])
                        * (Gradient(i) + (scale[shape.Length + shape.C + c] + Normal(i, c) * scale[shape.Length + c]) / count);
                }

                return scale;

                float Gradient(int i) => (float)ActivationGradient.Reference(activation, inputs[4][i], Math.Abs(inputs[5][i]));
                float Normal(int i, int c) => (Math.Abs(inputs[0][i]) + Math.Abs(inputs[1][c])) * Math.Abs(inputs[2][c]);
            },
        };

    private static IEnumerable<OpCase> LayerCases() =>
    [
        .. Products.Concat(Generate(GenDense)).Select((shape, i) => Dense(shape, i % 3 > 0, Activations[i % Activations.Length])),
        .. Products.Select((shape, i) => Dense(shape, i % 3 > 0, Activations[i % Activations.Length], sparse: true)),
        .. Products.Concat(Generate(GenDense)).Select(DenseBackwardData),
        .. Products.Concat(Generate(GenDense)).Select((shape, i) => DenseBackwardFilter(shape, i % 3 > 0)),
        .. Normalisations.Concat(Generate(GenBatchNorm)).Select((shape, i) => BatchNorm(shape, Normalised[i % 3])),
        .. Normalisations.Concat(Generate(GenBatchNorm)).Select((shape, i) => BatchNormTrain(shape, activation: Normalised[i % 3])),
        .. Normalisations.Concat(Generate(GenBatchNorm)).Select((shape, i) => BatchNormBackward(shape, Normalised[i % 3])),
    ];

    private static Gen<DenseShape> GenDense =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 300], Gen.Int[1, 150], (n, inputs, outputs) => new DenseShape(n, inputs, outputs));

    private static Gen<BatchNormShape> GenBatchNorm =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 90], (n, c, inner) => new BatchNormShape(n, c, inner));
}
