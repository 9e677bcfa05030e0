using Engine.Kernels;

namespace Engine.Tensors.Tests;

public class TapeTests
{
    // Central differences in float32: the loss is exact to about 1e-7 of its size, the step is 1e-2.
    private const double DifferenceTolerance = 2e-3;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void GradientsOfANetworkAreItsFiniteDifferences(bool reference)
    {
        using IBackend backend = reference ? Backends.CreateReference() : Backends.CreateCpu(2);
        Random random = new(3);
        using Tensor x = Draw(backend, random, 2, 3, 7, 6), target = Draw(backend, random, 2, 2);
        using Tensor filters = Draw(backend, random, 4, 3, 3, 3), bias = Draw(backend, random, 4);
        using Tensor up = Draw(backend, random, 4, 2, 4, 4), gamma = Draw(backend, random, 2), beta = Draw(backend, random, 2);
        using Tensor weights = Draw(backend, random, 2 * 3 * 2, 2), offsets = Draw(backend, random, 2);
        using Tensor mean = Draw(backend, random, 2), inverseStd = Draw(backend, random, 2);
        using Tensor batchMean = Draw(backend, random, 2), batchInverseStd = Draw(backend, random, 2);
        Tensor[] trained = [filters, bias, up, gamma, beta, weights, offsets];
        foreach (Tensor tensor in trained) tensor.RequiresGradient = true;
        using Tape tape = new();
        tape.Watch(x, requiresGradient: true);

        Tensor Loss()
        {
            tape.Reset();
            Tensor h = x.Conv2d(filters, bias, stride: (2, 2), padding: (1, 1), activation: Activation.Elu);
            h = h.ConvTranspose2d(up, null, (2, 2), (1, 1));
            h = h.BatchNormTrain(gamma, beta, new BatchStatistics(mean, inverseStd, batchMean, batchInverseStd), 0.1f, 1e-4f);
            h = h.Activate(Activation.LeakyRelu(0.01f)).MaxPool2d((2, 2), (2, 2)).Crop2d(3, 2);
            return h.Reshape(new Shape(2, 12)).Dense(weights, offsets).MeanSquaredError(target);
        }

        tape.Backward(Loss());
        foreach (Tensor tensor in trained.Append(x))
        {
            float[] values = tensor.ToArray(), gradient = tensor.Gradient!.ToArray();
            double scale = Math.Max(1e-2, gradient.Max(Math.Abs));
            for (int i = 0; i < values.Length; i += Math.Max(1, values.Length / 7))
            {
                const float step = 1e-2f;
                double difference = (LossWith(values[i] + step) - LossWith(values[i] - step)) / (2 * step);
                Assert.True(
                    Math.Abs(difference - gradient[i]) <= 5e-2 * scale + DifferenceTolerance,
                    $"{tensor.Shape} at {i}: gradient {gradient[i]}, difference {difference}");
                LossWith(values[i]);

                float LossWith(float value)
                {
                    float[] changed = [.. values];
                    changed[i] = value;
                    backend.Upload(changed, tensor.View);
                    return Loss().ToArray()[0];
                }
            }
        }
    }

    [Fact]
    public void ContributionsAddUp()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor x = Tensor.From(backend, new Shape(1, 2), [1f, 2f]), w = Tensor.From(backend, new Shape(2, 2), [1f, 0, 0, 1f]);
        using Tensor target = Tensor.From(backend, new Shape(1, 2), [0f, 0f]);
        w.RequiresGradient = true;
        using Tape tape = new();

        // y = x·w·w with w the identity: dL/dw = xᵀ·g·wᵀ + (x·w)ᵀ·g, twice the same, with g = 2·y/2.
        for (int step = 0; step < 3; step++)
        {
            tape.Reset();
            tape.Backward(tape.Watch(x).Dense(w).Dense(w).MeanSquaredError(target));
            Assert.Equal([2f, 4f, 4f, 8f], w.Gradient!.ToArray());
        }
    }

    [Fact]
    public void GradientsStopWhereNobodyAsksForThem()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor x = Tensor.From(backend, new Shape(1, 1), [3f]), fixedWeight = Tensor.From(backend, new Shape(1, 1), [2f]);
        using Tensor target = Tensor.From(backend, new Shape(1, 1), [0f]);
        using Tape tape = new();
        tape.Watch(x, requiresGradient: true);
        tape.Backward(x.Dense(fixedWeight).MeanSquaredError(target));
        Assert.Equal([2 * 6f * 2], x.Gradient!.ToArray());
        Assert.Null(fixedWeight.Gradient);
        tape.Reset();
        Assert.Throws<ArgumentException>(() => tape.Backward(tape.Watch(x).Dense(fixedWeight).MeanSquaredError(target)));
        tape.Watch(x, requiresGradient: true);
        Assert.Throws<ArgumentException>(() => x.LogFloor(1e-7f));
    }

    [Fact]
    public void AWarmStepAllocatesNothing()
    {
        using IBackend backend = Backends.CreateCpu(2);
        Random random = new(5);
        using Tensor x = Draw(backend, random, 4, 3, 9, 8), target = Draw(backend, random, 4, 5);
        using Tensor filters = Draw(backend, random, 5, 3, 3, 3), bias = Draw(backend, random, 5), weights = Draw(backend, random, 5 * 7 * 6, 5);
        filters.RequiresGradient = bias.RequiresGradient = weights.RequiresGradient = true;
        using Tape tape = new();
        tape.Watch(x);
        void Step()
        {
            tape.Reset();
            Tensor hidden = x.Conv2d(filters, bias, activation: Activation.Elu).Reshape(new Shape(4, 5 * 7 * 6)).Dropout(0.5f, tape.NextSeed);
            tape.Backward(hidden.Dense(weights).SigmoidCrossEntropy(target));
        }

        for (int i = 0; i < 40; i++) Step();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 40; i++) Step();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void AChangeOfSizesIsFollowed()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor w = Tensor.From(backend, new Shape(1, 1), [2f]);
        w.RequiresGradient = true;
        using Tape tape = new();
        foreach (int count in (int[])[3, 1, 5])
        {
            using Tensor x = Tensor.From(backend, new Shape(count, 1), [.. Enumerable.Repeat(1f, count)]);
            using Tensor target = Tensor.From(backend, new Shape(count, 1), new float[count]);
            tape.Reset();
            tape.Backward(tape.Watch(x).Dense(w).MeanSquaredError(target));
            Assert.Equal([4f], w.Gradient!.ToArray());
        }
    }

    private static Tensor Draw(IBackend backend, Random random, params int[] sizes)
    {
        Shape shape = new(sizes);
        return Tensor.From(backend, shape, [.. Enumerable.Range(0, shape.Length).Select(_ => (float)(random.NextDouble() * 2 - 1))]);
    }
}
