using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn.Tests;

/// <summary>A quadratic, |x·w − t|²/n with one row x, whose gradient is worked out by hand beside it.</summary>
public class OptimizersTests
{
    private const int Steps = 20;
    private const double LearningRate = 0.05;

    // Some ten float32 roundings of numbers about 1 in each of twenty steps, some of which ADAM's division by a small √v enlarges.
    private const double Tolerance = 1e-5;

    private static readonly float[] x = [1, -2, 0.5f], start = [0.3f, -0.2f, 0.9f, 0.1f, -0.7f, 0.4f], target = [2, -1];

    [Theory]
    [InlineData(true, 0.9f, 0.999f, 1e-8f)]
    [InlineData(false, 0.9f, 0.999f, 1e-8f)]
    [InlineData(false, 0.5f, 0.75f, 0.1f)]
    [InlineData(false, 0f, 0.75f, 1e-3f)]
    public void AdamIsThatOfADoubleLoop(bool reference, float beta1, float beta2, float epsilon)
    {
        double[] w = [.. start.Select(value => (double)value)], m = new double[w.Length], v = new double[w.Length];
        for (int t = 1; t <= Steps; t++)
        {
            double[] g = GradientOf(w);
            for (int i = 0; i < w.Length; i++)
            {
                m[i] = beta1 * m[i] + (1 - beta1) * g[i];
                v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
                w[i] -= LearningRate * Math.Sqrt(1 - Math.Pow(beta2, t)) / (1 - Math.Pow(beta1, t)) * m[i] / (Math.Sqrt(v[i]) + epsilon);
            }
        }

        Run(reference, parameters => new Adam(parameters, beta1, beta2, epsilon), w, [("adam_m", m), ("adam_v", v)]);
    }

    [Fact]
    public void TheDefaultsOfAdamAreThePapers()
    {
        using IBackend backend = Backends.CreateReference();
        using Dense network = Build(backend), other = Build(backend);
        using TrainableParameters parameters = new(network, backend), others = new(other, backend);
        using Adam adam = new(parameters), same = new(others, 0.9f, 0.999f, 1e-8f);
        Step(backend, network, adam);
        Step(backend, other, same);
        Assert.Equal(network.Weight.Value.ToArray(), other.Weight.Value.ToArray());
    }

    [Theory]
    [InlineData(1f, 0.5f, 0f)]
    [InlineData(0.5f, -0.1f, 0f)]
    [InlineData(0.5f, 0.5f, -1f)]
    [InlineData(float.NaN, 0.5f, 0f)]
    public void AdamRefusesSettingsOutOfRange(float beta1, float beta2, float epsilon)
    {
        using IBackend backend = Backends.CreateReference();
        using Dense network = Build(backend);
        using TrainableParameters parameters = new(network, backend);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Adam(parameters, beta1, beta2, epsilon));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void NesterovMomentumIsThatOfADoubleLoop(bool reference)
    {
        double[] w = [.. start.Select(value => (double)value)], velocity = new double[w.Length];
        const double momentum = 0.95;
        for (int t = 0; t < Steps; t++)
        {
            double[] g = GradientOf(w);
            for (int i = 0; i < w.Length; i++)
            {
                velocity[i] = momentum * velocity[i] - LearningRate * g[i];
                w[i] += momentum * velocity[i] - LearningRate * g[i];
            }
        }

        Run(reference, parameters => new NesterovMomentum(parameters, 0.95f), w, [("velocity", velocity)]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheAverageIsThatOfADoubleLoop(bool reference)
    {
        const double decay = 0.5; // From the eighth step on, 9 / (10 + n) is less than 1 − 0.5.
        double[] w = [.. start.Select(value => (double)value)], velocity = new double[w.Length], average = new double[w.Length];
        for (int t = 1; t <= Steps; t++)
        {
            double[] g = GradientOf(w);
            double share = t == 1 ? 1 : Math.Max(1 - decay, 9 / (10.0 + t));
            for (int i = 0; i < w.Length; i++)
            {
                velocity[i] = 0.95f * velocity[i] - LearningRate * g[i];
                w[i] += 0.95f * velocity[i] - LearningRate * g[i];
                average[i] += share * (w[i] - average[i]);
            }
        }

        Run(
            reference, parameters => new WeightAverage(new NesterovMomentum(parameters, 0.95f), parameters, decay), w,
            [("velocity", velocity), ("average", average)]);
    }

    [Fact]
    public void ANetworkCanHaveTheAverageForItsWeights()
    {
        using IBackend backend = Backends.CreateCpu(1);
        using Dense network = Build(backend), averaged = Build(backend);
        using TrainableParameters parameters = new(network, backend);
        using WeightAverage optimizer = new(new Adam(parameters), parameters, 0.9);
        TrainableParameters.Place(optimizer.Average, averaged);
        using Tensor input = Tensor.From(backend, new Shape(1, x.Length), x);
        for (int t = 0; t < Steps; t++)
        {
            Step(backend, network, optimizer);
            averaged.Weight.ValuesChanged();
            float[] weights = averaged.Weight.Value.ToArray(), expected = new float[target.Length];
            Assert.Equal(optimizer.Average.ToArray()[..weights.Length], weights);
            for (int i = 0; i < x.Length; i++)
            {
                for (int j = 0; j < expected.Length; j++) expected[j] += x[i] * weights[i * expected.Length + j];
            }

            using Tensor output = averaged.Forward(input);
            AssertClose([.. expected.Select(value => (double)value)], output.ToArray());
        }

        Assert.NotEqual(network.Weight.Value.ToArray(), averaged.Weight.Value.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => new WeightAverage(new Adam(parameters), parameters, 1));
    }

    [Theory]
    [InlineData("adam")]
    [InlineData("nesterov")]
    [InlineData("average")]
    public void ARestoredOptimizerHasTheSameFuture(string kind)
    {
        Optimizer Create(TrainableParameters parameters) => kind switch
        {
            "adam" => new Adam(parameters),
            "nesterov" => new NesterovMomentum(parameters, 0.95f),
            _ => new WeightAverage(new Adam(parameters), parameters, 0.5),
        };
        using IBackend backend = Backends.CreateCpu(1);
        using Dense network = Build(backend), other = Build(backend);
        using TrainableParameters parameters = new(network, backend), others = new(other, backend);
        using Optimizer optimizer = Create(parameters), restored = Create(others);
        for (int t = 0; t < Steps; t++)
        {
            if (t == Steps / 2)
            {
                restored.Steps = optimizer.Steps;
                backend.Copy(parameters.Values.View, others.Values.View);
                foreach (((string name, Tensor from), (string same, Tensor to)) in optimizer.State.Zip(restored.State))
                {
                    Assert.Equal(name, same);
                    backend.Copy(from.View, to.View);
                }
            }

            Step(backend, network, optimizer);
            if (t >= Steps / 2) Step(backend, other, restored);
        }

        Assert.Equal(Steps, restored.Steps);
        Assert.Equal(network.Weight.Value.ToArray(), other.Weight.Value.ToArray());
        Assert.All(optimizer.State.Zip(restored.State), pair => Assert.Equal(pair.First.Value.ToArray(), pair.Second.Value.ToArray()));
    }

    private static void Run(
        bool reference, Func<TrainableParameters, Optimizer> create, double[] expected, (string Name, double[] Values)[] expectedState)
    {
        using IBackend backend = reference ? Backends.CreateReference() : Backends.CreateCpu(2);
        using Dense network = Build(backend);
        using TrainableParameters parameters = new(network, backend);
        using Optimizer optimizer = create(parameters);
        for (int t = 0; t < Steps; t++) Step(backend, network, optimizer);
        Assert.Equal(Steps, optimizer.Steps);
        AssertClose(expected, network.Weight.Value.ToArray());
        Assert.Equal(expectedState.Select(state => state.Name), optimizer.State.Select(state => state.Name));
        for (int k = 0; k < expectedState.Length; k++) AssertClose(expectedState[k].Values, optimizer.State[k].Value.ToArray());
    }

    private static void AssertClose(double[] expected, float[] actual)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs(expected[i] - actual[i]);
            Assert.True(error <= Tolerance * Math.Max(1, Math.Abs(expected[i])), $"at {i}: {actual[i]:g9}, not {expected[i]:g9}; off by {error:g3}");
        }
    }

    private static Dense Build(IBackend backend)
    {
        Dense network = new(x.Length, target.Length, bias: false) { Name = "dense" };
        network.Weight.Load(backend, start);
        return network;
    }

    private static void Step(IBackend backend, Dense network, Optimizer optimizer)
    {
        using Tape tape = new();
        using Tensor input = Tensor.From(backend, new Shape(1, x.Length), x), wanted = Tensor.From(backend, new Shape(1, target.Length), target);
        tape.Backward(network.Forward(tape.Watch(input)).MeanSquaredError(wanted));
        optimizer.Step(LearningRate);
    }

    private static double[] GradientOf(double[] w)
    {
        int outputs = target.Length;
        double[] gradient = new double[w.Length];
        for (int o = 0; o < outputs; o++)
        {
            double y = 0;
            for (int i = 0; i < x.Length; i++) y += x[i] * w[i * outputs + o];
            for (int i = 0; i < x.Length; i++) gradient[i * outputs + o] = 2 * (y - target[o]) / outputs * x[i];
        }

        return gradient;
    }

    /// <summary>A root of a negative number would make weights NaN a step later.</summary>
    [Fact]
    public void NegativeSecondMomentsAreAFault()
    {
        using IBackend backend = Backends.CreateReference();
        using Dense layer = new(2, 1) { Name = "dense" };
        Initializers.Initialize(layer, backend, WeightInitializer.HeNormal, new RandomSource(1));
        using TrainableParameters parameters = new(layer, backend);
        using Adam adam = new(parameters);
        Assert.Contains("negative", adam.FaultOf("adam_v", [0, -1e-9f]), StringComparison.Ordinal);
        Assert.Null(adam.FaultOf("adam_v", [0, 1]));
        Assert.Null(adam.FaultOf("adam_m", [-1]));
    }
}
