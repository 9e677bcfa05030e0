namespace Engine.Kernels;

/// <summary>
/// A place where operations run: memory, and the one form of each <see cref="IOp"/> that is made for it. It is driven by one thread; the number of threads
/// that it uses itself never changes a bit of a result.
/// </summary>
public interface IBackend : IDisposable
{
    /// <summary>What it is, for people: the device, its instruction set, its threads.</summary>
    string Name { get; }

    /// <summary>How maps should lie between convolutions, so that these and their gradients are fastest.</summary>
    BatchLayout MapLayout => BatchLayout.First;

    /// <summary>
    /// How many bytes of intermediate results a network should make before it uses them: what stays in a processor's cache, or what fills a GPU and fits its
    /// memory. A network cuts large batches into parts of this size.
    /// </summary>
    long ChunkBytes { get; }

    /// <summary>Allocates a buffer from the backend's pool; what it holds is undefined.</summary>
    DeviceBuffer Allocate(int length);

    /// <summary>Copies from the host; returns when the source may be reused.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    void Upload(ReadOnlySpan<float> source, View destination);

    /// <summary>Copies to the host, after everything that was started before it is done.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    void Download(View source, Span<float> destination);

    /// <summary>Copies from one view to another, which must not overlap it.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    void Copy(View source, View destination);

    /// <summary>Waits until everything that was started is done.</summary>
    void Synchronize();

    /// <summary>Runs an operation.</summary>
    /// <exception cref="ArgumentException">An operand does not have the length that the operation states, or a setting is out of range.</exception>
    void Run<TOp>(in TOp op)
        where TOp : struct, IOp;
}
