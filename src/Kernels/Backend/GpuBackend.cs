using ILGPU;

namespace Engine.Kernels;

/// <summary>
/// The GPU forms on one device. Buffers stay there; only uploads and downloads wait. The device is closed with the backend unless it is to stay open.
/// </summary>
internal sealed class GpuBackend(GpuContext gpu, bool keepOpen = false) : IBackend
{
    public string Name => gpu.Name;

    // A quarter leaves room for what the next layers make. Views have no more floats than an int can count.
    public long ChunkBytes => Math.Min(gpu.Memory.Limit / 4, (long)int.MaxValue * sizeof(float));

    /// <summary>The device.</summary>
    public GpuContext Gpu => gpu;

    public DeviceBuffer Allocate(int length) => gpu.Memory.Rent(length);

    public void Upload(ReadOnlySpan<float> source, View destination) => gpu.Upload(source, At(destination, source.Length));

    public void Download(View source, Span<float> destination) => gpu.Download(At(source, destination.Length), destination);

    public void Copy(View source, View destination) => gpu.Copy(At(source, source.Length), At(destination, source.Length));

    public void Synchronize() => gpu.Synchronize();

    public void Run<TOp>(in TOp op)
        where TOp : struct, IOp
    {
        OperandCheck.Check(op);
        op.Gpu(gpu);
    }

    public void Dispose()
    {
        if (!keepOpen) gpu.Dispose();
    }

    private ArrayView<float> At(View view, int length)
    {
        Sizes.RequireLength(view, length);
        return gpu.At(view);
    }
}
