namespace Engine.Kernels.Tests;

/// <summary>Every operation of a backend as an <see cref="OpCase"/>.</summary>
internal static class Ops
{
    public static OpCase Conv2d(Conv2dShape shape, bool bias = false, Activation activation = default) =>
        new(
            $"{shape}{Suffix(bias, activation)}", WithBias(bias, shape.K, shape.XLength, shape.WLength), shape.YLength,
            (backend, x, y) => backend.Conv2d(shape, x[0], x[1], bias ? x[2] : null, activation, y))
        {
            Tolerance = Tolerance.Sum(shape.C * shape.R * shape.S),
            Scale = inputs => Conv2d(shape, bias).RunReference(Absolute(inputs)),
        };

    public static OpCase ConvTranspose2d(ConvTranspose2dShape shape, bool bias = false, Activation activation = default) =>
        new(
            $"{shape}{Suffix(bias, activation)}", WithBias(bias, shape.K, shape.XLength, shape.WLength), shape.YLength,
            (backend, x, y) => backend.ConvTranspose2d(shape, x[0], x[1], bias ? x[2] : null, activation, y))
        {
            Tolerance = Tolerance.Sum(shape.C * shape.R * shape.S),
            Scale = inputs => ConvTranspose2d(shape, bias).RunReference(Absolute(inputs)),
        };

    public static OpCase Dense(DenseShape shape, bool bias = false, Activation activation = default) =>
        new(
            $"{shape}{Suffix(bias, activation)}", WithBias(bias, shape.Out, shape.XLength, shape.WLength), shape.YLength,
            (backend, x, y) => backend.Dense(shape, x[0], x[1], bias ? x[2] : null, activation, y))
        {
            Tolerance = Tolerance.Sum(shape.In),
            Scale = inputs => Dense(shape, bias).RunReference(Absolute(inputs)),
        };

    public static OpCase BatchNorm(BatchNormShape shape, Activation activation = default) =>
        new(
            $"{shape}{Suffix(false, activation)}", [shape.Length, shape.C, shape.C, shape.C, shape.C], shape.Length,
            (backend, x, y) => backend.BatchNormInfer(shape, x[0], x[1], x[2], x[3], x[4], activation, y))
        {
            Tolerance = Tolerance.BatchNorm,
            MayOverwriteInput = true,

            // The mean is subtracted: with its sign turned as well, all terms add up.
            Scale = inputs => BatchNorm(shape).RunReference([.. Absolute(inputs).Select((input, i) => i == 1 ? Negated(input) : input)]),
        };

    public static OpCase Activate(Activation activation, int length) =>
        new($"{length} floats{Suffix(false, activation)}", [length], length, (backend, x, y) => backend.Activate(activation, x[0], y))
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
        new($"{length} floats of {value}", [], length, (backend, _, y) => backend.Fill(value, y)) { TakesAnyLength = true };

    public static OpCase MaxPool2d(MaxPool2dShape shape) =>
        new($"{shape}", [shape.XLength], shape.YLength, (backend, x, y) => backend.MaxPool2d(shape, x[0], y));

    /// <summary>x, w, b → y, and argmax where it is wanted.</summary>
    public static OpCase ConvMaxPool2d(ConvMaxPool2dShape shape, bool bias = false, bool argmax = false, Activation activation = default)
    {
        Conv2dShape conv = shape.Conv;
        Tolerance tolerance = Tolerance.Sum(conv.C * conv.R * conv.S);
        return new(
            $"{shape}{Suffix(bias, activation)}{(argmax ? ", argmax" : "")}", WithBias(bias, conv.K, shape.XLength, shape.WLength),
            shape.YLength * (argmax ? 2 : 1),
            (backend, x, y) => backend.ConvMaxPool2d(
                shape, x[0], x[1], bias ? x[2] : null, activation, argmax ? y.Slice(0, shape.YLength) : y, argmax ? Rest(y, shape.YLength) : null))
        {
            LastPart = shape.YLength,
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
        new(
            $"dx of {shape}", [shape.YLength, shape.YLength, shape.WLength], shape.XLength,
            (backend, x, y) => backend.ConvMaxPool2dBackwardData(shape, x[0], x[1], x[2], y))
        {
            Tolerance = Tolerance.Sum(shape.Conv.K * shape.Conv.R * shape.Conv.S * shape.Pool.R * shape.Pool.S),
            Scale = inputs => ConvMaxPool2dBackwardData(shape).RunReference(Absolute(inputs)),
            Adjust = inputs => ToPositions(shape.Pool, inputs[0]),
        };

    /// <summary>x, argmax, dy → dw, db.</summary>
    public static OpCase ConvMaxPool2dBackwardFilter(ConvMaxPool2dShape shape, bool bias) =>
        new(
            $"dw{(bias ? " and db" : "")} of {shape}", [shape.XLength, shape.YLength, shape.YLength], shape.WLength + (bias ? shape.Conv.K : 0),
            (backend, x, y) => backend.ConvMaxPool2dBackwardFilter(
                shape, x[0], x[1], x[2], bias ? y.Slice(0, shape.WLength) : y, bias ? Rest(y, shape.WLength) : null))
        {
            LastPart = bias ? shape.Conv.K : shape.WLength,
            Tolerance = Tolerance.Sum(shape.Pool.N * shape.Pool.P * shape.Pool.Q),
            Scale = inputs => ConvMaxPool2dBackwardFilter(shape, bias).RunReference(Absolute(inputs)),
            Adjust = inputs => ToPositions(shape.Pool, inputs[1]),
        };

    public static OpCase Crop2d(Crop2dShape shape) =>
        new($"{shape}", [shape.XLength], shape.YLength, (backend, x, y) => backend.Crop2d(shape, x[0], y));

    public static OpCase Transpose(TransposeShape shape) =>
        new($"{shape}", [shape.Length], shape.Length, (backend, x, y) => backend.Transpose(shape, x[0], y));

    public static OpCase RealFft(RealFftShape shape) =>
        new($"{shape}", [shape.XLength, shape.Size], shape.YLength, (backend, x, y) => backend.RealFft(shape, x[0], x[1], y))
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
        new($"magnitude of {length}", [2 * length], length, (backend, x, y) => backend.Magnitude(x[0], y))
        {
            Tolerance = Tolerance.Magnitude,
        };

    public static OpCase LogFloor(float floor, int length) =>
        new($"logarithm of {length}, floor {floor}", [length], length, (backend, x, y) => backend.LogFloor(floor, x[0], y))
        {
            Tolerance = Tolerance.LogFloor,
            MayOverwriteInput = true,
        };

    public static OpCase Conv2dBackwardData(Conv2dShape shape) =>
        new($"dx of {shape}", [shape.YLength, shape.WLength], shape.XLength, (backend, x, y) => backend.Conv2dBackwardData(shape, x[0], x[1], y))
        {
            Tolerance = Tolerance.Sum(shape.K * shape.R * shape.S),
            Scale = inputs => Conv2dBackwardData(shape).RunReference(Absolute(inputs)),
        };

    public static OpCase ConvTranspose2dBackwardData(ConvTranspose2dShape shape) =>
        new(
            $"dx of {shape}", [shape.YLength, shape.WLength], shape.XLength,
            (backend, x, y) => backend.ConvTranspose2dBackwardData(shape, x[0], x[1], y))
        {
            Tolerance = Tolerance.Sum(shape.K * shape.R * shape.S),
            Scale = inputs => ConvTranspose2dBackwardData(shape).RunReference(Absolute(inputs)),
        };

    public static OpCase DenseBackwardData(DenseShape shape) =>
        new($"dx of {shape}", [shape.YLength, shape.WLength], shape.XLength, (backend, x, y) => backend.DenseBackwardData(shape, x[0], x[1], y))
        {
            Tolerance = Tolerance.Sum(shape.Out),
            Scale = inputs => DenseBackwardData(shape).RunReference(Absolute(inputs)),
        };

    /// <summary>x, dy → dw, db.</summary>
    public static OpCase Conv2dBackwardFilter(Conv2dShape shape, bool bias) =>
        BackwardFilter(
            $"{shape}", shape.XLength, shape.YLength, shape.WLength, shape.K, bias, shape.N * shape.P * shape.Q,
            (backend, x, dy, dw, db) => backend.Conv2dBackwardFilter(shape, x, dy, dw, db));

    /// <summary>x, dy → dw, db.</summary>
    public static OpCase ConvTranspose2dBackwardFilter(ConvTranspose2dShape shape, bool bias) =>
        BackwardFilter(
            $"{shape}", shape.XLength, shape.YLength, shape.WLength, shape.K, bias, shape.N * Math.Max(shape.H * shape.W, shape.P * shape.Q),
            (backend, x, dy, dw, db) => backend.ConvTranspose2dBackwardFilter(shape, x, dy, dw, db));

    /// <summary>x, dy → dw, db.</summary>
    public static OpCase DenseBackwardFilter(DenseShape shape, bool bias) =>
        BackwardFilter(
            $"{shape}", shape.XLength, shape.YLength, shape.WLength, shape.Out, bias, shape.N,
            (backend, x, dy, dw, db) => backend.DenseBackwardFilter(shape, x, dy, dw, db));

    /// <summary>y, dy → dx.</summary>
    public static OpCase ActivateBackward(Activation activation, int length) =>
        new(
            $"gradient of {length} floats{Suffix(false, activation)}", [length, length], length,
            (backend, x, y) => backend.ActivateBackward(activation, x[0], x[1], y))
        {
            Tolerance = Tolerance.ActivationGradient, MayOverwriteInput = true,
        };

    /// <summary>x, gamma, beta, running mean, running inverse deviation → y, mean, inverse deviation, both running ones.</summary>
    public static OpCase BatchNormTrain(BatchNormShape shape, float momentum = 0.1f, float epsilon = 1e-4f, Activation activation = default) =>
        new(
            $"training of {shape}{Suffix(false, activation)}", [shape.Length, shape.C, shape.C, shape.C, shape.C], shape.Length + 4 * shape.C,
            (backend, x, y) =>
            {
                int c = shape.C, at = shape.Length;
                View running = y.Slice(at + 2 * c, c), runningInverse = Rest(y, at + 3 * c);
                backend.Copy(x[3], running);
                backend.Copy(x[4], runningInverse);
                backend.BatchNormTrain(
                    shape, x[0], x[1], x[2], activation, y.Slice(0, at), y.Slice(at, c), y.Slice(at + c, c), running, runningInverse, momentum, epsilon);
            })
        {
            LastPart = shape.C,
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
        new(
            $"gradient of {shape}{Suffix(false, activation)}", [shape.Length, shape.C, shape.C, shape.C, shape.Length, shape.Length],
            shape.Length + 2 * shape.C,
            (backend, x, y) => backend.BatchNormBackward(
                shape, x[0], x[1], x[2], x[3], activation, x[4], x[5], y.Slice(0, shape.Length), y.Slice(shape.Length, shape.C),
                Rest(y, shape.Length + shape.C)))
        {
            LastPart = shape.C,
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

    /// <summary>x, dy → dx, y.</summary>
    public static OpCase MaxPool2dBackward(MaxPool2dShape shape) =>
        new(
            $"gradient of {shape}", [shape.XLength, shape.YLength], shape.XLength + shape.YLength,
            (backend, x, y) =>
            {
                View pooled = Rest(y, shape.XLength);
                backend.MaxPool2d(shape, x[0], pooled);
                backend.MaxPool2dBackward(shape, x[0], pooled, x[1], y.Slice(0, shape.XLength));
            })
        {
            LastPart = shape.YLength,
            Tolerance = Tolerance.Sum(shape.R * shape.S),
            Scale = inputs => MaxPool2dBackward(shape).RunReference(inputs[0], [.. inputs[1].Select(Math.Abs)]),

            // Few different values, so that there are ties.
            Adjust = inputs =>
            {
                for (int i = 0; i < inputs[0].Length; i++) inputs[0][i] = MathF.Round(3 * inputs[0][i]);
            },
        };

    public static OpCase Crop2dBackward(Crop2dShape shape) =>
        new($"gradient of {shape}", [shape.YLength], shape.XLength, (backend, x, y) => backend.Crop2dBackward(shape, x[0], y));

    public static OpCase Dropout(float probability, ulong seed, int length) =>
        new($"dropout {probability} of {length}, seed {seed}", [length], length, (backend, x, y) => backend.Dropout(probability, seed, x[0], y))
        {
            Tolerance = Tolerance.Dropout, MayOverwriteInput = true,
        };

    public static OpCase MeanSquaredError(int length, float weight = 1) =>
        new($"squared error of {length}, weight {weight}", [length, length], 1, (backend, x, y) => backend.MeanSquaredError(x[0], x[1], y, weight))
        {
            Tolerance = Tolerance.BlockedSum(length),
        };

    public static OpCase MeanSquaredErrorBackward(int length, float weight = 1) =>
        new(
            $"gradient of squared error of {length}, weight {weight}", [length, length], length,
            (backend, x, y) => backend.MeanSquaredErrorBackward(x[0], x[1], y, weight))
        {
            Tolerance = Tolerance.LossGradient, MayOverwriteInput = true,
        };

    public static OpCase SigmoidCrossEntropy(int length, float weight = 1) =>
        new($"cross-entropy of {length}, weight {weight}", [length, length], 1, (backend, x, y) => backend.SigmoidCrossEntropy(x[0], x[1], y, weight))
        {
            Tolerance = Tolerance.BlockedSum(length), Range = 20, Adjust = ToTargets,
            Scale = inputs =>
                [weight * inputs[0].Zip(inputs[1], (z, t) => Math.Max(z, 0) + Math.Abs(z * t) + MathF.Log(1 + MathF.Exp(-Math.Abs(z)))).Average()],
        };

    public static OpCase SigmoidCrossEntropyBackward(int length, float weight = 1) =>
        new(
            $"gradient of cross-entropy of {length}, weight {weight}", [length, length], length,
            (backend, x, y) => backend.SigmoidCrossEntropyBackward(x[0], x[1], y, weight))
        {
            Tolerance = Tolerance.LossGradient, Range = 20, Adjust = ToTargets, MayOverwriteInput = true,
            Scale = inputs => [.. inputs[0].Select(_ => 2f * weight / length)],
        };

    public static OpCase SumOfSquares(int length) =>
        new($"sum of squares of {length}", [length], 1, (backend, x, y) => backend.SumOfSquares(x[0], y))
        {
            Tolerance = Tolerance.BlockedSum(length),
            TakesAnyLength = true,
        };

    /// <summary>x, y → y + scale·x.</summary>
    public static OpCase AddScaled(float scale, int length) =>
        new(
            $"{length} floats plus {scale} times as many", [length, length], length,
            (backend, x, y) =>
            {
                backend.Copy(x[1], y);
                backend.AddScaled(scale, x[0], y);
            })
        {
            Tolerance = Tolerance.AddScaled,
            Scale = inputs => AddScaled(Math.Abs(scale), length).RunReference(Absolute(inputs)),
        };

    public static OpCase Multiply(int length) =>
        new($"{length} products", [length, length], length, (backend, x, y) => backend.Multiply(x[0], x[1], y))
        {
            Tolerance = Tolerance.Product, MayOverwriteInput = true,
        };

    /// <summary>g, w, m, v → w, m, v.</summary>
    public static OpCase Adam(AdamStep step, int length) =>
        new(
            $"{step}, {length} floats", [length, length, length, length], 3 * length,
            (backend, x, y) =>
            {
                View w = y.Slice(0, length), m = y.Slice(length, length), v = Rest(y, 2 * length);
                backend.Copy(x[1], w);
                backend.Copy(x[2], m);
                backend.Copy(x[3], v);
                backend.Adam(step, w, x[0], m, v);
            })
        {
            LastPart = length,
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
        new(
            $"momentum {momentum}, rate {learningRate}, {length} floats", [length, length, length], 2 * length,
            (backend, x, y) =>
            {
                View w = y.Slice(0, length), velocity = Rest(y, length);
                backend.Copy(x[1], w);
                backend.Copy(x[2], velocity);
                backend.Nesterov(learningRate, momentum, w, x[0], velocity);
            })
        {
            LastPart = length,
            Tolerance = Tolerance.Nesterov,

            // With a negative rate all terms add up.
            Scale = inputs => Nesterov(-learningRate, momentum, length).RunReference(Absolute(inputs)),
        };

    private static OpCase BackwardFilter(
        string name, int x, int dy, int dw, int db, bool bias, int terms, Action<IBackend, View, View, View, View?> body) =>
        new(
            $"dw{(bias ? " and db" : "")} of {name}", [x, dy], dw + (bias ? db : 0),
            (backend, inputs, output) => body(backend, inputs[0], inputs[1], bias ? output.Slice(0, dw) : output, bias ? Rest(output, dw) : null))
        {
            LastPart = bias ? db : dw,
            Tolerance = Tolerance.Sum(terms),
            Scale = inputs => BackwardFilter(name, x, dy, dw, db, bias, terms, body).RunReference(Absolute(inputs)),
        };

    // What is left of a view, be it of the wrong length, for the operation to complain of.
    private static View Rest(View view, int offset) => view.Slice(offset, view.Length - offset);

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

    private static string Suffix(bool bias, Activation activation) =>
        (bias ? ", bias" : "") + (activation.Kind == ActivationKind.None ? "" : $", {activation.Kind}")
        + (activation.Kind == ActivationKind.LeakyRelu ? $" {activation.Slope}" : "");

    private static int[] WithBias(bool bias, int length, params int[] inputs) => bias ? [.. inputs, length] : inputs;

    private static float[][] Absolute(float[][] inputs) => [.. inputs.Select(input => input.Select(Math.Abs).ToArray())];

    private static float[] Negated(float[] input) => [.. input.Select(value => -value)];
}
