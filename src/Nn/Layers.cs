using Engine.Kernels;
using Engine.Nn.Onnx;
using Engine.Tensors;

namespace Engine.Nn;

/// <summary>Cross-correlation with padding, dilation and, if wanted, a bias and an activation: N×In×H×W to N×Out×P×Q.</summary>
public sealed class Conv2d : Module
{
    private readonly int _padding;
    private readonly (int H, int W) _dilation;

    /// <summary>A layer with square filters.</summary>
    public Conv2d(string name, int channelsIn, int channelsOut, int kernel, int padding = 0, bool bias = true, Activation activation = default)
        : this(
            new Parameter($"{name}.weight", new Shape(channelsOut, channelsIn, kernel, kernel), ParameterRole.Weight, ParameterLayout.FlippedKernel)
            {
                FanIn = channelsIn * kernel * kernel,
            },
            bias ? new Parameter($"{name}.bias", new Shape(channelsOut), ParameterRole.Bias) : null, padding, (1, 1), activation)
    {
    }

    /// <summary>A layer over given parameters.</summary>
    internal Conv2d(Parameter weight, Parameter? bias, int padding, (int H, int W) dilation, Activation activation) =>
        (Weight, Bias, _padding, _dilation, Activation) = (weight, bias, padding, dilation, activation);

    /// <summary>The filters, Out×In×rows×columns.</summary>
    public Parameter Weight { get; }

    /// <summary>One number an output channel, or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>What follows.</summary>
    public Activation Activation { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) =>
        x.Conv2d(Weight.Value, Bias?.Value, padding: (_padding, _padding), dilation: _dilation, activation: Activation, packed: Weight.Packed);

    /// <summary>The same layer followed by a pooling, in one operation that does not keep what lies between.</summary>
    internal Tensor ForwardPooled(Tensor x, (int H, int W) window, (int H, int W) stride, (int H, int W) poolDilation) =>
        x.ConvMaxPool2d(Weight.Value, Bias?.Value, (_padding, _padding), _dilation, Activation, window, stride, poolDilation, Weight.Packed);

    /// <inheritdoc/>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x)
    {
        Conv2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], Weight.Shape[0], Weight.Shape[2], Weight.Shape[3],
            padH: _padding, padW: _padding, dilationH: _dilation.H, dilationW: _dilation.W);
        OnnxValue y = graph.Add(
            "Conv", name, x, new Shape(shape.N, shape.K, shape.P, shape.Q), [.. Parameters.Select(graph.Constant)],
            new OnnxSetting("kernel_shape", shape.R, shape.S), new OnnxSetting("pads", _padding, _padding, _padding, _padding),
            new OnnxSetting("dilations", _dilation.H, _dilation.W));
        return graph.Activate($"{name}.activation", y, Activation);
    }

    /// <summary>The same layer, sharing the parameters, with the taps of the filters spread out.</summary>
    public Conv2d Dilated(int rows, int columns) => new(Weight, Bias, _padding, (rows, columns), Activation);
}

/// <summary>Transposed convolution with a stride and, if wanted, a bias and an activation: N×In×H×W to N×Out×P×Q.</summary>
public sealed class ConvTranspose2d(
    string name, int channelsIn, int channelsOut, int kernel, int stride, int padding, bool bias = true, Activation activation = default) : Module
{
    /// <summary>The filters, In×Out×kernel×kernel.</summary>
    public Parameter Weight { get; } =
        new($"{name}.weight", new Shape(channelsIn, channelsOut, kernel, kernel), ParameterRole.Weight, ParameterLayout.FlippedKernel)
        {
            FanIn = channelsIn * kernel * kernel, OutputAxis = 1,
        };

    /// <summary>One number an output channel, or null.</summary>
    public Parameter? Bias { get; } = bias ? new Parameter($"{name}.bias", new Shape(channelsOut), ParameterRole.Bias) : null;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) =>
        x.ConvTranspose2d(Weight.Value, Bias?.Value, (stride, stride), (padding, padding), activation: activation);

    /// <inheritdoc/>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x)
    {
        ConvTranspose2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], Weight.Shape[1], Weight.Shape[2], Weight.Shape[3], stride, stride, padding, padding);
        OnnxValue y = graph.Add(
            "ConvTranspose", name, x, new Shape(shape.N, shape.K, shape.P, shape.Q), [.. Parameters.Select(graph.Constant)],
            new OnnxSetting("kernel_shape", shape.R, shape.S), new OnnxSetting("strides", stride, stride),
            new OnnxSetting("pads", padding, padding, padding, padding));
        return graph.Activate($"{name}.activation", y, activation);
    }
}

/// <summary>Matrix product with, if wanted, a bias and an activation: N×In to N×Out.</summary>
public sealed class Dense(string name, int featuresIn, int featuresOut, bool bias = true, Activation activation = default) : Module
{
    /// <summary>The weights, In×Out.</summary>
    public Parameter Weight { get; } =
        new($"{name}.weight", new Shape(featuresIn, featuresOut), ParameterRole.Weight) { FanIn = featuresIn, OutputAxis = 1 };

    /// <summary>One number an output feature, or null.</summary>
    public Parameter? Bias { get; } = bias ? new Parameter($"{name}.bias", new Shape(featuresOut), ParameterRole.Bias) : null;

    /// <summary>What follows.</summary>
    public Activation Activation { get; } = activation;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Dense(Weight.Value, Bias?.Value, Activation);

    /// <inheritdoc/>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x)
    {
        OnnxValue y = graph.Add("Gemm", name, x, new Shape(x.Shape[0], Weight.Shape[1]), [.. Parameters.Select(graph.Constant)]);
        return graph.Activate($"{name}.activation", y, Activation);
    }

    /// <summary>
    /// The layer, whose input is channels×rows×columns and whose parameters are loaded, as a convolution that slides it over larger maps. It
    /// shares the bias and has filters of its own: the weights In×Out transposed.
    /// </summary>
    public Conv2d AsConv2d(int channels, int rows, int columns, (int H, int W)? dilation = null)
    {
        (int featuresIn, int featuresOut) = (Weight.Shape[0], Weight.Shape[1]);
        float[] values = Weight.Value.ToArray(), transposed = new float[values.Length];
        for (int i = 0; i < featuresIn; i++)
        for (int o = 0; o < featuresOut; o++)
        {
            transposed[o * featuresIn + i] = values[i * featuresOut + o];
        }

        Parameter filters = new(Weight.Name, new Shape(featuresOut, channels, rows, columns), ParameterRole.Weight);
        filters.Load(Weight.Value.Backend, transposed);
        return new Conv2d(filters, Bias, 0, dilation ?? (1, 1), Activation);
    }
}

/// <summary>
/// Batch normalisation: N×C or N×C×H×W, unchanged in shape. With the running statistics; where gamma is being trained on a tape, with those of the
/// batch, towards which the running ones then move by a tenth. Then, if wanted, an activation. In weight files: beta,
/// gamma, mean, inverse standard deviation 1/√(variance + 1e-4).
/// </summary>
public sealed class BatchNorm(string name, int channels, Activation activation = default) : Module
{
    private const float Momentum = 0.1f;
    private const double Epsilon = 1e-4;

    private readonly Parameter _beta = new($"{name}.beta", new Shape(channels), ParameterRole.Beta);
    private readonly Parameter _gamma = new($"{name}.gamma", new Shape(channels), ParameterRole.Gamma);
    private readonly Parameter _mean = new($"{name}.mean", new Shape(channels), ParameterRole.RunningMean);
    private readonly Parameter _inverseStd = new($"{name}.inverse_std", new Shape(channels), ParameterRole.RunningInverseStd);
    private Tensor? _batchMean;
    private Tensor? _batchInverseStd;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => [_beta, _gamma, _mean, _inverseStd];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        if (x.Tape is null || !_gamma.Value.RequiresGradient)
        {
            return x.BatchNorm(_mean.Value, _inverseStd.Value, _gamma.Value, _beta.Value, activation);
        }

        _batchMean ??= Tensor.Allocate(x.Backend, _mean.Shape);
        _batchInverseStd ??= Tensor.Allocate(x.Backend, _inverseStd.Shape);
        return x.BatchNormTrain(
            _gamma.Value, _beta.Value, new BatchStatistics(_mean.Value, _inverseStd.Value, _batchMean, _batchInverseStd), Momentum, (float)Epsilon,
            activation);
    }

    /// <inheritdoc/>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x)
    {
        // ONNX has the variance, 1/i² − ε. Near i = 1/√ε they cancel, but only their sum counts, and that keeps all of float32's digits; beyond, where
        // rounding can bring it, ε is made smaller so that no variance is negative. The numbers are as good as from Mul and Add, the statistics
        // stay what they are called.
        float[] inverseStd = _inverseStd.Value.ToArray();
        double[] sums = Array.ConvertAll(inverseStd, i => 1 / ((double)i * i));
        for (int c = 0; c < sums.Length; c++)
        {
            if (inverseStd[c] <= 0 || !float.IsNormal((float)sums[c]))
            {
                throw new EngineException($"ONNX cannot express {_inverseStd.Name}, which holds {inverseStd[c]:R}: it wants the variance instead");
            }
        }

        float epsilon = (float)Math.Min(Epsilon, sums.Min());
        float[] variance = Array.ConvertAll(sums, sum => (float)Math.Max(0, sum - epsilon));
        OnnxValue y = graph.Add(
            "BatchNormalization", name, x, x.Shape,
            [graph.Constant(_gamma), graph.Constant(_beta), graph.Constant(_mean), graph.Constant($"{name}.variance", _mean.Shape, variance)],
            new OnnxSetting("epsilon", epsilon));
        return graph.Activate($"{name}.activation", y, activation);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _batchMean?.Dispose();
        _batchInverseStd?.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Where it is on and the input is on a tape, drops each element with a probability and scales up the others; else the identity.</summary>
public sealed class Dropout(float probability) : Module
{
    /// <summary>Whether elements are dropped on a tape: on for a network in training, off for a fixed one that gradients only pass through.</summary>
    public bool IsOn { get; set; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => IsOn && x.Tape is { } tape ? x.Dropout(probability, tape.NextSeed) : x.Reshape(x.Shape);

    /// <inheritdoc/>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x) => x;
}

/// <summary>A pointwise function of any tensor.</summary>
public sealed class Activate(Activation activation) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Activate(activation);

    /// <inheritdoc/>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x) => graph.Activate(name, x, activation);
}

/// <summary>Max-pooling: N×C×H×W to N×C×P×Q.</summary>
public sealed class MaxPool2d((int H, int W) window, (int H, int W) stride, (int H, int W)? dilation = null) : Module
{
    private readonly (int H, int W) _dilation = dilation ?? (1, 1);

    /// <summary>Square windows that do not overlap.</summary>
    public MaxPool2d(int size)
        : this((size, size), (size, size))
    {
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.MaxPool2d(window, stride, _dilation);

    /// <summary>A convolution followed by this pooling, in one operation.</summary>
    internal Tensor ForwardAfter(Conv2d conv, Tensor x) => conv.ForwardPooled(x, window, stride, _dilation);

    /// <inheritdoc/>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x)
    {
        MaxPool2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], window.H, window.W, stride.H, stride.W, _dilation.H, _dilation.W);
        return graph.Add(
            "MaxPool", name, x, new Shape(shape.N, shape.C, shape.P, shape.Q), [],
            new OnnxSetting("kernel_shape", window.H, window.W), new OnnxSetting("strides", stride.H, stride.W),
            new OnnxSetting("dilations", _dilation.H, _dilation.W));
    }
}

/// <summary>A convolution and the max-pooling that follows it, worked out as one; observed and exported they are two.</summary>
public sealed class ConvMaxPool2d((string Name, Conv2d Module) conv, (string Name, MaxPool2d Module) pool) : Module
{
    private readonly Sequential _parts = new((conv.Name, conv.Module), (pool.Name, pool.Module));

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => conv.Module.Parameters;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => pool.Module.ForwardAfter(conv.Module, x);

    /// <inheritdoc/>
    internal override Tensor ForwardObserved(string name, Tensor x, Action<string, Tensor> observe) => _parts.Forward(x, observe);

    /// <inheritdoc/>
    /// <remarks>The nodes have the names of the parts.</remarks>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x) => _parts.Export(graph, name, x);
}

/// <summary>The upper left corner: N×C×H×W to N×C×rows×columns.</summary>
public sealed class Crop2d(int rows, int columns) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Crop2d(rows, columns);

    /// <inheritdoc/>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x) => graph.Add(
        "Slice", name, x, new Shape(x.Shape[0], x.Shape[1], rows, columns),
        [graph.Constant($"{name}.starts", 0, 0), graph.Constant($"{name}.ends", rows, columns), graph.Constant($"{name}.axes", 2, 3)]);
}

/// <summary>The samples of a batch of maps laid out anew, see <see cref="BatchLayout"/>. An exported model keeps one layout.</summary>
public sealed class ToLayout(BatchLayout layout) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.ToLayout(layout);

    /// <inheritdoc/>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x) => x;
}

/// <summary>Other axes for the elements of each sample; shares the memory.</summary>
public sealed class Reshape(params int[] sizes) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        // Not a collection with a spread: that is an array a call.
        Span<int> all = stackalloc int[1 + sizes.Length];
        all[0] = x.Shape[0];
        sizes.CopyTo(all[1..]);
        return x.Reshape(new Shape(all));
    }

    /// <inheritdoc/>
    public override OnnxValue Export(OnnxGraph graph, string name, OnnxValue x) =>
        graph.Reshape(name, x, new Shape([x.Shape[0], .. sizes]), dynamicAxis: 0);
}
