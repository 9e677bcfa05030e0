using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>
/// A dense float32 array in C order on one backend. <see cref="Reshape"/> and <see cref="Slice"/> make tensors that share the memory; it goes
/// back to the backend when the last of those that share it is disposed.
/// </summary>
public sealed class Tensor : IDisposable
{
    private readonly Storage _storage;
    private bool _disposed;

    private Tensor(IBackend backend, Shape shape, View view, Storage storage)
    {
        (Backend, Shape, View, _storage) = (backend, shape, view, storage);
        storage.Users++;
    }

    /// <summary>Where the elements are.</summary>
    public IBackend Backend { get; }

    /// <summary>The sizes of the axes.</summary>
    public Shape Shape { get; }

    /// <summary>The elements, as kernels take them.</summary>
    public View View { get; }

    /// <summary>Allocates a tensor; what it holds is undefined.</summary>
    public static Tensor Allocate(IBackend backend, Shape shape)
    {
        DeviceBuffer buffer = backend.Allocate(shape.Length);
        return new Tensor(backend, shape, buffer.All, new Storage(buffer));
    }

    /// <summary>Allocates a tensor and copies the elements, in C order.</summary>
    /// <exception cref="ArgumentException">There are not as many values as the shape has elements.</exception>
    public static Tensor From(IBackend backend, Shape shape, ReadOnlySpan<float> values)
    {
        if (values.Length != shape.Length) throw new ArgumentException($"{values.Length} values for a tensor of shape {shape}");
        Tensor tensor = Allocate(backend, shape);
        backend.Upload(values, tensor.View);
        return tensor;
    }

    /// <summary>The same elements under another shape; shares the memory.</summary>
    /// <exception cref="ArgumentException">The shape has another number of elements.</exception>
    public Tensor Reshape(Shape shape)
    {
        if (shape.Length != Shape.Length) throw new ArgumentException($"{Shape} cannot become {shape}");
        return new Tensor(Backend, shape, View, _storage);
    }

    /// <summary>A run of entries along the outermost axis; shares the memory.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The run does not lie inside the axis.</exception>
    public Tensor Slice(int start, int count)
    {
        int stride = Shape.Length / Shape[0];
        View part = View.Slice(checked(start * stride), checked(count * stride));
        Shape shape = Shape.Rank switch
        {
            1 => new Shape(count),
            2 => new Shape(count, Shape[1]),
            3 => new Shape(count, Shape[1], Shape[2]),
            _ => new Shape(count, Shape[1], Shape[2], Shape[3]),
        };
        return new Tensor(Backend, shape, part, _storage);
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
    public void CopyTo(Span<float> destination) => Backend.Download(View, destination);

    /// <summary>Gives the memory back if no other tensor shares it. Disposing twice does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (--_storage.Users == 0) _storage.Buffer.Dispose();
    }

    private sealed class Storage(DeviceBuffer buffer)
    {
        public DeviceBuffer Buffer { get; } = buffer;

        public int Users { get; set; }
    }
}
