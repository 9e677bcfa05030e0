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

/// <summary>A named array that a module computes with, in the order and layout of the published weight files.</summary>
public sealed class Parameter : IDisposable
{
    private Tensor? _value;

    /// <summary>Declares a parameter; it has no value until it is loaded.</summary>
    public Parameter(string name, Shape shape, ParameterLayout layout = ParameterLayout.AsIs) => (Name, Shape, Layout) = (name, shape, layout);

    /// <summary>The layer and the part of it, for example <c>conv1.weight</c>.</summary>
    public string Name { get; }

    /// <summary>The sizes, the same in the file and in memory.</summary>
    public Shape Shape { get; }

    /// <summary>How the file lays it out.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>The tensor that kernels take.</summary>
    /// <exception cref="InvalidOperationException">The parameter was not loaded.</exception>
    public Tensor Value => _value ?? throw new InvalidOperationException($"{Name} was not loaded");

    /// <summary>Takes the values as the weight file has them.</summary>
    /// <exception cref="ArgumentException">There are not as many values as the shape says.</exception>
    public void Load(Kernels.IBackend backend, ReadOnlySpan<float> values)
    {
        float[] laidOut = values.ToArray();
        if (Layout == ParameterLayout.FlippedKernel) FlipKernel(laidOut);
        Tensor loaded = Tensor.From(backend, Shape, laidOut);
        _value?.Dispose();
        _value = loaded;
    }

    /// <inheritdoc/>
    public void Dispose() => _value?.Dispose();

    // Flipping both axes of an R×S kernel is reversing its R·S numbers.
    private void FlipKernel(float[] values)
    {
        int kernel = Shape[2] * Shape[3];
        for (int start = 0; start < values.Length; start += kernel) values.AsSpan(start, kernel).Reverse();
    }
}
