using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn;

/// <summary>Cross-correlation with padding and, if wanted, a bias and an activation: N×In×H×W to N×Out×P×Q.</summary>
public sealed class Conv2d(
    string name, int channelsIn, int channelsOut, int kernel, int padding = 0, bool bias = true, Activation activation = default) : Module
{
    /// <summary>The filters, Out×In×kernel×kernel.</summary>
    public Parameter Weight { get; } =
        new($"{name}.weight", new Shape(channelsOut, channelsIn, kernel, kernel), ParameterLayout.FlippedKernel);

    /// <summary>One number an output channel, or null.</summary>
    public Parameter? Bias { get; } = bias ? new Parameter($"{name}.bias", new Shape(channelsOut)) : null;

    /// <summary>What follows.</summary>
    public Activation Activation { get; } = activation;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => Forward(x, (1, 1));

    /// <summary>The same filters with their taps spread out.</summary>
    public Tensor Forward(Tensor x, (int H, int W) dilation) =>
        x.Conv2d(Weight.Value, Bias?.Value, padding: (padding, padding), dilation: dilation, activation: Activation);
}

/// <summary>Transposed convolution with a stride and, if wanted, a bias and an activation: N×In×H×W to N×Out×P×Q.</summary>
public sealed class ConvTranspose2d(
    string name, int channelsIn, int channelsOut, int kernel, int stride, int padding, bool bias = true, Activation activation = default) : Module
{
    /// <summary>The filters, In×Out×kernel×kernel.</summary>
    public Parameter Weight { get; } =
        new($"{name}.weight", new Shape(channelsIn, channelsOut, kernel, kernel), ParameterLayout.FlippedKernel);

    /// <summary>One number an output channel, or null.</summary>
    public Parameter? Bias { get; } = bias ? new Parameter($"{name}.bias", new Shape(channelsOut)) : null;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) =>
        x.ConvTranspose2d(Weight.Value, Bias?.Value, (stride, stride), (padding, padding), activation: activation);
}

/// <summary>Matrix product with, if wanted, a bias and an activation: N×In to N×Out.</summary>
public sealed class Dense(string name, int featuresIn, int featuresOut, bool bias = true, Activation activation = default) : Module
{
    /// <summary>The weights, In×Out.</summary>
    public Parameter Weight { get; } = new($"{name}.weight", new Shape(featuresIn, featuresOut));

    /// <summary>One number an output feature, or null.</summary>
    public Parameter? Bias { get; } = bias ? new Parameter($"{name}.bias", new Shape(featuresOut)) : null;

    /// <summary>What follows.</summary>
    public Activation Activation { get; } = activation;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Dense(Weight.Value, Bias?.Value, Activation);
}

/// <summary>
/// Batch normalisation with running statistics: N×C or N×C×H×W, unchanged in shape. In weight files: beta, gamma, mean, inverse standard
/// deviation 1/√(variance + 1e-4).
/// </summary>
public sealed class BatchNorm(string name, int channels) : Module
{
    private readonly Parameter _beta = new($"{name}.beta", new Shape(channels));
    private readonly Parameter _gamma = new($"{name}.gamma", new Shape(channels));
    private readonly Parameter _mean = new($"{name}.mean", new Shape(channels));
    private readonly Parameter _inverseStd = new($"{name}.inverse_std", new Shape(channels));

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => [_beta, _gamma, _mean, _inverseStd];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.BatchNorm(_mean.Value, _inverseStd.Value, _gamma.Value, _beta.Value);
}

/// <summary>A pointwise function of any tensor.</summary>
public sealed class Activate(Activation activation) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Activate(activation);
}

/// <summary>Max-pooling over square windows that do not overlap: N×C×H×W to N×C×(H / size)×(W / size).</summary>
public sealed class MaxPool2d(int size) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.MaxPool2d((size, size), (size, size));
}

/// <summary>The upper left corner: N×C×H×W to N×C×rows×columns.</summary>
public sealed class Crop2d(int rows, int columns) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Crop2d(rows, columns);
}

/// <summary>Other axes for the elements of each sample; shares the memory.</summary>
public sealed class Reshape(params int[] sizes) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Reshape(new Shape([x.Shape[0], .. sizes]));
}
