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
        Assert.Contains(
            "TrainableParameters",
            Assert.Throws<ArgumentException>(() => tape.Backward(tape.Watch(x).Dense(fixedWeight).MeanSquaredError(target))).Message, StringComparison.Ordinal);
        using Tensor outside = target.Dense(fixedWeight);
        Assert.Contains("tape.Watch(input)", Assert.Throws<ArgumentException>(() => tape.Backward(outside)).Message, StringComparison.Ordinal);
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

    [Fact]
    public void OtherOperationsInAnotherOrderAreFollowed()
    {
        using IBackend backend = Backends.CreateCpu(1);
        Random random = new(9);
        using Tensor x = Draw(backend, random, 2, 2, 6, 6), w = Draw(backend, random, 2, 2, 3, 3), weights = Draw(backend, random, 8, 8);
        using Tensor target = Draw(backend, random, 2, 8);
        Func<Tensor>[] steps =
        [
            () => x.Conv2d(w).Activate(Activation.Elu).MaxPool2d((2, 2), (2, 2)).Reshape(new Shape(2, 8)).Dense(weights).MeanSquaredError(target),
            () => x.MaxPool2d((2, 2), (2, 2)).Conv2d(w, padding: (1, 1)).Crop2d(2, 2).Reshape(new Shape(2, 8)).SigmoidCrossEntropy(target),
            () => x.Crop2d(4, 4).Activate(Activation.Sigmoid).Conv2d(w, activation: Activation.Elu).Reshape(new Shape(2, 8)).MeanSquaredError(target),
            () => x.Activate(Activation.Elu).Conv2d(w, stride: (2, 2)).Reshape(new Shape(2, 8)).Dropout(0.5f, 3).Dense(weights).SigmoidCrossEntropy(target),
        ];
        x.RequiresGradient = w.RequiresGradient = weights.RequiresGradient = true;
        using Tape reused = new();
        foreach (int i in (int[])[0, 1, 0, 2, 3, 3, 1, 2, 0])
        {
            float[][] actual = Run(reused, steps[i]);
            using Tape fresh = new();
            float[][] expected = Run(fresh, steps[i]);
            for (int k = 0; k < expected.Length; k++) Assert.Equal(expected[k], actual[k]);
        }

        float[][] Run(Tape tape, Func<Tensor> step)
        {
            tape.Reset();
            tape.Watch(x, requiresGradient: true);
            Tensor loss = step();
            tape.Backward(loss);
            return [loss.ToArray(), .. new[] { x, w, weights }.Where(tensor => tensor.HasGradient).Select(tensor => tensor.Gradient!.ToArray())];
        }
    }

    [Fact]
    public void PartsOfOneTensorAreToldApart()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor all = Tensor.From(backend, new Shape(3, 2), [1f, 2f, 3f, 4f, 5f, 6f]);
        using Tape tape = new();
        for (int i = 0; i < 3; i++)
        {
            using Tensor part = all.Slice(i, 1);
            tape.Reset();
            Assert.Equal([2f * i + 1, 2f * i + 2], tape.Watch(part).Reshape(new Shape(2)).ToArray());
        }
    }

    [Fact]
    public void AResultIsNotWrittenOverAnEarlierReshape()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor x = Tensor.From(backend, new Shape(1, 1), [3f]), target = Tensor.From(backend, new Shape(1, 1), [1f]);
        using Tape tape = new();
        tape.Watch(x).Reshape(new Shape(1));
        tape.Reset();
        Assert.Equal([4f], x.MeanSquaredError(target).ToArray());
        Assert.Equal([3f], x.ToArray());
    }

    [Fact]
    public void InputsMayBeDisposedBetweenSteps()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor w = Tensor.From(backend, new Shape(2, 1), [1f, 1f]), target = Tensor.From(backend, new Shape(1, 1), [0f]);
        w.RequiresGradient = true;
        using Tape tape = new();
        HashSet<DeviceBuffer> memory = [];
        for (int i = 1; i <= 10; i++)
        {
            using Tensor x = Tensor.From(backend, new Shape(1, 1, 1, 2), [i, 2 * i]);
            memory.Add(x.View.Buffer);
            tape.Reset();
            tape.Watch(x, requiresGradient: true);
            tape.Backward(x.Reshape(new Shape(1, 2)).Dense(w).MeanSquaredError(target));
            Assert.Equal([6f * i * i, 12f * i * i], w.Gradient!.ToArray());
            Assert.Equal([6f * i, 6f * i], x.Gradient!.ToArray());
        }

        Assert.InRange(memory.Count, 1, 4);
    }

    [Fact]
    public void AnInputDisposedBeforeTheWayBackIsNoticed()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor w = Tensor.From(backend, new Shape(1, 1), [1f]), target = Tensor.From(backend, new Shape(1, 1), [0f]);
        w.RequiresGradient = true;
        using Tape tape = new();
        Tensor x = tape.Watch(Tensor.From(backend, new Shape(1, 1), [2f]));
        Tensor loss = x.Dense(w).MeanSquaredError(target);
        x.Dispose();
        Assert.Throws<ObjectDisposedException>(() => tape.Backward(loss));
    }

    [Fact]
    public void ResultsAreTheTapes()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor x = Tensor.From(backend, new Shape(1, 2), [1f, 2f]);
        Tape tape = new();
        Tensor y = tape.Watch(x).Activate(Activation.None);
        y.Dispose();
        Assert.Equal([1f, 2f], y.ToArray());
        DeviceBuffer memory = y.View.Buffer;
        tape.Reset();
        Assert.Same(memory, x.Activate(Activation.None).View.Buffer);
        tape.Dispose();
        tape.Dispose();
        Assert.Throws<ObjectDisposedException>(() => y.ToArray());
        using DeviceBuffer again = backend.Allocate(memory.Length);
        Assert.Same(memory, again);
    }

    [Fact]
    public void AStepGoesBackOnce()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor w = Tensor.From(backend, new Shape(1, 1), [1f]), x = Tensor.From(backend, new Shape(1, 1), [2f]);
        using Tensor target = Tensor.From(backend, new Shape(1, 1), [0f]);
        w.RequiresGradient = true;
        using Tape tape = new();
        Tensor loss = tape.Watch(x).Dense(w).MeanSquaredError(target);
        tape.Backward(loss);
        Assert.Throws<InvalidOperationException>(() => tape.Backward(loss));
        Assert.Equal([8f], w.Gradient!.ToArray());
        tape.Reset();
        Assert.False(w.HasGradient);
        tape.Backward(x.Dense(w).MeanSquaredError(target));
        Assert.True(w.HasGradient);
        Assert.Equal([8f], w.Gradient!.ToArray());
    }

    [Fact]
    public void AnotherTapeStartsOver()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor w = Tensor.From(backend, new Shape(1, 1), [1f]), target = Tensor.From(backend, new Shape(1, 1), [0f]);
        w.RequiresGradient = true;
        using Tape first = new(), second = new();
        foreach (Tape tape in (Tape[])[first, second])
        {
            using Tensor x = Tensor.From(backend, new Shape(1, 1), [2f]);
            tape.Backward(tape.Watch(x).Dense(w).MeanSquaredError(target));
            Assert.Equal([8f], w.Gradient!.ToArray());
        }
    }

    [Fact]
    public void AnOperationThatWasRefusedIsForgottenWithItsStep()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor w = Tensor.From(backend, new Shape(1, 1), [1f]), x = Tensor.From(backend, new Shape(1, 1), [2f]);
        using Tensor target = Tensor.From(backend, new Shape(1, 1), [0f]), wide = Tensor.From(backend, new Shape(3), [1f, 2f, 3f]);
        w.RequiresGradient = true;
        using Tape tape = new();
        tape.Watch(x);
        Assert.Throws<ArgumentException>(() => x.Dense(w, wide));
        tape.Reset();
        tape.Backward(x.Dense(w).MeanSquaredError(target));
        Assert.Equal([8f], w.Gradient!.ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AFrozenNetworkPassesGradientsOn(bool frozen)
    {
        using IBackend backend = Backends.CreateCpu(1);
        Random random = new(4);
        using Tensor x = Draw(backend, random, 2, 3, 4, 4), filters = Draw(backend, random, 2, 3, 3, 3), bias = Draw(backend, random, 2);
        using Tensor up = Draw(backend, random, 2, 2, 2, 2), weights = Draw(backend, random, 2 * 3 * 3, 2), offsets = Draw(backend, random, 2);
        using Tensor target = Draw(backend, random, 2, 2);
        Tensor[] parameters = [filters, bias, up, weights, offsets];
        foreach (Tensor tensor in parameters) tensor.RequiresGradient = !frozen;
        using Tape tape = new();
        tape.Watch(x, requiresGradient: true);
        Tensor h = x.Conv2d(filters, bias, activation: Activation.Elu).ConvTranspose2d(up).Reshape(new Shape(2, 18)).Dense(weights, offsets);
        tape.Backward(h.MeanSquaredError(target));
        Assert.True(x.HasGradient);

        // Filter gradients are written only into these. If there is none, the kernels were not called.
        Assert.All(parameters, tensor => Assert.Equal(frozen, tensor.Gradient is null));
    }

    [Fact]
    public void ABiasAloneIsTrained()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor x = Tensor.From(backend, new Shape(1, 1, 1, 1), [2f]), w = Tensor.From(backend, new Shape(1, 1, 1, 1), [3f]);
        using Tensor target = Tensor.From(backend, new Shape(1, 1), [0f]), b = Tensor.From(backend, new Shape(1), [1f]);
        using Tensor flat = w.Reshape(new Shape(1, 1));
        b.RequiresGradient = true;
        using Tape tape = new();
        Func<Tensor>[] layers =
        [
            () => x.Conv2d(w, b).Reshape(new Shape(1, 1)), () => x.ConvTranspose2d(w, b).Reshape(new Shape(1, 1)),
            () => x.Reshape(new Shape(1, 1)).Dense(flat, b),
        ];
        foreach (Func<Tensor> layer in layers)
        {
            tape.Reset();
            tape.Watch(x);
            tape.Backward(layer().MeanSquaredError(target));
            Assert.True(b.HasGradient);
            Assert.Equal([2f * 7], b.Gradient!.ToArray());
        }
    }

    [Fact]
    public void AFrozenBiasGetsNoGradient()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Tensor x = Tensor.From(backend, new Shape(1, 1), [2f]), w = Tensor.From(backend, new Shape(1, 1), [3f]);
        using Tensor target = Tensor.From(backend, new Shape(1, 1), [0f]), b = Tensor.From(backend, new Shape(1), [1f]);
        w.RequiresGradient = true;
        using Tape tape = new();
        tape.Backward(tape.Watch(x).Dense(w, b).MeanSquaredError(target));
        Assert.Equal([2f * 7 * 2], w.Gradient!.ToArray());
        Assert.Null(b.Gradient);
    }

    [Fact]
    public void TheWayBackEndsAtAFrozenStem()
    {
        using IBackend backend = Backends.CreateCpu(1);
        Random random = new(8);
        using Tensor x = Draw(backend, random, 4, 2), target = Draw(backend, random, 4, 2), gamma = Draw(backend, random, 2), beta = Draw(backend, random, 2);
        using Tensor mean = Draw(backend, random, 2), inverseStd = Draw(backend, random, 2);
        gamma.RequiresGradient = beta.RequiresGradient = true;
        using Tape tape = new();
        Tensor first = tape.Watch(x).Activate(Activation.Elu), second = first.Activate(Activation.Sigmoid);
        tape.Backward(second.BatchNormTrain(gamma, beta, new BatchStatistics(mean, inverseStd, mean, inverseStd), 0, 1e-4f).MeanSquaredError(target));
        Assert.True(gamma.HasGradient);
        Assert.Null(first.Gradient);
        Assert.Null(x.Gradient);
    }

    /// <summary>What is watched keeps its gradient, and the others are the same whether a batch norm computes its input's in place or not.</summary>
    [Fact]
    public void ResultsGiveTheirGradientsBackUnlessTheyAreWatched()
    {
        using IBackend backend = Backends.CreateCpu(2);
        Random random = new(9);
        using Tensor x = Draw(backend, random, 4, 3), target = Draw(backend, random, 4, 2), w = Draw(backend, random, 3, 2);
        using Tensor gamma = Draw(backend, random, 2), beta = Draw(backend, random, 2), mean = Draw(backend, random, 2), deviation = Draw(backend, random, 2);
        w.RequiresGradient = gamma.RequiresGradient = beta.RequiresGradient = true;
        using Tape apart = new(), inPlace = new();
        float[][] expected = GradientsOn(apart, watches: true, out Tensor before, out Tensor after);
        Assert.True(before.HasGradient && after.HasGradient);
        Assert.NotEqual(before.Gradient!.ToArray(), after.Gradient!.ToArray());
        for (int step = 0; step < 3; step++)
        {
            Assert.Equal(expected, GradientsOn(inPlace, watches: false, out before, out after));
            Assert.False(before.HasGradient || after.HasGradient);
            Assert.Null(before.Gradient);
            Assert.Null(after.Gradient);
        }

        float[][] GradientsOn(Tape tape, bool watches, out Tensor product, out Tensor normal)
        {
            tape.Reset();
            product = tape.Watch(x, requiresGradient: true).Dense(w);
            if (watches) tape.Watch(product, requiresGradient: true);
            normal = product.BatchNormTrain(gamma, beta, new BatchStatistics(mean, deviation, mean, deviation), 0, 1e-4f, Activation.Elu);
            if (watches) tape.Watch(normal, requiresGradient: true);

            // The product is used twice, so its gradient is a sum.
            tape.Backward(normal.MeanSquaredError(target).Add(product.MeanSquaredError(target), 0.5f));
            return [.. new[] { x, w, gamma, beta }.Select(tensor => tensor.Gradient!.ToArray())];
        }
    }

    private static Tensor Draw(IBackend backend, Random random, params int[] sizes)
    {
        Shape shape = new(sizes);
        return Tensor.From(backend, shape, [.. Enumerable.Range(0, shape.Length).Select(_ => (float)(random.NextDouble() * 2 - 1))]);
    }
}
