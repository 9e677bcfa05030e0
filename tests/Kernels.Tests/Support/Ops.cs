namespace Engine.Kernels.Tests;

/// <summary>Every operation of a backend as an <see cref="OpCase"/>.</summary>
internal static class Ops
{
    public static OpCase Conv2d(Conv2dShape shape, bool bias = false, Activation activation = default) =>
        new(Conv2dOp.Spec(shape, bias, activation))
        {
            Tolerance = Tolerance.Sum(shape.C * shape.R * shape.S),
            Scale = inputs => Conv2d(shape, bias).RunReference(Absolute(inputs)),
        };

    public static OpCase ConvTranspose2d(ConvTranspose2dShape shape, bool bias = false, Activation activation = default) =>
        new(ConvTranspose2dOp.Spec(shape, bias, activation))
        {
            Tolerance = Tolerance.Sum(shape.C * shape.R * shape.S),
            Scale = inputs => ConvTranspose2d(shape, bias).RunReference(Absolute(inputs)),
        };

    public static OpCase Dense(DenseShape shape, bool bias = false, Activation activation = default) =>
        new(DenseOp.Spec(shape, bias, activation))
        {
            Tolerance = Tolerance.Sum(shape.In),
            Scale = inputs => Dense(shape, bias).RunReference(Absolute(inputs)),
        };

    public static OpCase BatchNorm(BatchNormShape shape, Activation activation = default) =>
        new(BatchNormInferOp.Spec(shape, activation))
        {
            Tolerance = Tolerance.BatchNorm,
            MayOverwriteInput = true,

            // The mean is subtracted: with its sign turned as well, all terms add up.
            Scale = inputs => BatchNorm(shape).RunReference([.. Absolute(inputs).Select((input, i) => i == 1 ? Negated(input) : input)]),
        };

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

    public static OpCase Fill(float value, int length) =>
        new(FillOp.Spec(value, length)) { TakesAnyLength = true };

    public static OpCase MaxPool2d(MaxPool2dShape shape) => new(MaxPool2dOp.Spec(shape));

    /// <summary>x, w, b → y, and argmax where it is wanted.</summary>
    public static OpCase ConvMaxPool2d(ConvMaxPool2dShape shape, bool bias = false, bool argmax = false, Activation activation = default)
    {
        Conv2dShape conv = shape.Conv;
        Tolerance tolerance = Tolerance.Sum(conv.C * conv.R * conv.S);
        return new(ConvMaxPool2dOp.Spec(shape, bias, activation, argmax))
        {
            Tolerance = tolerance,
            Scale = inputs =>
            {
                float[] terms = ConvMaxPool2d(shape, bias).RunReference(Absolute(inputs));
                if (!argmax) return terms;

                // Where another sum of the window comes as near to the largest as both may err, either may be found; else only the right one will do.
                float[] sums = Conv2d(conv).RunReference(inputs[..2]);
                return [.. terms, .. terms.Select((scale, i) =>
                {
                    float[] window = [.. WindowOf(shape.Pool, i).Select(at => sums[at]).OrderDescending()];
                    return window.Length > 1 && window[0] - window[1] <= 2 * tolerance.Relative * scale ? (float)(window.Length / tolerance.Relative) : 0;
                })];
            },
        };
    }

    /// <summary>argmax, dy, w → dx.</summary>
    public static OpCase ConvMaxPool2dBackwardData(ConvMaxPool2dShape shape) =>
        new(ConvMaxPool2dBackwardDataOp.Spec(shape))
        {
            Tolerance = Tolerance.Sum(shape.Conv.K * shape.Conv.R * shape.Conv.S * shape.Pool.R * shape.Pool.S),
            Scale = inputs => ConvMaxPool2dBackwardData(shape).RunReference(Absolute(inputs)),
            Adjust = inputs => ToPositions(shape.Pool, inputs[0]),
        };

    /// <summary>x, argmax, dy → dw, db.</summary>
    public static OpCase ConvMaxPool2dBackwardFilter(ConvMaxPool2dShape shape, bool bias) =>
        new(ConvMaxPool2dBackwardFilterOp.Spec(shape, bias))
        {
            Tolerance = Tolerance.Sum(shape.Pool.N * shape.Pool.P * shape.Pool.Q),
            Scale = inputs => ConvMaxPool2dBackwardFilter(shape, bias).RunReference(Absolute(inputs)),
            Adjust = inputs => ToPositions(shape.Pool, inputs[1]),
        };

    public static OpCase Crop2d(Crop2dShape shape) => new(Crop2dOp.Spec(shape));

    public static OpCase Transpose(TransposeShape shape) => new(TransposeOp.Spec(shape));

    public static OpCase RealFft(RealFftShape shape) =>
        new(RealFftOp.Spec(shape))
        {
            Tolerance = Tolerance.Fft(shape.Size),
            Scale = inputs =>
            {
                // Bin 0 of the absolute values is Σ|x·window|, for all bins of the frame.
                RealFftShape sums = new(shape.Frames, shape.Size, shape.Hop, 1);
                float[] frames = RealFft(sums).RunReference(Absolute(inputs));
                return [.. Enumerable.Range(0, shape.YLength).Select(i => frames[i / (2 * shape.Bins) * 2])];
            },
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

    public static OpCase Conv2dBackwardData(Conv2dShape shape) => Sums(Conv2dBackwardDataOp.Spec(shape), shape.K * shape.R * shape.S);

    public static OpCase ConvTranspose2dBackwardData(ConvTranspose2dShape shape) => Sums(ConvTranspose2dBackwardDataOp.Spec(shape), shape.K * shape.R * shape.S);

    public static OpCase DenseBackwardData(DenseShape shape) => Sums(DenseBackwardDataOp.Spec(shape), shape.Out);

    /// <summary>x, dy → dw, db.</summary>
    public static OpCase Conv2dBackwardFilter(Conv2dShape shape, bool bias) =>
        Sums(Conv2dBackwardFilterOp.Spec(shape, bias), shape.N * shape.P * shape.Q);

    /// <summary>x, dy → dw, db.</summary>
    public static OpCase ConvTranspose2dBackwardFilter(ConvTranspose2dShape shape, bool bias) =>
        Sums(ConvTranspose2dBackwardFilterOp.Spec(shape, bias), shape.N * Math.Max(shape.H * shape.W, shape.P * shape.Q));

    /// <summary>x, dy → dw, db.</summary>
    public static OpCase DenseBackwardFilter(DenseShape shape, bool bias) =>
        Sums(DenseBackwardFilterOp.Spec(shape, bias), shape.N);

    /// <summary>y, dy → dx.</summary>
    public static OpCase ActivateBackward(Activation activation, int length) =>
        new(ActivateBackwardOp.Spec(activation, length))
        {
            Tolerance = Tolerance.ActivationGradient, MayOverwriteInput = true,
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

    /// <summary>x, y, dy → dx.</summary>
    public static OpCase MaxPool2dBackward(MaxPool2dShape shape) =>
        new(MaxPool2dBackwardOp.Spec(shape))
        {
            Tolerance = Tolerance.Sum(shape.R * shape.S),
            Scale = inputs => MaxPool2dBackward(shape).RunReference(inputs[0], inputs[1], [.. inputs[2].Select(Math.Abs)]),

            // Few different values, so that there are ties.
            Adjust = inputs =>
            {
                for (int i = 0; i < inputs[0].Length; i++) inputs[0][i] = MathF.Round(3 * inputs[0][i]);
                inputs[1] = MaxPool2d(shape).RunReference(inputs[0]);
            },
        };

    public static OpCase Crop2dBackward(Crop2dShape shape) => new(Crop2dBackwardOp.Spec(shape));

    public static OpCase Dropout(float probability, ulong seed, int length) =>
        new(DropoutOp.Spec(probability, seed, length))
        {
            Tolerance = Tolerance.Dropout, MayOverwriteInput = true,
        };

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

    public static OpCase BroadcastAdd(BroadcastShape shape, float scale) =>
        new(BroadcastAddOp.Spec(shape, scale))
        {
            Tolerance = Tolerance.AddScaled, Scale = inputs => BroadcastAdd(shape, Math.Abs(scale)).RunReference(Absolute(inputs)),
        };

    public static OpCase BroadcastMultiply(BroadcastShape shape, float scale) => new(BroadcastMultiplyOp.Spec(shape, scale)) { Tolerance = Tolerance.AddScaled };

    /// <summary>x, factor if there is one → y.</summary>
    public static OpCase SumOver(Axes y, Axes x, Axes? factor = null, float scale = 1) =>
        new(SumOverOp.Spec(y, x, factor, scale))
        {
            Tolerance = Tolerance.BlockedSum(x.Length / y.Length),
            Scale = inputs => SumOver(y, x, factor, Math.Abs(scale)).RunReference(Absolute(inputs)),
        };

    public static OpCase Repeat(Axes x, Axes y, float scale) => new(RepeatOp.Spec(x, y, scale)) { Tolerance = Tolerance.Product };

    public static OpCase Add(float scale, int length) =>
        new(AddOp.Spec(scale, length))
        {
            Tolerance = Tolerance.AddScaled, MayOverwriteInput = true,
            Scale = inputs => Add(Math.Abs(scale), length).RunReference(Absolute(inputs)),
        };

    public static OpCase SumOfSquares(int length) =>
        new(SumOfSquaresOp.Spec(length))
        {
            Tolerance = Tolerance.BlockedSum(length),
            TakesAnyLength = true,
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

    // Of an operation that is a sum of products of its inputs.
    private static OpCase Sums(OpSpec spec, int terms) =>
        new(spec) { Tolerance = Tolerance.Sum(terms), Scale = inputs => new OpCase(spec).RunReference(Absolute(inputs)) };

    // From numbers between -1 and 1 to places in a window.
    private static void ToPositions(in MaxPool2dShape pool, float[] numbers)
    {
        for (int i = 0; i < numbers.Length; i++) numbers[i] = MathF.Floor((numbers[i] + 1) / 2 * pool.R * pool.S * 0.999f);
    }

    // Where the entries of an output's window lie, in row-major order.
    private static IEnumerable<int> WindowOf(MaxPool2dShape pool, int output)
    {
        int plane = output / (pool.P * pool.Q), p = output / pool.Q % pool.P, q = output % pool.Q;
        for (int r = 0; r < pool.R; r++)
        for (int s = 0; s < pool.S; s++)
        {
            yield return (plane * pool.H + p * pool.StrideH + r * pool.DilationH) * pool.W + q * pool.StrideW + s * pool.DilationW;
        }
    }

    private static void ToTargets(float[][] inputs)
    {
        for (int i = 0; i < inputs[1].Length; i++) inputs[1][i] = inputs[1][i] > 0 ? 0.98f : 0.02f;
    }

    private static void Absolute(float[] input)
    {
        for (int i = 0; i < input.Length; i++) input[i] = Math.Abs(input[i]);
    }

    private static float[][] Absolute(float[][] inputs) => [.. inputs.Select(input => input.Select(Math.Abs).ToArray())];

    private static float[] Negated(float[] input) => [.. input.Select(value => -value)];
}
