namespace Engine.Kernels.Tests;

/// <summary>
/// The reference forms of the gradients against central differences of the reference forwards, and adjoint identities on every backend.
/// </summary>
public class GradientTests
{
    // Linear operations have no third derivative: a large step costs nothing and keeps the rounding small.
    private const float LinearStep = 0.5f;
    private const float CurvedStep = 1f / 64;

    private static readonly Conv2dShape[] Convolutions =
    [
        new(2, 3, 5, 6, 2, 2, 3),
        new(2, 2, 8, 9, 3, 3, 2, strideH: 2, strideW: 3, padH: 1, padW: 2), // rows and columns that no window reaches
        new(1, 2, 7, 8, 2, 3, 2, 2, 1, 1, 1, 2, 3),
        new(2, 1, 4, 5, 2, 1, 1, strideH: 3, strideW: 2),
        new(3, 2, 5, 4, 5, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last),
    ];

    private static readonly ConvTranspose2dShape[] TransposedConvolutions =
    [
        new(2, 3, 2, 3, 2, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1),
        new(1, 2, 3, 2, 3, 2, 3, strideH: 3, strideW: 1, dilationH: 2, dilationW: 2),
        new(2, 2, 2, 3, 1, 1, 2, strideH: 2, strideW: 3),
        new(3, 2, 3, 2, 5, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last),
    ];

    [Fact]
    public void OfConv2d()
    {
        foreach (Conv2dShape shape in Convolutions)
        {
            float[] x = Random(shape.XLength, 1), w = Random(shape.WLength, 2), b = Random(shape.K, 3), r = Random(shape.YLength, 4);
            OpCase forward = Ops.Conv2d(shape, bias: true);
            float[] filter = Ops.Conv2dBackwardFilter(shape, bias: true).RunReference(x, r);
            FiniteDifference.AssertGradient(forward, [x, w, b], 0, r, Ops.Conv2dBackwardData(shape).RunReference(r, w), LinearStep);
            FiniteDifference.AssertGradient(forward, [x, w, b], 1, r, filter.AsSpan(0, shape.WLength), LinearStep);
            FiniteDifference.AssertGradient(forward, [x, w, b], 2, r, filter.AsSpan(shape.WLength), LinearStep);
        }
    }

    [Fact]
    public void OfConvTranspose2d()
    {
        foreach (ConvTranspose2dShape shape in TransposedConvolutions)
        {
            float[] x = Random(shape.XLength, 1), w = Random(shape.WLength, 2), b = Random(shape.K, 3), r = Random(shape.YLength, 4);
            OpCase forward = Ops.ConvTranspose2d(shape, bias: true);
            float[] filter = Ops.ConvTranspose2dBackwardFilter(shape, bias: true).RunReference(x, r);
            FiniteDifference.AssertGradient(forward, [x, w, b], 0, r, Ops.ConvTranspose2dBackwardData(shape).RunReference(r, w), LinearStep);
            FiniteDifference.AssertGradient(forward, [x, w, b], 1, r, filter.AsSpan(0, shape.WLength), LinearStep);
            FiniteDifference.AssertGradient(forward, [x, w, b], 2, r, filter.AsSpan(shape.WLength), LinearStep);
        }
    }

    [Fact]
    public void OfDense()
    {
        DenseShape shape = new(3, 5, 4);
        float[] x = Random(shape.XLength, 1), w = Random(shape.WLength, 2), b = Random(shape.Out, 3), r = Random(shape.YLength, 4);
        OpCase forward = Ops.Dense(shape, bias: true);
        float[] filter = Ops.DenseBackwardFilter(shape, bias: true).RunReference(x, r);
        FiniteDifference.AssertGradient(forward, [x, w, b], 0, r, Ops.DenseBackwardData(shape).RunReference(r, w), LinearStep);
        FiniteDifference.AssertGradient(forward, [x, w, b], 1, r, filter.AsSpan(0, shape.WLength), LinearStep);
        FiniteDifference.AssertGradient(forward, [x, w, b], 2, r, filter.AsSpan(shape.WLength), LinearStep);
    }

    [Fact]
    public void OfActivations()
    {
        // No nearer to the kink at 0 than the step reaches.
        float[] x = [.. Random(40, 1).Select(value => 3 * value + MathF.CopySign(2 * CurvedStep, value))], r = Random(40, 2);
        foreach (Activation activation in new[] { Activation.None, Activation.LeakyRelu(0.2f), Activation.LeakyRelu(0), Activation.Elu, Activation.Sigmoid })
        {
            OpCase forward = Ops.Activate(activation, x.Length);
            float[] dx = Ops.ActivateBackward(activation, x.Length).RunReference(forward.RunReference(x), r);
            FiniteDifference.AssertGradient(forward, [x], 0, r, dx, CurvedStep);
        }
    }

    [Fact]
    public void OfBatchNorm()
    {
        foreach (Activation activation in new[] { Activation.None, Activation.Sigmoid })
        foreach (BatchNormShape shape in new BatchNormShape[] { new(3, 2, 5), new(7, 3, 1), new(1, 2, 9) })
        {
            float[] x = Random(shape.Length, 1), gamma = Random(shape.C, 2), beta = Random(shape.C, 3), zero = new float[shape.C];
            float[] r = Random(shape.Length, 4);
            float step = activation == Activation.None ? LinearStep : CurvedStep;
            OpCase forward = Ops.BatchNormTrain(shape, activation: activation);
            float[] result = forward.RunReference(x, gamma, beta, zero, zero);
            float[] mean = result[shape.Length..(shape.Length + shape.C)];
            float[] inverse = result[(shape.Length + shape.C)..(shape.Length + 2 * shape.C)];
            float[] gradients = Ops.BatchNormBackward(shape, activation).RunReference(x, mean, inverse, gamma, result[..shape.Length], r);
            float[][] inputs = [x, gamma, beta, zero, zero];
            FiniteDifference.AssertGradient(forward, inputs, 0, r, gradients.AsSpan(0, shape.Length), CurvedStep / 2);
            FiniteDifference.AssertGradient(forward, inputs, 1, r, gradients.AsSpan(shape.Length, shape.C), step);
            FiniteDifference.AssertGradient(forward, inputs, 2, r, gradients.AsSpan(shape.Length + shape.C), step);
        }
    }

    [Fact]
    public void OfMaxPool2d()
    {
        // All different by more than a step, in random order: no kink is near.
        foreach (MaxPool2dShape shape in new MaxPool2dShape[] { new(2, 2, 7, 8, 3, 3, 3, 3), new(1, 2, 6, 7, 3, 2, 1, 2), new(1, 1, 8, 9, 2, 3, 1, 1, 2, 3) })
        {
            float[] x = [.. Enumerable.Range(0, shape.XLength).Select(i => (float)i)], r = Random(shape.YLength, 4);
            new Random(5).Shuffle(x);
            float[] dx = Ops.MaxPool2dBackward(shape).RunReference(x, Ops.MaxPool2d(shape).RunReference(x), r);
            FiniteDifference.AssertGradient(Ops.MaxPool2d(shape), [x], 0, r, dx, 0.25f);
        }
    }

    [Fact]
    public void OfConvMaxPool2d()
    {
        ConvMaxPool2dShape[] shapes =
        [
            new(new(2, 2, 8, 9, 2, 3, 3), 3, 3, 3, 3), new(new(1, 2, 10, 9, 2, 2, 3, padW: 1, dilationH: 2), 3, 2, 1, 2, dilationH: 2),
        ];
        foreach (ConvMaxPool2dShape shape in shapes)
        {
            // Where the largest sums of a window are nearer than a step moves them there is a kink: the seed was chosen so that there is none.
            const float step = 1f / 1024;
            float[] x = Random(shape.XLength, 21), w = Random(shape.WLength, 22), b = Random(shape.Conv.K, 23), r = Random(shape.YLength, 24);
            OpCase forward = Ops.ConvMaxPool2d(shape, bias: true, argmax: true);
            float[] argmax = forward.RunReference(x, w, b)[shape.YLength..];
            float[] filter = Ops.ConvMaxPool2dBackwardFilter(shape, bias: true).RunReference(x, argmax, r);
            FiniteDifference.AssertGradient(forward, [x, w, b], 0, r, Ops.ConvMaxPool2dBackwardData(shape).RunReference(argmax, r, w), step);
            FiniteDifference.AssertGradient(forward, [x, w, b], 1, r, filter.AsSpan(0, shape.WLength), step);
            FiniteDifference.AssertGradient(forward, [x, w, b], 2, r, filter.AsSpan(shape.WLength), step);
        }
    }

    [Fact]
    public void OfCrop2d()
    {
        Crop2dShape shape = new(2, 5, 6, 3, 4);
        float[] x = Random(shape.XLength, 1), r = Random(shape.YLength, 2);
        FiniteDifference.AssertGradient(Ops.Crop2d(shape), [x], 0, r, Ops.Crop2dBackward(shape).RunReference(r), LinearStep);
    }

    [Fact]
    public void OfDropout()
    {
        OpCase forward = Ops.Dropout(0.4f, 9, 50);
        float[] x = Random(50, 1), r = Random(50, 2);
        FiniteDifference.AssertGradient(forward, [x], 0, r, forward.RunReference(r), LinearStep);
    }

    [Fact]
    public void OfLosses()
    {
        float[] x = Random(20, 1), target = Random(20, 2), hard = [.. target.Select(t => t > 0 ? 0.98f : 0.02f)];
        FiniteDifference.AssertGradient(
            Ops.MeanSquaredError(20), [x, target], 0, [1], Ops.MeanSquaredErrorBackward(20).RunReference(x, target, [1]), LinearStep);
        FiniteDifference.AssertGradient(
            Ops.SigmoidCrossEntropy(20), [x, hard], 0, [1], Ops.SigmoidCrossEntropyBackward(20).RunReference(x, hard, [1]), 1f / 16);
    }

    /// <summary>
    /// ⟨conv(x; w), dy⟩ = ⟨x, dx⟩ = ⟨w, dw⟩: a convolution is linear in x and in w. Integers below 4 make all sides exact.
    /// </summary>
    [Theory, EveryDevice]
    public void ConvolutionsAreAdjointToTheirGradients(Device device)
    {
        using IBackend backend = device.Open();
        foreach (Conv2dShape shape in Convolutions)
        {
            float[] x = Integers(shape.XLength, 1), w = Integers(shape.WLength, 2), dy = Integers(shape.YLength, 3);
            double expected = Dot(Ops.Conv2d(shape).Run(backend, x, w), dy);
            Assert.Equal(expected, Dot(x, Ops.Conv2dBackwardData(shape).Run(backend, dy, w)));
            Assert.Equal(expected, Dot(w, Ops.Conv2dBackwardFilter(shape, bias: false).Run(backend, x, dy)));
        }

        foreach (ConvTranspose2dShape shape in TransposedConvolutions)
        {
            float[] x = Integers(shape.XLength, 1), w = Integers(shape.WLength, 2), dy = Integers(shape.YLength, 3);
            double expected = Dot(Ops.ConvTranspose2d(shape).Run(backend, x, w), dy);
            Assert.Equal(expected, Dot(x, Ops.ConvTranspose2dBackwardData(shape).Run(backend, dy, w)));
            Assert.Equal(expected, Dot(w, Ops.ConvTranspose2dBackwardFilter(shape, bias: false).Run(backend, x, dy)));
        }

        DenseShape product = new(5, 70, 31);
        float[] input = Integers(product.XLength, 1), weights = Integers(product.WLength, 2), gradient = Integers(product.YLength, 3);
        double value = Dot(Ops.Dense(product).Run(backend, input, weights), gradient);
        Assert.Equal(value, Dot(input, Ops.DenseBackwardData(product).Run(backend, gradient, weights)));
        Assert.Equal(value, Dot(weights, Ops.DenseBackwardFilter(product, bias: false).Run(backend, input, gradient)));
    }

    private static float[] Random(int length, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => 2 * random.NextSingle() - 1)];
    }

    private static float[] Integers(int length, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)random.Next(-3, 4))];
    }

    private static double Dot(float[] a, float[] b) => a.Zip(b, (left, right) => (double)left * right).Sum();
}
