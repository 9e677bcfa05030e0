using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn;

/// <summary>Cross-correlation with padding, dilation and, if wanted, a bias and an activation: N×In×H×W to N×Out×P×Q.</summary>
public sealed class Conv2d : Module
{
    /// <summary>A layer with square filters.</summary>
    /// <param name="channelsIn">Channels of the input.</param>
    /// <param name="channelsOut">Filters, and channels of the result.</param>
    /// <param name="kernel">Rows and columns of a filter.</param>
    /// <param name="stride">How many rows and columns lie between one output and the next.</param>
    /// <param name="padding">Rows and columns of zeros on each side of the input.</param>
    /// <param name="bias">Whether a number is added to each channel.</param>
    /// <param name="activation">What is applied to the sums.</param>
    public Conv2d(
        int channelsIn, int channelsOut, int kernel, int stride = 1, int padding = 0, bool bias = true, Activation activation = default)
        : this(
            new Parameter("weight", new Shape(channelsOut, channelsIn, kernel, kernel), ParameterRole.Weight, ParameterLayout.FlippedKernel)
            {
                FanIn = channelsIn * kernel * kernel,
            },
            bias ? new Parameter("bias", new Shape(channelsOut), ParameterRole.Bias) : null, stride, padding, (1, 1), activation)
    {
    }

    /// <summary>A layer over given parameters.</summary>
    internal Conv2d(Parameter weight, Parameter? bias, int stride, int padding, (int H, int W) dilation, Activation activation) =>
        (Weight, Bias, Stride, Padding, Dilation, Activation) = (weight, bias, stride, padding, dilation, activation);

    /// <summary>The filters, Out×In×rows×columns.</summary>
    public Parameter Weight { get; }

    /// <summary>One number an output channel, or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>How many rows and columns lie between one output and the next.</summary>
    public int Stride { get; }

    /// <summary>Rows and columns of zeros on each side of the input.</summary>
    public int Padding { get; }

    /// <summary>How far the taps of a filter lie apart.</summary>
    public (int H, int W) Dilation { get; }

    /// <summary>What is applied to the sums.</summary>
    public Activation Activation { get; }

    /// <summary>How many rows and columns of the result, from the upper left corner on, are computed; by default all.</summary>
    public (int Rows, int Columns)? Kept { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) =>
        x.Conv2d(Weight.Value, Bias?.Value, (Stride, Stride), (Padding, Padding), Dilation, Activation, Weight.Packed, Kept);

    /// <summary>The same layer followed by a pooling, in one operation that does not keep what lies between.</summary>
    internal Tensor ForwardPooled(Tensor x, (int H, int W) window, (int H, int W) stride, (int H, int W) poolDilation) =>
        x.ConvMaxPool2d(
            Weight.Value, Bias?.Value, (Stride, Stride), (Padding, Padding), Dilation, Activation, window, stride, poolDilation, Weight.Packed);

    /// <summary>This layer and a second one that is followed by a pooling, in one operation that does not keep what lies between.</summary>
    internal Tensor ForwardPooled(Tensor x, Conv2d second, (int H, int W) window, (int H, int W) stride) =>
        x.ConvConvMaxPool2d(
            Weight.Value, Bias?.Value, Activation, second.Weight.Value, second.Bias?.Value, second.Activation, window, stride, second.Weight.Packed);

    /// <summary>The same layer, sharing the parameters, with the taps of the filters spread out.</summary>
    public Conv2d Dilated(int rows, int columns) => new(Weight, Bias, Stride, Padding, (rows, columns), Activation) { Name = Name, Kept = Kept };
}

/// <summary>Transposed convolution with a stride and, if wanted, a bias and an activation: N×In×H×W to N×Out×P×Q.</summary>
public sealed class ConvTranspose2d(
    int channelsIn, int channelsOut, int kernel, int stride = 1, int padding = 0, bool bias = true, Activation activation = default) : Module
{
    /// <summary>The filters, In×Out×kernel×kernel.</summary>
    public Parameter Weight { get; } =
        new("weight", new Shape(channelsIn, channelsOut, kernel, kernel), ParameterRole.Weight, ParameterLayout.FlippedKernel)
        {
            FanIn = channelsIn * kernel * kernel, OutputAxis = 1,
        };

    /// <summary>One number an output channel, or null.</summary>
    public Parameter? Bias { get; } = bias ? new Parameter("bias", new Shape(channelsOut), ParameterRole.Bias) : null;

    /// <summary>How many rows and columns of the output lie between what one input and the next add to.</summary>
    public int Stride { get; } = stride;

    /// <summary>Rows and columns that are cut off on each side of the output.</summary>
    public int Padding { get; } = padding;

    /// <summary>What is applied to the sums.</summary>
    public Activation Activation { get; } = activation;

    /// <summary>How many rows and columns of the result, from the upper left corner on, are computed; by default all.</summary>
    public (int Rows, int Columns)? Kept { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) =>
        x.ConvTranspose2d(Weight.Value, Bias?.Value, (Stride, Stride), (Padding, Padding), activation: Activation, output: Kept);

}

/// <summary>Matrix product with, if wanted, a bias and an activation: N×In to N×Out.</summary>
public sealed class Dense(int featuresIn, int featuresOut, bool bias = true, Activation activation = default) : Module
{
    /// <summary>The weights, In×Out.</summary>
    public Parameter Weight { get; } =
        new("weight", new Shape(featuresIn, featuresOut), ParameterRole.Weight) { FanIn = featuresIn, OutputAxis = 1 };

    /// <summary>One number an output feature, or null.</summary>
    public Parameter? Bias { get; } = bias ? new Parameter("bias", new Shape(featuresOut), ParameterRole.Bias) : null;

    /// <summary>What is applied to the sums.</summary>
    public Activation Activation { get; } = activation;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Dense(Weight.Value, Bias?.Value, Activation);

    /// <summary>
    /// This layer as a convolution that slides it over larger maps. The layer's input must be channels×rows×columns, and its parameters must be loaded. The
    /// convolution shares the bias and has filters of its own: the weights In×Out transposed.
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

        Parameter filters = new("weight", new Shape(featuresOut, channels, rows, columns), ParameterRole.Weight);
        filters.Load(Weight.Value.Backend, transposed);
        return new Conv2d(filters, Bias, 1, 0, dilation ?? (1, 1), Activation) { Name = Name };
    }
}

/// <summary>
/// Batch normalisation, then the activation if there is one. The input is N×C or N×C×H×W, and the result has the same shape. It uses the running statistics.
/// While gamma is being trained on a tape, it uses those of the batch, and the running ones move towards them by a tenth. Weight files hold beta, gamma, mean
/// and the inverse standard deviation 1/√(variance + 1e-4), in this order.
/// </summary>
public sealed class BatchNorm(int channels, Activation activation = default) : Module
{
    /// <summary>What is added to the variance.</summary>
    public const double Epsilon = 1e-4;

    private const float Momentum = 0.1f;

    private Tensor? _batchMean;
    private Tensor? _batchInverseStd;

    /// <summary>What is added in the end, one number a channel.</summary>
    public Parameter Beta { get; } = new("beta", new Shape(channels), ParameterRole.Beta);

    /// <summary>What the normalised channel is multiplied by.</summary>
    public Parameter Gamma { get; } = new("gamma", new Shape(channels), ParameterRole.Gamma);

    /// <summary>The running mean.</summary>
    public Parameter Mean { get; } = new("mean", new Shape(channels), ParameterRole.RunningMean);

    /// <summary>The running 1/√(variance + ε).</summary>
    public Parameter InverseStd { get; } = new("inverse_std", new Shape(channels), ParameterRole.RunningInverseStd);

    /// <summary>What is applied to the result.</summary>
    public Activation Activation { get; } = activation;

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => [Beta, Gamma, Mean, InverseStd];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x)
    {
        if (x.Tape is null || !Gamma.Value.RequiresGradient)
        {
            return x.BatchNorm(Mean.Value, InverseStd.Value, Gamma.Value, Beta.Value, Activation);
        }

        _batchMean ??= Tensor.Allocate(x.Backend, Mean.Shape);
        _batchInverseStd ??= Tensor.Allocate(x.Backend, InverseStd.Shape);
        return x.BatchNormTrain(
            Gamma.Value, Beta.Value, new BatchStatistics(Mean.Value, InverseStd.Value, _batchMean, _batchInverseStd), Momentum, (float)Epsilon,
            Activation);
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

}

/// <summary>A pointwise function of any tensor.</summary>
public sealed class Activate(Activation activation) : Module
{
    /// <summary>The function.</summary>
    public Activation Activation { get; } = activation;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Activate(Activation);

}

/// <summary>Max-pooling: N×C×H×W to N×C×P×Q.</summary>
public sealed class MaxPool2d((int H, int W) window, (int H, int W) stride, (int H, int W)? dilation = null) : Module
{
    /// <summary>Square windows that do not overlap.</summary>
    public MaxPool2d(int size)
        : this((size, size), (size, size))
    {
    }

    /// <summary>How many rows and columns one maximum is taken over.</summary>
    public (int H, int W) Window { get; } = window;

    /// <summary>How many rows and columns lie between one window and the next.</summary>
    public (int H, int W) Stride { get; } = stride;

    /// <summary>How far the rows and columns of a window lie apart.</summary>
    public (int H, int W) Dilation { get; } = dilation ?? (1, 1);

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.MaxPool2d(Window, Stride, Dilation);

    /// <summary>A convolution followed by this pooling, in one operation.</summary>
    internal Tensor ForwardAfter(Conv2d conv, Tensor x) => conv.ForwardPooled(x, Window, Stride, Dilation);

    /// <summary>Two convolutions followed by this pooling, in one operation.</summary>
    internal Tensor ForwardAfter(Conv2d first, Conv2d second, Tensor x) => first.ForwardPooled(x, second, Window, Stride);

}

/// <summary>A convolution without stride and the max-pooling that follows it, worked out as one; observed and exported they are two.</summary>
public sealed class ConvMaxPool2d : Module
{
    private readonly Conv2d _conv;
    private readonly MaxPool2d _pool;

    /// <summary>Joins the two.</summary>
    /// <exception cref="ArgumentException">The convolution has a stride or leaves a part out.</exception>
    public ConvMaxPool2d(Conv2d conv, MaxPool2d pool)
    {
        if (conv is not { Stride: 1, Kept: null })
        {
            string reason = conv.Stride != 1 ? $"has stride {conv.Stride}" : "leaves a part of its result out";
            throw new ArgumentException($"{conv.Name} {reason}: put the two into a Sequential instead");
        }

        (_conv, _pool) = (conv, pool);
        NameParts();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Parts => [_conv, _pool];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => _pool.ForwardAfter(_conv, x);

    /// <summary>The same after another convolution, in one operation that keeps neither result.</summary>
    internal Tensor ForwardAfter(Conv2d first, Tensor x) => _pool.ForwardAfter(first, _conv, x);

    /// <summary>Whether <see cref="ForwardAfter"/> can run it: it has the convolution as it is, and windows as they are.</summary>
    internal bool IsPlain => _conv is { Padding: 0, Dilation: (1, 1) } && _pool.Dilation == (1, 1);

    /// <inheritdoc/>
    internal override Tensor ForwardObserved(Tensor x, Action<string, Tensor> observe)
    {
        using Tensor y = _conv.ForwardObserved(x, observe);
        return _pool.ForwardObserved(y, observe);
    }

    /// <inheritdoc/>
    private protected override bool IsTransparent => !HasGivenName;
}

/// <summary>
/// Two convolutions without stride, padding and dilation, and the max-pooling that follows them. In inference they are worked out as one; observed, exported
/// and on a tape they are a convolution and a <see cref="ConvMaxPool2d"/>.
/// </summary>
public sealed class ConvConvMaxPool2d : Module
{
    private readonly Conv2d _first;
    private readonly ConvMaxPool2d _second;

    /// <summary>Joins them.</summary>
    /// <exception cref="ArgumentException">
    /// A convolution has a stride, a padding or a dilation or leaves a part out, or the pooling has a dilation.
    /// </exception>
    public ConvConvMaxPool2d(Conv2d first, ConvMaxPool2d second)
    {
        if (first is not { Stride: 1, Padding: 0, Dilation: (1, 1), Kept: null } || !second.IsPlain)
        {
            throw new ArgumentException($"{first.Name} and what follows it have a stride, a padding or a dilation, or leave a part out: put them into a Sequential instead");
        }

        (_first, _second) = (first, second);
        NameParts();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Module> Parts => [_first, _second];

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Tape is null ? _second.ForwardAfter(_first, x) : _second.Forward(_first.Forward(x));

    /// <inheritdoc/>
    internal override Tensor ForwardObserved(Tensor x, Action<string, Tensor> observe)
    {
        using Tensor y = _first.ForwardObserved(x, observe);
        return _second.ForwardObserved(y, observe);
    }

    /// <inheritdoc/>
    private protected override bool IsTransparent => !HasGivenName;
}

/// <summary>The upper left corner: N×C×H×W to N×C×rows×columns.</summary>
public sealed class Crop2d(int rows, int columns) : Module
{
    /// <summary>Rows that are kept.</summary>
    public int Rows { get; } = rows;

    /// <summary>Columns that are kept.</summary>
    public int Columns { get; } = columns;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Crop2d(Rows, Columns);

}

/// <summary>The maps in larger or smaller ones: N×C×H×W to N×C×rows×columns, with zeros where there is nothing; see <see cref="Pad2dShape"/>.</summary>
public sealed class Pad2d(int top, int left, int rows, int columns) : Module
{
    /// <summary>Rows of zeros above the maps; if negative, how many rows are cut off there.</summary>
    public int Top { get; } = top;

    /// <summary>Columns of zeros left of the maps; if negative, how many columns are cut off there.</summary>
    public int Left { get; } = left;

    /// <summary>Rows of the result.</summary>
    public int Rows { get; } = rows;

    /// <summary>Columns of the result.</summary>
    public int Columns { get; } = columns;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Pad2d(Top, Left, Rows, Columns);

}

/// <summary>The samples of a batch of maps laid out anew, see <see cref="BatchLayout"/>. An exported model keeps one layout.</summary>
public sealed class ToLayout(BatchLayout layout) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.ToLayout(layout);

}

/// <summary>Other axes for the elements of each sample; shares the memory.</summary>
/// <param name="sizes">The axes after the batch's.</param>
public sealed class Reshape(params int[] sizes) : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Reshape(ShapeOf(x.Shape));

    /// <summary>The shape that becomes of one.</summary>
    internal Shape ShapeOf(in Shape shape)
    {
        // No collection with a spread here: it would allocate an array in every call.
        Span<int> all = stackalloc int[1 + sizes.Length];
        all[0] = shape[0];
        sizes.CopyTo(all[1..]);
        return new Shape(all);
    }
}

/// <summary>All elements of each sample in one axis, N×C×H×W to N×C·H·W for example; shares the memory.</summary>
public sealed class Flatten : Module
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x) => x.Reshape(ShapeOf(x.Shape));

    /// <summary>The shape that becomes of one.</summary>
    internal static Shape ShapeOf(in Shape shape) => new(shape[0], shape.Length / shape[0]);
}
