using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn;

/// <summary>Changes parameters by their gradients. Its state is flat tensors of the parameters' layout, for checkpoints.</summary>
public abstract class Optimizer(TrainableParameters parameters) : IDisposable
{
    /// <summary>What is optimised.</summary>
    protected TrainableParameters Parameters { get; } = parameters;

    /// <summary>Steps taken.</summary>
    public long Steps { get; set; }

    /// <summary>What the optimiser remembers of earlier steps, by name.</summary>
    public abstract IReadOnlyList<(string Name, Tensor Value)> State { get; }

    /// <summary>Takes one step.</summary>
    public void Step(double learningRate)
    {
        Steps++;
        Apply((float)learningRate);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, Tensor value) in State) value.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The pass over all parameters.</summary>
    protected abstract void Apply(float learningRate);

    /// <summary>A flat array of zeros beside the parameters.</summary>
    protected static Tensor Zeros(TrainableParameters parameters) =>
        Tensor.From(parameters.Backend, parameters.Values.Shape, new float[parameters.Values.Shape.Length]);
}

/// <summary>ADAM with bias correction (Kingma and Ba, ICLR 2015): β 0.9 and 0.999, ε 1e-8.</summary>
public sealed class Adam(TrainableParameters parameters) : Optimizer(parameters)
{
    private readonly Tensor _m = Zeros(parameters);
    private readonly Tensor _v = Zeros(parameters);

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> State => [("adam_m", _m), ("adam_v", _v)];

    /// <inheritdoc/>
    protected override void Apply(float learningRate) =>
        Parameters.Backend.Adam(
            new AdamStep(learningRate, 0.9f, 0.999f, 1e-8f, Steps), Parameters.Values.View, Parameters.Gradients.View, _m.View, _v.View);
}

/// <summary>Stochastic gradient descent with Nesterov's momentum, in Lasagne's form.</summary>
public sealed class NesterovMomentum(TrainableParameters parameters, float momentum) : Optimizer(parameters)
{
    private readonly Tensor _velocity = Zeros(parameters);

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> State => [("velocity", _velocity)];

    /// <inheritdoc/>
    protected override void Apply(float learningRate) =>
        Parameters.Backend.Nesterov(learningRate, momentum, Parameters.Values.View, Parameters.Gradients.View, _velocity.View);
}
