using Engine.Kernels;
using Engine.Tensors;
using Engine.Tests;

namespace Engine.Nn.Tests;

public sealed class TrainableParametersTests : IDisposable
{
    private const int AlignedFloats = 16;

    // A float32 sum of some hundred squares.
    private const double SumTolerance = 1e-6;

    private readonly IBackend _backend = Backends.CreateCpu(2);
    private readonly Sequential _network = new(
        new Conv2d(1, 3, 3) { Name = "conv" }, new BatchNorm(3) { Name = "norm" }, new Activate(Activation.Elu) { Name = "elu" },
        new Reshape(3 * 3 * 2) { Name = "flat" }, new Dense(3 * 3 * 2, 5) { Name = "dense" });

    public TrainableParametersTests() => Initializers.Initialize(_network, _backend, WeightInitializer.HeNormal, new RandomSource(1));

    public void Dispose()
    {
        _network.Dispose();
        _backend.Dispose();
    }

    [Fact]
    public void ValuesKeepAndThePenalisedComeFirst()
    {
        float[][] before = [.. _network.Parameters.Select(parameter => parameter.ToFileLayout())];
        using TrainableParameters parameters = new(_network, _backend);
        Assert.Equal(before, _network.Parameters.Select(parameter => parameter.ToFileLayout()));
        int end = 0;
        foreach (Parameter parameter in Trained)
        {
            View view = parameter.Value.View;
            Assert.Same(parameters.Values.View.Buffer, view.Buffer);
            Assert.Equal(end, view.Offset);
            Assert.True(parameter.Value.RequiresGradient);
            Assert.Equal(new View(parameters.Gradients.View.Buffer, view.Offset, view.Length), parameter.Value.Gradient!.View);
            end = (view.Offset + view.Length + AlignedFloats - 1) / AlignedFloats * AlignedFloats;
            if (parameter.IsDecayed) Assert.Equal(end, EndOfDecayedUpTo(parameter));
        }

        Assert.Equal(end, parameters.Values.Shape.Length);
        Assert.Equal(parameters.Values.Shape, parameters.Gradients.Shape);
        Assert.Equal(Trained.First(parameter => parameter.IsTrained && !parameter.IsDecayed).Value.View.Offset, parameters.DecayedLength);
        Assert.All(_network.Parameters.Where(p => !p.IsTrained), parameter => Assert.False(parameter.Value.RequiresGradient));
    }

    [Fact]
    public void GradientsLandInTheFlatArrayAndPaddingStaysZero()
    {
        using TrainableParameters parameters = new(_network, _backend);
        using Adam adam = new(parameters);
        using Tape tape = new();
        for (int step = 0; step < 50; step++)
        {
            parameters.AddL2Penalty(1e-2f, Step(tape, (ulong)step));
            adam.Step(0.01);
        }

        Step(tape, 50);
        float[] gradients = parameters.Gradients.ToArray();
        bool[] taken = new bool[gradients.Length];
        foreach (Parameter parameter in Trained)
        {
            View view = parameter.Value.View;
            Assert.True(parameter.Value.HasGradient);
            Assert.Equal(parameter.Value.Gradient!.ToArray(), gradients[view.Offset..(view.Offset + view.Length)]);
            taken.AsSpan(view.Offset, view.Length).Fill(true);
        }

        Assert.Contains(false, taken);
        foreach (Tensor flat in (Tensor[])[parameters.Values, parameters.Gradients, .. adam.State.Select(state => state.Value)])
        {
            Assert.All(flat.ToArray().Zip(taken), pair => Assert.True(pair.Second || pair.First == 0));
            Assert.Contains(flat.ToArray(), value => value != 0);
        }
    }

    [Fact]
    public void ThePenaltyIsThatOfADoubleLoop()
    {
        using TrainableParameters parameters = new(_network, _backend);
        using Tape tape = new();
        Tensor loss = Step(tape, 3);
        float[][] before = [.. Trained.Select(parameter => parameter.Value.Gradient!.ToArray())];
        const float lambda = 0.03f;
        (double error, double penalty) = parameters.AddL2Penalty(lambda, loss);
        Assert.Equal(loss.ToArray()[0], error);
        double expected = 0;
        for (int i = 0; i < before.Length; i++)
        {
            float[] values = Trained[i].Value.ToArray(), after = Trained[i].Value.Gradient!.ToArray();
            for (int k = 0; k < values.Length; k++)
            {
                bool decayed = Trained[i].IsDecayed;
                if (decayed) expected += (double)lambda * values[k] * values[k];
                double gradient = before[i][k] + (decayed ? 2.0 * lambda * values[k] : 0);
                Assert.Equal(gradient, after[k], SumTolerance * (1 + Math.Abs(before[i][k])));
            }
        }

        Assert.Equal(expected, penalty, SumTolerance * expected);
        Assert.Equal(
            ["conv.weight", "norm.gamma", "dense.weight", "conv.bias", "norm.beta", "dense.bias"], Trained.Select(parameter => parameter.Name));
    }

    [Fact]
    public void SaysWhatWasForgotten()
    {
        using Sequential network = new(new Dense(2, 3) { Name = "dense" });
        Failure.Says<InvalidOperationException>(() => new TrainableParameters(network, _backend).Dispose(), "dense.weight", "Initialize");
        using Tensor x = Tensor.From(_backend, new Shape(1, 2), [1, 2]);
        Failure.Says<InvalidOperationException>(() => network.Forward(x), "dense.weight", "Initialize");
        Initialize(_backend);
        using IBackend other = Backends.CreateReference();
        Failure.Says<InvalidOperationException>(() => new TrainableParameters(network, other).Dispose(), "dense.weight", "another backend");
        using TrainableParameters parameters = new(network, _backend);
        Failure.Says<InvalidOperationException>(() => new TrainableParameters(network, _backend).Dispose(), "dense.weight", "already");
        Failure.Says<InvalidOperationException>(() => Initialize(other), "dense.weight", "then create TrainableParameters");

        // On the same backend the values go where they are trained.
        Initialize(_backend);
        Assert.Equal(network.Parameters[0].Value.ToArray(), parameters.Values.ToArray()[..6]);

        void Initialize(IBackend backend) => Initializers.Initialize(network, backend, WeightInitializer.HeNormal, new RandomSource(1));
    }

    [Fact]
    public void ParametersOutliveIt()
    {
        TrainableParameters parameters = new(_network, _backend);
        DeviceBuffer gradients = parameters.Gradients.View.Buffer;
        using Tape tape = new();
        Step(tape, 1);
        float[][] before = [.. _network.Parameters.Select(parameter => parameter.ToFileLayout())];
        parameters.Dispose();
        Assert.Equal(before, _network.Parameters.Select(parameter => parameter.ToFileLayout()));
        Assert.All(Trained, parameter => Assert.False(parameter.Value.RequiresGradient));
        Assert.All(Trained, parameter => Assert.Null(parameter.Value.Gradient));
        using Tensor x = Draw(2, 2, 1, 5, 4), y = _network.Forward(x);
        Assert.Equal(new Shape(2, 5), y.Shape);

        // The gradients' memory is the pool's again …
        DeviceBuffer[] rented = [.. Enumerable.Range(0, 8).Select(_ => _backend.Allocate(gradients.Length))];
        Assert.Contains(gradients, rented);
        foreach (DeviceBuffer buffer in rented) buffer.Dispose();

        // … and training can begin anew.
        using TrainableParameters again = new(_network, _backend);
        Step(tape, 2);
        Assert.All(Trained, parameter => Assert.True(parameter.Value.HasGradient));
        Assert.Equal(before[0], _network.Parameters[0].ToFileLayout());
    }

    private Parameter[] Trained =>
    [
        .. _network.Parameters.Where(parameter => parameter.IsDecayed),
        .. _network.Parameters.Where(parameter => parameter.IsTrained && !parameter.IsDecayed),
    ];

    private int EndOfDecayedUpTo(Parameter last)
    {
        int end = 0;
        foreach (Parameter parameter in Trained.TakeWhile(parameter => parameter != last).Append(last))
        {
            end = (end + parameter.Shape.Length + AlignedFloats - 1) / AlignedFloats * AlignedFloats;
        }

        return end;
    }

    private Tensor Step(Tape tape, ulong seed)
    {
        using Tensor x = Draw(seed, 4, 1, 5, 4), target = Draw(seed + 1000, 4, 5);
        tape.Reset();
        Tensor loss = _network.Forward(tape.Watch(x)).MeanSquaredError(target);
        tape.Backward(loss);
        return loss;
    }

    private Tensor Draw(ulong seed, params int[] sizes)
    {
        Shape shape = new(sizes);
        RandomSource random = new(seed);
        return Tensor.From(_backend, shape, [.. Enumerable.Range(0, shape.Length).Select(_ => (float)random.NextGaussian())]);
    }
}
