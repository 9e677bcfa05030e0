namespace Engine.Kernels;

/// <summary>
/// A place where kernels run. Every operation takes its sizes as a validated shape and its arrays as views of buffers that this backend
/// allocated; all overwrite their output, none keeps its arguments. Outputs must not overlap inputs unless it says they may.
/// A backend is driven by one thread; how many threads it uses itself is its own affair, and never changes a bit of a result.
/// </summary>
public interface IBackend : IDisposable
{
    /// <summary>What it is, for people: the device, its instruction set, its threads.</summary>
    string Name { get; }

    /// <summary>Allocates a buffer from the backend's pool; what it holds is undefined.</summary>
    DeviceBuffer Allocate(int length);

    /// <summary>Copies from the host; returns when the source may be reused.</summary>
    void Upload(ReadOnlySpan<float> source, View destination);

    /// <summary>Copies to the host, when all that was started before is done.</summary>
    void Download(View source, Span<float> destination);

    /// <summary>Copies from one view to another of the same length; they must not overlap.</summary>
    void Copy(View source, View destination);

    /// <summary>Waits until everything that was started is done.</summary>
    void Synchronize();

    /// <summary>y = activation(x ⋆ w + b), a cross-correlation; see <see cref="Conv2dShape"/>. Without a bias pass null.</summary>
    void Conv2d(in Conv2dShape shape, View x, View w, View? b, Activation activation, View y);

    /// <summary>y = activation(x ⋆ᵀ w + b); see <see cref="ConvTranspose2dShape"/>. Without a bias pass null.</summary>
    void ConvTranspose2d(in ConvTranspose2dShape shape, View x, View w, View? b, Activation activation, View y);

    /// <summary>y = activation(x·w + b); see <see cref="DenseShape"/>. Without a bias pass null.</summary>
    void Dense(in DenseShape shape, View x, View w, View? b, Activation activation, View y);

    /// <summary>Batch normalisation with given statistics; see <see cref="BatchNormShape"/>. y may be x.</summary>
    void BatchNormInfer(in BatchNormShape shape, View x, View mean, View inverseStd, View gamma, View beta, View y);

    /// <summary>y[i] = activation(x[i]). y may be x.</summary>
    void Activate(Activation activation, View x, View y);

    /// <summary>Max-pooling; see <see cref="MaxPool2dShape"/>.</summary>
    void MaxPool2d(in MaxPool2dShape shape, View x, View y);

    /// <summary>Crop to the upper left corner; see <see cref="Crop2dShape"/>.</summary>
    void Crop2d(in Crop2dShape shape, View x, View y);

    /// <summary>Windowed Fourier transforms of overlapping frames; see <see cref="RealFftShape"/>.</summary>
    void RealFft(in RealFftShape shape, View x, View window, View y);

    /// <summary>Absolute values of complex numbers: y[i] = √(x[2i]² + x[2i+1]²).</summary>
    void Magnitude(View x, View y);

    /// <summary>y[i] = ln(max(x[i], floor)) with floor &gt; 0. y may be x.</summary>
    void LogFloor(float floor, View x, View y);
}
