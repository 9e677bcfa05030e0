using Engine.Kernels;
using Engine.Nn;
using Engine.Tensors;

// A small network with the layer below, trained to say which of two numbers is larger.
using IBackend backend = Backends.CreateCpu();
using Sequential network = new(new Dense(2, 16), new Reshape(16, 1, 1), new GroupNorm(4, 16), new Activate(Activation.Elu), new Flatten(), new Dense(16, 1));
Initializers.Initialize(network, backend, WeightInitializer.HeNormal, new RandomSource(1));
using TrainableParameters parameters = new(network, backend);
using Adam adam = new(parameters);
using Tape tape = new();
RandomSource random = new(2);
for (int step = 1; step <= 200; step++)
{
    float[] pairs = [.. Enumerable.Range(0, 128).Select(_ => (float)random.NextGaussian())];
    using Tensor x = Tensor.From(backend, new Shape(64, 2), pairs);
    using Tensor target = Tensor.From(backend, new Shape(64, 1), [.. pairs.Chunk(2).Select(pair => pair[0] > pair[1] ? 1f : 0)]);
    tape.Reset();
    Tensor loss = network.Forward(tape.Watch(x)).SigmoidCrossEntropy(target);
    tape.Backward(loss);
    adam.Step(learningRate: 0.01);
    if (step % 50 == 0) Console.WriteLine($"step {step}: loss {loss.ToArray()[0]:f4}");
}

// Compares the layer's gradients with difference quotients.
using IBackend reference = Backends.CreateReference();
using GroupNorm layer = new(2, 4);
Initializers.Initialize(layer, reference, WeightInitializer.HeNormal, random);
using Tensor maps = Tensor.From(reference, new Shape(2, 4, 3, 2), [.. Enumerable.Range(0, 48).Select(_ => (float)random.NextGaussian())]);
GradientError error = GradientCheck.LargestError(v => layer.Forward(v[0]), [maps, .. layer.Parameters.Select(parameter => parameter.Value)]);
Console.WriteLine($"GroupNorm: {error}");
return error.Error < 1e-2 ? 0 : 1;

/// <summary>
/// Group normalisation (Wu and He, ECCV 2018) from sums, products and a root. The channels of N×C×H×W form groups. In each sample, every group gets mean 0 and
/// variance 1; then each channel is multiplied by its gamma and its beta is added. The layer needs no gradient rule of its own.
/// </summary>
internal sealed class GroupNorm(int groups, int channels) : Module
{
    private const float Epsilon = 1e-5f;

    private readonly Parameter _gamma = new("gamma", new Shape(channels, 1, 1), ParameterRole.Gamma);
    private readonly Parameter _beta = new("beta", new Shape(channels, 1, 1), ParameterRole.Beta);

    public override IReadOnlyList<Parameter> Parameters => [_gamma, _beta];

    // A tape owns what is computed on it; without one, `using` gives it back.
    public override Tensor Forward(Tensor x)
    {
        using Tensor grouped = x.Reshape(new Shape(x.Shape[0], groups, x.Shape.Length / (x.Shape[0] * groups)));
        using Tensor mean = grouped.Mean(2), centred = grouped.Subtract(mean);
        using Tensor squares = centred.Multiply(centred), variance = squares.Mean(2), scale = variance.InverseSqrt(Epsilon);
        using Tensor normal = centred.Multiply(scale), shaped = normal.Reshape(x.Shape), scaled = shaped.Multiply(_gamma.Value);
        return scaled.Add(_beta.Value);
    }
}
