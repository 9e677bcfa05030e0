using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>
/// A dense float32 array on one backend, in C order unless <see cref="Layout"/> says otherwise. <see cref="Reshape"/> and <see cref="Slice"/> make
/// tensors that share the memory; the memory goes back to the backend when the last of them is disposed.
/// </summary>
public sealed class Tensor : IDisposable
{
    private Storage _storage = null!;

    // The buffer that it last allocated, for the next time.
    private Storage? _owned;
    private View _view;
    private Tensor? _gradient;
    private Tape? _gradientTape;
    private int _gradientStep;
    private bool _disposed = true;

    // Not yet a tensor: an InferencePlan keeps such objects and disposed ones for reuse.
    internal Tensor()
    {
    }

    /// <summary>Where the elements are.</summary>
    public IBackend Backend { get; private set; } = null!;

    /// <summary>The sizes of the axes.</summary>
    public Shape Shape { get; private set; }

    /// <summary>
    /// How the elements of N×C×H×W lie; the axes' order in <see cref="Shape"/> is the same in all layouts. <see cref="TensorOps.ToLayout"/> changes it.
    /// </summary>
    public BatchLayout Layout { get; private set; }

    /// <summary>The elements, as kernels take them.</summary>
    /// <exception cref="ObjectDisposedException">The tensor was disposed, so another may be using its memory.</exception>
    public View View
    {
        get
        {
            RequireLive();
            return _view;
        }
    }

    /// <summary>The tape that operations on this tensor are written down on, or null.</summary>
    public Tape? Tape { get; internal set; }

    /// <summary>Whether a tape works out this tensor's gradient.</summary>
    public bool RequiresGradient { get; set; }

    /// <summary>
    /// The loss's gradient with respect to this tensor, of the same shape; null before the first, and after the tape has given it back.
    /// </summary>
    public Tensor? Gradient => _gradient is { _disposed: false } ? _gradient : null;

    /// <summary>Whether <see cref="Gradient"/> is of the tape's present step, not of one before.</summary>
    public bool HasGradient => _gradientTape is { } tape && HasGradientOf(tape);

    /// <summary>Allocates a tensor; what it holds is undefined.</summary>
    public static Tensor Allocate(IBackend backend, Shape shape, BatchLayout layout = BatchLayout.First) =>
        InferencePlan.NextTensor().Become(backend, shape, backend.Allocate(shape.Length), layout);

    /// <summary>Allocates a tensor and copies the elements, in C order.</summary>
    /// <exception cref="ArgumentException">The number of values is not the shape's number of elements.</exception>
    public static Tensor From(IBackend backend, Shape shape, ReadOnlySpan<float> values)
    {
        if (values.Length != shape.Length) throw new ArgumentException($"{values.Length} values for a tensor of shape {shape}");
        Tensor tensor = Allocate(backend, shape);
        backend.Upload(values, tensor.View);
        return tensor;
    }

    /// <summary>Rows of probabilities, 1 at each row's class and 0 elsewhere: the targets of <see cref="TensorOps.SoftmaxCrossEntropy"/>.</summary>
    /// <param name="backend">Where the tensor is made.</param>
    /// <param name="labels">A class for each row, from 0 to <paramref name="classes"/> − 1.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <exception cref="ArgumentException">A label is not a class.</exception>
    public static Tensor OneHot(IBackend backend, ReadOnlySpan<int> labels, int classes)
    {
        Shape shape = new(labels.Length, classes);
        float[] values = new float[shape.Length];
        for (int row = 0; row < labels.Length; row++)
        {
            if ((uint)labels[row] >= (uint)classes) throw new ArgumentException($"label {row} is {labels[row]}, which is not a class from 0 to {classes - 1}");
            values[row * classes + labels[row]] = 1;
        }

        return From(backend, shape, values);
    }

    /// <summary>The same elements under another shape; shares the memory.</summary>
    /// <exception cref="ArgumentException">The shape has another number of elements.</exception>
    public Tensor Reshape(Shape shape)
    {
        if (shape.Length != Shape.Length) throw new ArgumentException($"{Shape} cannot become {shape}");
        if (shape != Shape) RequireBatchFirst();
        return Tape is null ? Alias(shape) : TensorOps.RecordAlias(this, shape, Layout);
    }

    /// <summary>A run of entries along the outermost axis; shares the memory, and is not written down on a tape.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The run does not lie inside the axis.</exception>
    public Tensor Slice(int start, int count)
    {
        RequireBatchFirst();
        int stride = Shape.Length / Shape[0];
        View part = View.Slice(checked(start * stride), checked(count * stride));
        Shape shape = Shape.Rank switch
        {
            1 => new Shape(count),
            2 => new Shape(count, Shape[1]),
            3 => new Shape(count, Shape[1], Shape[2]),
            _ => new Shape(count, Shape[1], Shape[2], Shape[3]),
        };
        return InferencePlan.NextTensor().Become(Backend, shape, part, _storage, BatchLayout.First);
    }

    /// <summary>A run of elements from <paramref name="start"/> on under a shape of their own; shares the memory, and is not written down on a tape.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The run does not lie inside the tensor.</exception>
    public Tensor Part(int start, Shape shape)
    {
        RequireBatchFirst();
        return InferencePlan.NextTensor().Become(Backend, shape, View.Slice(start, shape.Length), _storage, BatchLayout.First);
    }

    /// <summary>Copies the elements to the host.</summary>
    public float[] ToArray()
    {
        float[] values = new float[Shape.Length];
        CopyTo(values);
        return values;
    }

    /// <summary>Copies the elements to the host.</summary>
    /// <exception cref="ArgumentException">The destination has another length.</exception>
    public void CopyTo(Span<float> destination)
    {
        RequireBatchFirst();
        Backend.Download(View, destination);
    }

    /// <summary>
    /// Makes another tensor of the same shape, perhaps a part of a larger one, hold this tensor's gradient. The gradient is absent until the next one is
    /// computed. With null, the gradient's memory is given back.
    /// </summary>
    /// <exception cref="ArgumentException">The shape is different.</exception>
    public void HoldGradientIn(Tensor? gradient)
    {
        if (gradient is not null && gradient.Shape != Shape)
        {
            throw new ArgumentException($"a gradient of shape {gradient.Shape} for a tensor of shape {Shape}");
        }

        _gradient?.Dispose();
        (_gradient, _gradientTape, KeepsGradient) = (gradient, null, gradient is not null);
    }

    /// <summary>
    /// Gives the memory back if no other tensor shares it. Disposing twice does nothing. Disposing the result of an operation on a tape
    /// does nothing either, because the tape owns it.
    /// </summary>
    public void Dispose()
    {
        if (!IsOwnedByTape) Free();
    }

    /// <summary>Whether it has given its memory back.</summary>
    internal bool IsDisposed => _disposed;

    /// <summary>Whether a tape made this tensor and will free it.</summary>
    internal bool IsOwnedByTape { get; set; }

    /// <summary>Gives the memory back, even if a tape owns the tensor.</summary>
    internal void Free()
    {
        if (_disposed) return;
        _disposed = true;
        _gradient?.Dispose();
        if (--_storage.Users == 0) _storage.Buffer.Dispose();
    }

    /// <summary>A tensor that shares the memory.</summary>
    internal Tensor Alias(Shape shape, BatchLayout? layout = null) => InferencePlan.NextTensor().Become(Backend, shape, View, _storage, layout ?? Layout);

    /// <summary>Whether both have the very same elements; two parts of one tensor have not.</summary>
    internal bool SharesMemoryWith(Tensor other) => other._storage == _storage && other._view == _view;

    /// <summary>Whether <see cref="Gradient"/> is of this tape's present step; another tape starts over.</summary>
    internal bool HasGradientOf(Tape tape) => _gradientTape == tape && _gradientStep == tape.Step;

    /// <summary>Whether <see cref="Gradient"/> stays after a tape has handed it on. A tape keeps that of a tensor that is not a result anyway.</summary>
    internal bool KeepsGradient { get; set; }

    internal Tensor GradientOrNew(Tape tape)
    {
        if (Gradient is { } gradient) return gradient;
        DeviceBuffer buffer = IsOwnedByTape && !KeepsGradient ? tape.TakeMemory(Backend, Shape.Length) : Backend.Allocate(Shape.Length);
        return _gradient = (_gradient ?? InferencePlan.NextTensor()).Become(Backend, Shape, buffer, Layout);
    }

    /// <summary>Gives the gradient's memory to the tape unless it is kept. The object stays, for the next gradient.</summary>
    internal void GiveGradientBack(Tape tape)
    {
        if (KeepsGradient) return;
        _gradientTape = null;
        if (Gradient is not { } gradient) return;
        gradient._disposed = true;
        if (--gradient._storage.Users == 0) tape.GiveMemory(Backend, gradient._storage.Buffer);
    }

    /// <summary>Takes over the memory of a result's gradient, if neither tensor must keep its own and the sizes are the same.</summary>
    internal bool TakesGradientOf(Tensor result)
    {
        if (KeepsGradient || result.KeepsGradient || !IsOwnedByTape || result.Shape != Shape || result.Layout != Layout) return false;
        _gradient?.Dispose();
        (_gradient, result._gradient, result._gradientTape) = (result._gradient, _gradient, null);
        return true;
    }

    internal void MarkGradient(Tape tape) => (_gradientTape, _gradientStep) = (tape, tape.Step);

    /// <summary>Throws if the memory was given back: others may use it.</summary>
    internal void RequireLive()
    {
        if (!_disposed) return;
        throw new ObjectDisposedException(
            null, $"this tensor of shape {Shape} was disposed, or the tape or module that owned it was: use it earlier, or make it again");
    }

    // A tensor with memory of its own, which may be longer than it needs.
    private Tensor Become(IBackend backend, Shape shape, DeviceBuffer buffer, BatchLayout layout)
    {
        if (_owned is not { Users: 0 }) _owned = new Storage();
        _owned.Buffer = buffer;
        return Become(backend, shape, buffer.All.Slice(0, shape.Length), _owned, layout);
    }

    private Tensor Become(IBackend backend, Shape shape, View view, Storage storage, BatchLayout layout)
    {
        (Backend, Shape, _view, _storage, _disposed) = (backend, shape, view, storage, false);

        // For one sample, batch first and batch last are the same.
        Layout = shape.Rank == Shape.MaxRank && shape[0] == 1 && layout == BatchLayout.Last ? BatchLayout.First : layout;
        (Tape, IsOwnedByTape, RequiresGradient, KeepsGradient, _gradient, _gradientTape) = (null, false, false, false, null, null);
        storage.Users++;
        return this;
    }

    // Code that reads elements by their place would get others.
    private void RequireBatchFirst()
    {
        if (Layout == BatchLayout.First) return;
        string last = Layout == BatchLayout.Last ? "batch" : "channels";
        throw new InvalidOperationException($"{Shape} has its {last} last: change the layout first");
    }

    private sealed class Storage
    {
        public DeviceBuffer Buffer { get; set; } = null!;

        public int Users { get; set; }
    }
}
