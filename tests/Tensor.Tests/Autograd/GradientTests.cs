using Engine.Kernels;

namespace Engine.Tensors.Tests;

/// <summary>Each operation's gradients, all elements of all inputs, against central differences.</summary>
public sealed class GradientTests
{
    // A power of two, so that x ± step is nearly exact; it is small against the curvature of every operation here.
    private const float Step = 1f / 512;

    // Relative to an array's largest gradient. The losses are sums in double precision of results that err by 1e-7; divided by twice the step, that is 3e-5.
    // The rest is the differences' own error, (step²/6) times a third derivative, which is large for batch normalisation of few elements.
    private const double Tolerance = 1e-3;

    private static readonly Activation leaky = Activation.LeakyRelu(0.1f);

    private static readonly Dictionary<string, Operation> operations = new()
    {
        ["Conv2d"] = new([new(2, 3, 6, 5), new(4, 3, 3, 2), new(4)], v => v[0].Conv2d(v[1], v[2])),
        ["Conv2d, stride, padding, dilation"] = new(
            [new(2, 2, 7, 6), new(3, 2, 3, 2)], v => v[0].Conv2d(v[1], stride: (2, 1), padding: (1, 2), dilation: (2, 3))),
        ["Conv2d, leaky"] = new([new(2, 2, 5, 4), new(3, 2, 2, 3), new(3)], v => v[0].Conv2d(v[1], v[2], activation: leaky), HasKink: true),
        ["Conv2d, ELU"] = new([new(2, 2, 5, 4), new(3, 2, 2, 3), new(3)], v => v[0].Conv2d(v[1], v[2], activation: Activation.Elu)),
        ["Conv2d, sigmoid"] = new([new(2, 2, 5, 4), new(3, 2, 2, 3), new(3)], v => v[0].Conv2d(v[1], v[2], activation: Activation.Sigmoid)),
        ["ConvTranspose2d"] = new([new(2, 3, 3, 4), new(3, 2, 3, 2), new(2)], v => v[0].ConvTranspose2d(v[1], v[2])),
        ["ConvTranspose2d, stride, padding, ELU"] = new(
            [new(2, 2, 3, 4), new(2, 3, 4, 4)], v => v[0].ConvTranspose2d(v[1], stride: (2, 2), padding: (1, 1), activation: Activation.Elu)),
        ["ConvTranspose2d, dilation, sigmoid"] = new(
            [new(1, 2, 3, 4), new(2, 3, 2, 3), new(3)], v => v[0].ConvTranspose2d(v[1], v[2], dilation: (2, 1), activation: Activation.Sigmoid)),
        ["Dense"] = new([new(5, 7), new(7, 3), new(3)], v => v[0].Dense(v[1], v[2])),
        ["Dense, leaky, no bias"] = new([new(5, 7), new(7, 3)], v => v[0].Dense(v[1], activation: leaky), HasKink: true),
        ["Dense, ELU"] = new([new(5, 7), new(7, 3), new(3)], v => v[0].Dense(v[1], v[2], Activation.Elu)),
        ["Dense, sigmoid"] = new([new(5, 7), new(7, 3), new(3)], v => v[0].Dense(v[1], v[2], Activation.Sigmoid)),
        ["BatchNormTrain, maps"] = new(
            [new(3, 2, 3, 5), new(2), new(2)], v => v[0].BatchNormTrain(v[1], v[2], StatisticsOf(v), 0.1f, 1e-4f), [new(2), new(2), new(2), new(2)]),
        ["BatchNormTrain, features"] = new(
            [new(8, 3), new(3), new(3)], v => v[0].BatchNormTrain(v[1], v[2], StatisticsOf(v), 0.1f, 1e-4f), [new(3), new(3), new(3), new(3)]),
        ["Activate, none"] = new([new(3, 7)], v => v[0].Activate(Activation.None)),
        ["Activate, leaky"] = new([new(3, 7)], v => v[0].Activate(leaky)),
        ["Activate, ELU"] = new([new(3, 7)], v => v[0].Activate(Activation.Elu)),
        ["Activate, sigmoid"] = new([new(3, 7)], v => v[0].Activate(Activation.Sigmoid)),
        ["MaxPool2d"] = new([new(2, 2, 7, 5)], v => v[0].MaxPool2d((3, 2), (3, 2))),
        ["MaxPool2d, overlapping, dilated"] = new([new(2, 2, 7, 5)], v => v[0].MaxPool2d((3, 2), (1, 2), (2, 1))),
        ["ConvMaxPool2d"] = new(
            [new(2, 2, 8, 9), new(3, 2, 3, 3), new(3)],
            v => v[0].ConvMaxPool2d(v[1], v[2], (1, 1), (0, 0), (1, 1), Activation.Elu, (3, 3), (3, 3), (1, 1))),
        ["Pad2d"] = new([new(2, 3, 4, 5)], v => v[0].Pad2d(-1, 2, 5, 6)),
        ["convolutions, channels last"] = new(
            [new(2, 1, 9, 8), new(3, 1, 2, 3), new(3), new(2, 3, 2, 2), new(2)],
            v => v[0].ToLayout(BatchLayout.ChannelsLast).Conv2d(v[1], v[2], activation: Activation.Elu)
                .ConvMaxPool2d(v[3], v[4], (1, 1), (0, 0), (1, 1), Activation.Elu, (2, 2), (2, 2), (1, 1)).ToLayout(BatchLayout.First)),
        ["ToLayout, channels last and batch last"] = new(
            [new(2, 3, 4, 5), new(2, 3, 2, 2)],
            v => v[0].ToLayout(BatchLayout.Last).ToLayout(BatchLayout.ChannelsLast).Conv2d(v[1]).ToLayout(BatchLayout.Last).ToLayout(BatchLayout.First)),
        ["Pad2d, batch last"] = new([new(2, 3, 4, 5)], v => v[0].ToLayout(BatchLayout.Last).Pad2d(2, -3, 5, 6).ToLayout(BatchLayout.First)),
        ["BatchNormTrain, ELU"] = new(
            [new(3, 2, 3, 5), new(2), new(2)], v => v[0].BatchNormTrain(v[1], v[2], StatisticsOf(v), 0.1f, 1e-4f, Activation.Elu),
            [new(2), new(2), new(2), new(2)]),
        ["Batch last"] = new(
            [new(3, 2, 3, 4), new(2, 2, 4, 4), new(2), new(3, 2, 3, 3)],
            v => v[0].ToLayout(BatchLayout.Last).ConvTranspose2d(v[1], v[2], (2, 2), (1, 1), activation: Activation.Elu)
                .Conv2d(v[3], padding: (1, 1)).Crop2d(5, 6).ToLayout(BatchLayout.First)),
        ["Dropout"] = new([new(4, 9)], v => v[0].Dropout(0.4f, seed: 7)),
        ["Reshape"] = new([new(2, 3, 4)], v => v[0].Reshape(new Shape(6, 4))),
        ["MeanSquaredError"] = new([new(3, 5)], v => v[0].MeanSquaredError(v[1]), [new(3, 5)], IsLoss: true),
        ["Add"] = new([new(3, 5), new(3, 5)], v => v[0].Add(v[1], -0.3f)),
        ["Add, a constant"] = new([new(3, 5)], v => v[0].Add(v[1]), [new(3, 5)]),
        ["Multiply"] = new([new(3, 5), new(3, 5)], v => v[0].Multiply(v[1])),
        ["Multiply, by itself"] = new([new(3, 5)], v => v[0].Multiply(v[0])),
        ["Add, repeated"] = new([new(2, 3, 4), new(3, 1)], v => v[0].Add(v[1], -0.3f)),
        ["Add, both repeated"] = new([new(3, 1), new(2, 1, 4)], v => v[0].Add(v[1])),
        ["Subtract"] = new([new(3, 4), new(3, 4)], v => v[0].Subtract(v[1])),
        ["Multiply, repeated"] = new([new(2, 3, 4, 2), new(3, 1, 1)], v => v[0].Multiply(v[1])),
        ["Multiply, both repeated"] = new([new(2, 1, 4), new(3, 1)], v => v[0].Multiply(v[1])),
        ["Sum"] = new([new(3, 4)], v => v[0].Multiply(v[0]).Sum()),
        ["Sum over axes"] = new([new(2, 3, 4, 2)], v => v[0].Sum(1, 3)),
        ["Mean over axes"] = new([new(2, 3, 4)], v => v[0].Mean(2, 0)),
        ["InverseSqrt"] = new([new(3, 4)], v => v[0].Multiply(v[0]).InverseSqrt(0.5f)),
        ["SoftmaxCrossEntropy"] = new([new(3, 4)], v => v[0].SoftmaxCrossEntropy(v[1], 0.7f), [new(3, 4)], IsLoss: true),
        ["MeanSquaredError, scaled afterwards"] = new(
            [new(3, 5)], v => v[0].MeanSquaredError(v[1]).Multiply(v[2]), [new(3, 5), new(1)], IsLoss: true),
        ["SigmoidCrossEntropy, scaled afterwards"] = new(
            [new(3, 5)], v => v[0].SigmoidCrossEntropy(v[1]).Multiply(v[2]), [new(3, 5), new(1)], IsLoss: true),
        ["SoftmaxCrossEntropy, scaled afterwards"] = new(
            [new(3, 4)], v => v[0].SoftmaxCrossEntropy(v[1]).Multiply(v[2]), [new(3, 4), new(1)], IsLoss: true),
        ["Losses with weights, added up"] = new(
            [new(3, 5)], v => v[0].MeanSquaredError(v[1], 0.3f).Add(v[0].SigmoidCrossEntropy(v[1], 1.7f)), [new(3, 5)], IsLoss: true),
        ["SigmoidCrossEntropy"] = new([new(3, 5)], v => v[0].SigmoidCrossEntropy(v[1]), [new(3, 5)], IsLoss: true),
        ["An input that is the weights too"] = new([new(4, 4)], v => v[0].Dense(v[0])),
        ["A result used three times"] = new([new(4, 3), new(3, 4)], v => Cube(v[0].Dense(v[1], activation: Activation.Sigmoid))),
        ["Weights used twice"] = new([new(3, 4), new(4, 4), new(4)], v => v[0].Dense(v[1], v[2]).Dense(v[1], v[2])),
        ["A result and a view of it"] = new([new(2, 8)], v => v[0].Reshape(new Shape(4, 4)).Dense(v[0].Reshape(new Shape(4, 4)))),
    };

    public static TheoryData<string, bool> Cases()
    {
        TheoryData<string, bool> cases = [];
        foreach (string name in operations.Keys)
        {
            cases.Add(name, true);
            cases.Add(name, false);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void GradientsAreCentralDifferences(string name, bool reference)
    {
        Operation operation = operations[name];
        using IBackend backend = reference ? Backends.CreateReference() : Backends.CreateCpu(2);
        using Tape tape = new();
        Random random = new(11);
        Tensor[] tensors = [.. operation.Variables.Concat(operation.Constants ?? []).Select(shape => Draw(backend, random, shape))];
        ReadOnlySpan<Tensor> variables = tensors.AsSpan(0, operation.Variables.Length);
        foreach (Tensor variable in variables) variable.RequiresGradient = true;
        tape.Watch(tensors[0], requiresGradient: true);

        Tensor Run()
        {
            tape.Reset();
            return operation.Forward(tensors);
        }

        Tensor y = Run();
        using Tensor target = Draw(backend, random, y.Shape);
        float[] targets = operation.IsLoss ? [0] : target.ToArray();
        tape.Backward(operation.IsLoss ? y : y.MeanSquaredError(target));
        int compared = 0, passedOver = 0;
        foreach (Tensor variable in variables)
        {
            float[] values = variable.ToArray(), gradient = variable.Gradient!.ToArray();
            double scale = gradient.Max(Math.Abs);
            Assert.NotEqual(0, scale);
            for (int i = 0; i < values.Length; i++)
            {
                float[] right = RunWith(values[i] + Step), left = RunWith(values[i] - Step);
                RunWith(values[i]);

                if (operation.HasKink && right.Zip(left).Any(pair => pair.First > 0 != pair.Second > 0))
                {
                    passedOver++;
                    continue;
                }

                compared++;
                double difference = (Loss(right) - Loss(left)) / ((double)(values[i] + Step) - (values[i] - Step));
                Assert.True(
                    Math.Abs(difference - gradient[i]) <= Tolerance * scale,
                    $"{name}, {variable.Shape} at {i}: gradient {gradient[i]:g6}, difference {difference:g6}, "
                    + $"{Math.Abs(difference - gradient[i]) / scale:g3} of the largest gradient apart");

                float[] RunWith(float value)
                {
                    float[] changed = [.. values];
                    changed[i] = value;
                    backend.Upload(changed, variable.View);
                    return Run().ToArray();
                }
            }
        }

        Assert.True(compared > 3 * passedOver, $"{passedOver} of {compared + passedOver} elements were passed over");
        foreach (Tensor tensor in tensors) tensor.Dispose();

        double Loss(float[] results) =>
            operation.IsLoss ? results[0] : results.Zip(targets, (result, wanted) => ((double)result - wanted) * ((double)result - wanted)).Average();
    }

    private static BatchStatistics StatisticsOf(Tensor[] tensors) => new(tensors[3], tensors[4], tensors[5], tensors[6]);

    private static Tensor Cube(Tensor x) => x.Dense(x).Dense(x);

    // Evenly spaced numbers from -1 to 1 in random order. No step leads past another number or past zero.
    private static Tensor Draw(IBackend backend, Random random, Shape shape)
    {
        float[] values = [.. Enumerable.Range(0, shape.Length).Select(i => (2 * i + 0.5f) / shape.Length - 1)];
        random.Shuffle(values);
        return Tensor.From(backend, shape, values);
    }

    /// <summary>An operation, or a few, on variables followed by constants. A kink is where the result changes its sign.</summary>
    private sealed record Operation(Shape[] Variables, Func<Tensor[], Tensor> Forward, Shape[]? Constants = null, bool IsLoss = false, bool HasKink = false);
}
