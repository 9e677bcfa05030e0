using ILGPU;
using ILGPU.Runtime;

namespace Engine.Kernels;

/// <summary>Floats in a device's memory.</summary>
internal sealed class GpuBuffer : DeviceBuffer
{
    private readonly MemoryBuffer1D<float, Stride1D.Dense> _block;
    private bool _rented;

    internal GpuBuffer(GpuMemory memory, MemoryBuffer1D<float, Stride1D.Dense> block) => (Memory, _block) = (memory, block);

    /// <summary>The pool that it comes from.</summary>
    internal GpuMemory Memory { get; }

    /// <summary>How many floats were allocated.</summary>
    public int Capacity => (int)_block.Length;

    /// <summary>The floats that the owner may use.</summary>
    public ArrayView<float> Floats => _block.View.BaseView.SubView(0, Length);

    internal void Rent(int length)
    {
        Length = length;
        _rented = true;
    }

    internal void Free() => _block.Dispose();

    protected override void Release()
    {
        ObjectDisposedException.ThrowIf(!_rented, this);
        _rented = false;
        Memory.Return(this);
    }
}

/// <summary>
/// The pool of <see cref="GpuBuffer"/>s of one device. Buffers that come back are kept by size and handed out again; this may happen while the last kernel that
/// used them is still running, since the device does everything in order. Not thread-safe.
/// </summary>
internal sealed class GpuMemory(GpuContext gpu, Accelerator accelerator, long limit) : IDisposable
{
    // Sizes are rounded up so that nearly equal requests share a free list.
    private const int Granularity = 1024;

    private readonly Dictionary<int, Stack<GpuBuffer>> _free = [];
    private bool _disposed;

    /// <summary>The most bytes that may be taken from the device.</summary>
    public long Limit => limit;

    /// <summary>Buffers handed out and not yet given back.</summary>
    public int Outstanding { get; private set; }

    /// <summary>Bytes taken from the device.</summary>
    public long BytesAllocated { get; private set; }

    /// <summary>Hands out a buffer of at least <paramref name="length"/> floats; what they hold is undefined.</summary>
    /// <exception cref="EngineException">The device does not have that much memory left.</exception>
    public GpuBuffer Rent(int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        int capacity = checked((Math.Max(length, 1) + Granularity - 1) / Granularity * Granularity);
        if (!_free.TryGetValue(capacity, out Stack<GpuBuffer>? stack)) _free[capacity] = stack = new Stack<GpuBuffer>();
        if (!stack.TryPop(out GpuBuffer? buffer)) buffer = Allocate(capacity);
        buffer.Rent(length);
        Outstanding++;
        return buffer;
    }

    internal void Return(GpuBuffer buffer)
    {
        Outstanding--;
        if (_disposed) buffer.Free();
        else _free[buffer.Capacity].Push(buffer);
    }

    /// <summary>Frees the buffers in the pool. Buffers still in use are freed when they are returned.</summary>
    public void Dispose()
    {
        _disposed = true;
        FreePool();
    }

    private GpuBuffer Allocate(int capacity)
    {
        long bytes = (long)capacity * sizeof(float);
        if (BytesAllocated + bytes > limit) FreePool();
        if (BytesAllocated + bytes > limit) throw Exhausted(bytes, null);
        MemoryBuffer1D<float, Stride1D.Dense> block;
        try
        {
            block = accelerator.Allocate1D<float>(capacity);
        }
        catch (AcceleratorException)
        {
            // Freeing the unused buffers of the pool may make enough room.
            gpu.Synchronize();
            FreePool();
            try
            {
                block = accelerator.Allocate1D<float>(capacity);
            }
            catch (AcceleratorException failure)
            {
                throw Exhausted(bytes, failure);
            }
        }

        BytesAllocated += bytes;
        return new GpuBuffer(this, block);
    }

    private void FreePool()
    {
        foreach (Stack<GpuBuffer> stack in _free.Values)
        {
            while (stack.TryPop(out GpuBuffer? buffer))
            {
                BytesAllocated -= (long)buffer.Capacity * sizeof(float);
                buffer.Free();
            }
        }
    }

    private EngineException Exhausted(long bytes, Exception? cause)
    {
        string refusal = cause is null ? "" : $", and its driver refused the last {Mebibytes(bytes)} ({GpuContext.ReasonOf(cause)})";
        string message = $"{gpu.Name} does not have enough memory: {Mebibytes(BytesAllocated + bytes)} were needed at once, and it has "
            + $"{Mebibytes(limit)}{refusal}; use a smaller batch or another device";
        return cause is null
            ? new EngineException(message) { DeviceProblem = DeviceProblem.OutOfMemory }
            : new EngineException(message, cause) { DeviceProblem = DeviceProblem.OutOfMemory };
    }

    private static string Mebibytes(long bytes) => $"{(bytes + (1 << 20) - 1) >> 20} MiB";
}
