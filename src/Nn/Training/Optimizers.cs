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

    /// <summary>What is wrong with state that was read back, which no step can have left; null if nothing is.</summary>
    public virtual string? FaultOf(string name, ReadOnlySpan<float> values) => null;

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

/// <summary>ADAM with bias correction (Kingma and Ba, ICLR 2015).</summary>
/// <param name="parameters">What is optimised.</param>
/// <param name="beta1">How much of the mean gradient is kept from step to step, in [0, 1).</param>
/// <param name="beta2">How much of the mean squared gradient is kept from step to step, in [0, 1).</param>
/// <param name="epsilon">
/// Added to the root of the mean squared gradient; at least 0. It is added before the correction for having started at 0, as in Lasagne and in the second form
/// of the paper's section 2, where it is called ε̂.
/// </param>
/// <exception cref="ArgumentOutOfRangeException">A setting lies outside its range.</exception>
public sealed class Adam(TrainableParameters parameters, float beta1 = 0.9f, float beta2 = 0.999f, float epsilon = 1e-8f) : Optimizer(parameters)
{
    private readonly (float Beta1, float Beta2, float Epsilon) _settings = (Share(beta1), Share(beta2), NotNegative(epsilon));
    private readonly Tensor _m = Zeros(parameters);
    private readonly Tensor _v = Zeros(parameters);

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> State => [("adam_m", _m), ("adam_v", _v)];

    /// <inheritdoc/>
    public override string? FaultOf(string name, ReadOnlySpan<float> values)
    {
        if (name != "adam_v") return null;
        foreach (float value in values)
        {
            if (value < 0) return "holds negative second moments";
        }

        return null;
    }

    /// <inheritdoc/>
    protected override void Apply(float learningRate) =>
        Parameters.Backend.Run(
            new AdamOp(
                new AdamStep(learningRate, _settings.Beta1, _settings.Beta2, _settings.Epsilon, Steps), Parameters.Gradients.View, Parameters.Values.View,
                _m.View, _v.View));

    private static float Share(float beta) =>
        beta is >= 0 and < 1 ? beta : throw new ArgumentOutOfRangeException(nameof(beta), beta, "ADAM's β lies in [0, 1)");

    private static float NotNegative(float epsilon) =>
        epsilon >= 0 ? epsilon : throw new ArgumentOutOfRangeException(nameof(epsilon), epsilon, "ADAM's ε is at least 0");
}

/// <summary>Stochastic gradient descent with Nesterov's momentum, in Lasagne's form.</summary>
public sealed class NesterovMomentum(TrainableParameters parameters, float momentum) : Optimizer(parameters)
{
    private readonly Tensor _velocity = Zeros(parameters);

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> State => [("velocity", _velocity)];

    /// <inheritdoc/>
    protected override void Apply(float learningRate) =>
        Parameters.Backend.Run(new NesterovOp(learningRate, momentum, Parameters.Gradients.View, Parameters.Values.View, _velocity.View));
}

/// <summary>
/// Another optimiser, and an average of the weights over its steps (Polyak and Juditsky, 1992), which generalises better than the last weights and hardly
/// moves from step to step. The average is exponential: after step n it takes a share of 1 − <paramref name="decay"/> of the new weights, more while there
/// are few steps: 9 / (10 + n).
/// </summary>
/// <param name="optimizer">The optimiser; this one owns it.</param>
/// <param name="parameters">What it optimises.</param>
/// <param name="decay">How much of the average is kept from step to step, in [0, 1).</param>
/// <exception cref="ArgumentOutOfRangeException">The decay lies outside its range.</exception>
public sealed class WeightAverage(Optimizer optimizer, TrainableParameters parameters, double decay) : Optimizer(parameters)
{
    private readonly double _decay = decay is >= 0 and < 1 ? decay : throw new ArgumentOutOfRangeException(nameof(decay), decay, "a decay lies in [0, 1)");

    /// <summary>The average, flat in the parameters' layout; zero before the first step.</summary>
    public Tensor Average { get; } = Zeros(parameters);

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> State => [.. optimizer.State, ("average", Average)];

    /// <inheritdoc/>
    public override string? FaultOf(string name, ReadOnlySpan<float> values) => optimizer.FaultOf(name, values);

    /// <inheritdoc/>
    protected override void Apply(float learningRate)
    {
        // The steps of a training that resumes are set on this optimiser alone.
        optimizer.Steps = Steps - 1;
        optimizer.Step(learningRate);
        float share = Steps == 1 ? 1 : (float)Math.Max(1 - _decay, 9 / (10.0 + Steps));
        Parameters.Backend.Run(new AddOp(Average.View, Average.View, -share, Average.View));
        Parameters.Backend.Run(new AddScaledOp(share, Parameters.Values.View, Average.View));
    }
}
