using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Nn;

/// <summary>How a parameter's array in a weight file differs from the tensor that the kernels take.</summary>
public enum ParameterLayout
{
    /// <summary>Not at all.</summary>
    AsIs,

    /// <summary>
    /// Both kernel axes are flipped: the published files hold true convolutions, the kernels are cross-correlations (and their gradients).
    /// </summary>
    FlippedKernel,
}

/// <summary>What a parameter does in its layer.</summary>
public enum ParameterRole
{
    /// <summary>The filters of a convolution or the matrix of a dense layer.</summary>
    Weight,

    /// <summary>Added to each output of a convolution or a dense layer.</summary>
    Bias,

    /// <summary>Batch normalisation multiplies each normalised channel by it.</summary>
    Gamma,

    /// <summary>Batch normalisation adds it to each scaled channel.</summary>
    Beta,

    /// <summary>Batch normalisation's running mean.</summary>
    RunningMean,

    /// <summary>Batch normalisation's running inverse standard deviation.</summary>
    RunningInverseStd,
}

/// <summary>A named array that a module computes with, in the order and layout of the published weight files.</summary>
public sealed class Parameter : IDisposable
{
    private readonly string _part;
    private readonly PackedFilter _packed = new();
    private Tensor? _value;

    /// <summary>Declares a parameter; it has no values until it is initialised or loaded.</summary>
    /// <param name="part">Its role in the module, for example <c>weight</c>; the module's name is put before it.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="role">What training does with it.</param>
    /// <param name="layout">How the file lays it out.</param>
    public Parameter(string part, Shape shape, ParameterRole role, ParameterLayout layout = ParameterLayout.AsIs) =>
        (_part, Name, Shape, Role, Layout) = (part, part, shape, role, layout);

    /// <summary>The module and the part of it, for example <c>conv1.weight</c>.</summary>
    public string Name { get; private set; }

    /// <summary>The sizes, the same in the file and in memory.</summary>
    public Shape Shape { get; }

    /// <summary>What it does in its layer.</summary>
    public ParameterRole Role { get; }

    /// <summary>Whether an optimiser changes it. Running statistics follow the batches instead.</summary>
    public bool IsTrained => Role is not (ParameterRole.RunningMean or ParameterRole.RunningInverseStd);

    /// <summary>Whether an L2 penalty pulls it towards zero: weights and gamma, but not biases and beta.</summary>
    public bool IsDecayed => Role is ParameterRole.Weight or ParameterRole.Gamma;

    /// <summary>How the file lays it out.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>How many inputs each output sums over. He's initialisation needs it for a weight.</summary>
    public int FanIn { get; init; }

    /// <summary>Of a weight: the axis that counts the outputs, 0 for the filters of a convolution and 1 otherwise.</summary>
    public int OutputAxis { get; init; }

    /// <summary>The tensor that kernels take.</summary>
    /// <exception cref="InvalidOperationException">The parameter has no values yet.</exception>
    public Tensor Value => _value ?? throw new InvalidOperationException(
        $"{Name} has no values yet: call Initializers.Initialize on the network, or load its weights, before it is used or trained");

    /// <summary>
    /// Where backends keep the packed values from one inference to the next. It is null while the values are being trained, that is, require a gradient;
    /// <see cref="Load"/>, <see cref="MoveTo"/> and <see cref="ValuesChanged"/> empty it.
    /// </summary>
    internal PackedFilter? Packed => Value.RequiresGradient ? null : _packed;

    /// <summary>Takes the values as the weight file has them, into the tensor that holds them already if the backend is the same.</summary>
    /// <exception cref="ArgumentException">The number of values is not the shape's.</exception>
    /// <exception cref="InvalidOperationException">The parameter is being trained on another backend.</exception>
    public void Load(IBackend backend, ReadOnlySpan<float> values)
    {
        if (values.Length != Shape.Length) throw new ArgumentException($"{values.Length} values for {Name}, which is {Shape}");
        if (_value is { RequiresGradient: true } trained && trained.Backend != backend)
        {
            throw new InvalidOperationException(
                $"{Name} is being trained on another backend: initialise or load the network first, then create TrainableParameters");
        }

        _packed.Dispose();
        ReadOnlySpan<float> flipped = Layout == ParameterLayout.AsIs ? values : Flip(values.ToArray());
        if (_value?.Backend == backend) backend.Upload(flipped, _value.View);
        else MoveTo(Tensor.From(backend, Shape, flipped));
    }

    /// <summary>The values as the weight file has them.</summary>
    public float[] ToFileLayout() => ToFileLayout(Value);

    /// <summary>A tensor of this parameter's shape, its gradient perhaps, as a weight file would have it.</summary>
    public float[] ToFileLayout(Tensor tensor) => Flip(tensor.ToArray());

    /// <summary>Lets another tensor of the same shape hold the values from now on, those that it holds already; the parameter owns it.</summary>
    /// <exception cref="ArgumentException">The shape is different.</exception>
    public void MoveTo(Tensor value)
    {
        if (value.Shape != Shape) throw new ArgumentException($"{Name} is {Shape}, not {value.Shape}");
        _packed.Dispose();
        _value?.Dispose();
        _value = value;
    }

    /// <summary>Call this after the tensor's numbers were changed by anything but <see cref="Load"/>, since backends keep a packed copy of them.</summary>
    public void ValuesChanged() => _packed.Dispose();

    /// <inheritdoc/>
    public void Dispose()
    {
        _packed.Dispose();
        _value?.Dispose();
    }

    /// <summary>Puts its module's name before its own.</summary>
    internal void NameAfter(string module) => Name = $"{module}.{_part}";

    // To flip both axes of an R×S kernel is to reverse its R·S numbers. Doing it twice undoes it.
    private float[] Flip(float[] values)
    {
        if (Layout == ParameterLayout.AsIs) return values;
        int kernel = Shape[2] * Shape[3];
        for (int start = 0; start < values.Length; start += kernel) values.AsSpan(start, kernel).Reverse();
        return values;
    }
}
