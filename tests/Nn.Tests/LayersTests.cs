using Engine.Kernels;
using Engine.Tensors;
using Engine.Tests;

namespace Engine.Nn.Tests;

/// <summary>How layers and their chains behave in training and in inference.</summary>
public sealed class LayersTests : IDisposable
{
    // A handful of float32 roundings of numbers about 1.
    private const float Tolerance = 2e-6f;

    private readonly IBackend _backend = Backends.CreateCpu(1);

    public void Dispose() => _backend.Dispose();

    [Fact]
    public void RunningStatisticsMoveByATenthTowardsTheBatchs()
    {
        using BatchNorm layer = new(2) { Name = "norm" };
        float[][] start = [[0.5f, -0.5f], [2, 3], [0.2f, -0.1f], [0.7f, 1.3f]];
        for (int i = 0; i < start.Length; i++) layer.Parameters[i].Load(_backend, start[i]);
        using TrainableParameters parameters = new(layer, _backend);
        using Tensor x = Tensor.From(_backend, new Shape(4, 2), [1, 10, 2, 20, 3, 30, 4, 40]);
        using Tape tape = new();
        float[] y = layer.Forward(tape.Watch(x)).ToArray();
        for (int c = 0; c < 2; c++)
        {
            double scale = c == 0 ? 1 : 10, mean = 2.5 * scale, inverse = 1 / Math.Sqrt(1.25 * scale * scale + 1e-4);
            for (int n = 0; n < 4; n++) Assert.Equal(((n + 1) * scale - mean) * inverse * start[1][c] + start[0][c], y[2 * n + c], 2 * Tolerance);
            Assert.Equal(0.9 * start[2][c] + 0.1 * mean, layer.Parameters[2].Value.ToArray()[c], Tolerance);
            Assert.Equal(0.9 * start[3][c] + 0.1 * inverse, layer.Parameters[3].Value.ToArray()[c], Tolerance);
        }
    }

    [Fact]
    public void InferenceUsesAndKeepsTheRunningStatistics()
    {
        using BatchNorm layer = new(2) { Name = "norm" };
        float[][] values = [[0.5f, -0.5f], [2, 3], [0.2f, -0.1f], [0.7f, 1.3f]];
        for (int i = 0; i < values.Length; i++) layer.Parameters[i].Load(_backend, values[i]);
        using Tensor x = Tensor.From(_backend, new Shape(1, 2), [1, 2]);
        float[] expected = [.. Enumerable.Range(0, 2).Select(c => (c + 1 - values[2][c]) * values[3][c] * values[1][c] + values[0][c])];

        // Without a tape while it is being trained, on a tape while it is frozen, and afterwards.
        using (TrainableParameters parameters = new(layer, _backend)) AssertInference();
        using Tape tape = new();
        tape.Watch(x);
        AssertInference();

        void AssertInference()
        {
            using Tensor y = layer.Forward(x);
            Assert.Equal(expected, y.ToArray(), (a, b) => Math.Abs(a - b) <= Tolerance);
            Assert.Equal(values, layer.Parameters.Select(parameter => parameter.Value.ToArray()));
        }
    }

    /// <summary>What a backend keeps of the filters between two inferences goes when they change: loaded anew, trained, loaded on another backend.</summary>
    [Fact]
    public void ConvolutionsFollowTheirFilters()
    {
        using Conv2d layer = new(16, 32, 3, bias: false) { Name = "conv" };
        using ConvMaxPool2d pooled = new(layer, new MaxPool2d(3));
        Shape sizes = new(1, 16, 14, 18);
        float[] input = [.. Enumerable.Range(0, sizes.Length).Select(i => MathF.Sin(i))];
        using Tensor x = Tensor.From(_backend, sizes, input);
        layer.Weight.Load(_backend, Filters(1));
        AssertUpToDate(x);
        layer.Weight.Load(_backend, Filters(2));
        AssertUpToDate(x);
        using (TrainableParameters parameters = new(layer, _backend))
        {
            AssertUpToDate(x);
            _backend.Run(new AddScaledOp(0.5f, x.View, parameters.Values.View.Slice(0, sizes.Length)));
            AssertUpToDate(x);
        }

        AssertUpToDate(x);
        using IBackend other = Backends.CreateCpu(1);
        using Tensor there = Tensor.From(other, sizes, input);
        layer.Weight.Load(other, Filters(3));
        AssertUpToDate(there);

        float[] Filters(int seed) => [.. Enumerable.Range(0, layer.Weight.Shape.Length).Select(i => MathF.Cos(seed * i))];

        void AssertUpToDate(Tensor from)
        {
            using Tensor expected = from.Conv2d(layer.Weight.Value), expectedPooled = from.ConvMaxPool2d(
                layer.Weight.Value, null, (1, 1), (0, 0), (1, 1), Activation.None, (3, 3), (3, 3), (1, 1));
            for (int i = 0; i < 2; i++)
            {
                using Tensor y = layer.Forward(from), yPooled = pooled.Forward(from);
                Assert.Equal(expected.ToArray(), y.ToArray());
                Assert.Equal(expectedPooled.ToArray(), yPooled.ToArray());
            }
        }
    }

    /// <summary>In one operation without a tape, one by one on a tape and observed.</summary>
    [Fact]
    public void TwoConvolutionsAndAPoolingAreTheSameOneByOne()
    {
        using Conv2d first = new(1, 32, 3, activation: Activation.Elu) { Name = "first" }, second = new(32, 32, 3) { Name = "second" };
        using ConvConvMaxPool2d both = new(first, new ConvMaxPool2d(second, new MaxPool2d(3) { Name = "pool" }));
        Initializers.Initialize(both, _backend, WeightInitializer.HeNormal, new RandomSource(1));
        Shape sizes = new(2, 1, 16, 17);
        using Tensor x = Tensor.From(_backend, sizes, [.. Enumerable.Range(0, sizes.Length).Select(i => MathF.Sin(i))]);
        using Tensor input = x.ToLayout(BatchLayout.ChannelsLast), between = first.Forward(input), sums = second.Forward(between);
        using Tensor turned = sums.ToLayout(BatchLayout.First), expected = turned.MaxPool2d((3, 3), (3, 3)), y = both.Forward(input);
        using Tensor inOrder = y.ToLayout(BatchLayout.First);
        AssertClose(expected, inOrder);

        List<string> seen = [];
        using Tensor observed = both.ForwardObserved(x, (name, _) => seen.Add(name));
        Assert.Equal(["first", "second", "pool"], seen);
        AssertClose(expected, observed);

        using Tape tape = new();
        AssertClose(expected, both.Forward(tape.Watch(Tensor.From(_backend, sizes, x.ToArray()))));

        // Sums of 288 terms, about 4, in different forms.
        static void AssertClose(Tensor expected, Tensor actual) =>
            Assert.Equal(expected.ToArray(), actual.ToArray(), (a, b) => Math.Abs(a - b) <= 10 * Tolerance);
    }

    [Fact]
    public void AConvolutionTakesAStride()
    {
        using Conv2d layer = new(2, 3, 3, stride: 2, padding: 1);
        Initializers.Initialize(layer, _backend, WeightInitializer.HeNormal, new RandomSource(1));
        using Tensor x = Tensor.From(_backend, new Shape(2, 2, 7, 6), [.. Enumerable.Range(0, 2 * 2 * 7 * 6).Select(i => MathF.Sin(i))]);
        using Tensor y = layer.Forward(x), expected = x.Conv2d(layer.Weight.Value, layer.Bias!.Value, (2, 2), (1, 1));
        Assert.Equal(new Shape(2, 3, 4, 3), y.Shape);
        Assert.Equal(expected.ToArray(), y.ToArray());

        // The fused form has no stride.
        using MaxPool2d pool = new(2);
        Failure.Says<ArgumentException>(() => new ConvMaxPool2d(layer, pool).Dispose(), "conv2d", "stride 2", "Sequential");
        using ConvMaxPool2d plain = new(new Conv2d(3, 4, 3), pool);
        Failure.Says<ArgumentException>(() => new ConvConvMaxPool2d(layer, plain).Dispose(), "conv2d", "a stride", "Sequential");
    }

    /// <summary>What is kept is the corner of the whole, gradients included.</summary>
    [Fact]
    public void ConvolutionsComputeWhatIsKept()
    {
        Check(new Conv2d(2, 3, 3, padding: 1, activation: Activation.Elu), new Conv2d(2, 3, 3, padding: 1, activation: Activation.Elu) { Kept = (4, 5) });
        Check(
            new ConvTranspose2d(2, 3, 4, stride: 2, padding: 1, activation: Activation.Elu),
            new ConvTranspose2d(2, 3, 4, stride: 2, padding: 1, activation: Activation.Elu) { Kept = (9, 6) });

        using Conv2d part = new(2, 3, 3) { Kept = (2, 2) };
        using MaxPool2d pool = new(2);
        using ConvMaxPool2d plain = new(new Conv2d(3, 4, 3), pool);
        Failure.Says<ArgumentException>(() => new ConvMaxPool2d(part, pool).Dispose(), "leaves a part", "Sequential");
        Failure.Says<ArgumentException>(() => new ConvConvMaxPool2d(part, plain).Dispose(), "leave a part", "Sequential");

        void Check(Module whole, Module kept)
        {
            using (whole)
            using (kept)
            {
                (float[] expected, float[] expectedGradient) = Run(whole, crop: true);
                (float[] result, float[] gradient) = Run(kept, crop: false);
                Assert.Equal(expected, result, (a, b) => Math.Abs(a - b) <= Tolerance);
                Assert.Equal(expectedGradient, gradient, (a, b) => Math.Abs(a - b) <= Tolerance);
            }
        }

        (float[] Result, float[] Gradient) Run(Module layer, bool crop)
        {
            Initializers.Initialize(layer, _backend, WeightInitializer.HeNormal, new RandomSource(1));
            using Tape tape = new();
            float[] values = [.. Enumerable.Range(0, 2 * 2 * 7 * 6).Select(i => MathF.Sin(i))];
            Tensor x = tape.Watch(Tensor.From(_backend, new Shape(2, 2, 7, 6), values), requiresGradient: true);
            Tensor y = layer.Forward(x);
            if (crop) y = y.Crop2d(layer is Conv2d ? 4 : 9, layer is Conv2d ? 5 : 6);
            using Tensor target = Tensor.From(_backend, y.Shape, new float[y.Shape.Length]);
            tape.Backward(y.MeanSquaredError(target));
            return (y.ToArray(), x.Gradient!.ToArray());
        }
    }

    [Fact]
    public void FlattenWorksOutItsSize()
    {
        using Flatten layer = new();
        using Tensor x = Tensor.From(_backend, new Shape(2, 3, 2, 1), [.. Enumerable.Range(0, 12).Select(i => (float)i)]), y = layer.Forward(x);
        Assert.Equal(new Shape(2, 6), y.Shape);
        Assert.Equal(x.ToArray(), y.ToArray());
        using Tensor rows = Tensor.From(_backend, new Shape(3, 1), [1, 2, 3]), same = layer.Forward(rows);
        Assert.Equal(rows.Shape, same.Shape);
    }

    [Fact]
    public void AFrozenBatchNormHasNoGradientYet()
    {
        using BatchNorm layer = new(2) { Name = "norm" };
        Initializers.Initialize(layer, _backend, WeightInitializer.HeNormal, new RandomSource(1));
        using Tensor x = Tensor.From(_backend, new Shape(1, 2), [1, 2]);
        using Tape tape = new();
        Assert.Throws<ArgumentException>(() => layer.Forward(tape.Watch(x, requiresGradient: true)));
    }

    [Fact]
    public void DropoutDropsOnlyWhereItIsOnAndOnATape()
    {
        using Dropout layer = new(0.5f);
        float[] ones = [.. Enumerable.Repeat(1f, 1000)];
        using Tensor x = Tensor.From(_backend, new Shape(10, 100), ones);
        using Tape tape = new() { Seed = 3 };
        float[] Run(bool isOn)
        {
            layer.IsOn = isOn;
            using Tensor y = layer.Forward(x);
            return y.ToArray();
        }

        Assert.Equal(ones, Run(true));
        tape.Watch(x);
        Assert.Equal(ones, Run(false));
        tape.Reset();
        float[] first = Run(true), second = Run(true);
        Assert.All(first, value => Assert.True(value is 0 or 2));
        Assert.InRange(first.Count(value => value == 0), 500 - 80, 500 + 80);
        Assert.NotEqual(first, second);
        tape.Reset();
        Assert.Equal(first, Run(true));
        tape.Reset();
        tape.Seed = 1003;
        Assert.NotEqual(first, Run(true));
    }

    [Fact]
    public void AChainGivesBackWhatLiesBetween()
    {
        using Sequential chain = new(
            new Activate(Activation.LeakyRelu(0.5f)) { Name = "first" }, new Reshape(2, 3) { Name = "second" },
            new Activate(Activation.LeakyRelu(0.5f)) { Name = "third" });
        using Tensor x = Tensor.From(_backend, new Shape(1, 6), [-4, -2, 0, 1, 2, 3]);
        List<(string Name, Tensor Value)> seen = [];
        using Tensor y = chain.Forward(x, (name, value) => seen.Add((name, value)));
        Assert.Equal(["first", "second", "third"], seen.Select(step => step.Name));
        Assert.Same(y, seen[2].Value);
        Assert.Equal(new Shape(1, 2, 3), y.Shape);
        Assert.Equal([-1, -0.5f, 0, 1, 2, 3], y.ToArray());
        Assert.Throws<ObjectDisposedException>(() => seen[0].Value.ToArray());
        Assert.Throws<ObjectDisposedException>(() => seen[1].Value.ToArray());
        Assert.Equal(-4, x.ToArray()[0]);
    }

    [Fact]
    public void OnATapeTheChainLeavesEverythingForTheWayBack()
    {
        using Sequential chain = new(new Dense(3, 4, activation: Activation.Elu) { Name = "dense" }, new BatchNorm(4) { Name = "norm" });
        Initializers.Initialize(chain, _backend, WeightInitializer.HeNormal, new RandomSource(1));
        using TrainableParameters parameters = new(chain, _backend);
        using Tensor x = Tensor.From(_backend, new Shape(2, 3), [1, 2, 3, 3, 1, 1]), target = Tensor.From(_backend, new Shape(2, 4), new float[8]);
        using Tape tape = new();
        Tensor? between = null;
        using Tensor y = chain.Forward(tape.Watch(x), (_, value) => between ??= value);
        tape.Backward(y.MeanSquaredError(target));
        Assert.Equal(8, between!.ToArray().Length);
        Assert.All(chain.Parameters.Take(4), parameter => Assert.True(parameter.Value.HasGradient));
        Assert.All(chain.Parameters.Skip(4), parameter => Assert.Null(parameter.Value.Gradient));
    }
}
