using System.Runtime.InteropServices;

namespace Engine.Kernels;

/// <summary>Floats in native memory, aligned to a cache line.</summary>
internal sealed unsafe class HostBuffer : DeviceBuffer
{
    private bool _rented;

    private readonly bool _ownsMemory;

    internal HostBuffer(HostMemory memory, int capacity, float* pointer, bool ownsMemory)
    {
        (Memory, Capacity, _ownsMemory) = (memory, capacity, ownsMemory);
        Pointer = pointer;
    }

    /// <summary>The pool that it comes from.</summary>
    internal HostMemory Memory { get; }

    /// <summary>The first float.</summary>
    public float* Pointer { get; private set; }

    /// <summary>How many floats were allocated, not counting the readable tail.</summary>
    public int Capacity { get; }

    internal void Rent(int length)
    {
        Length = length;
        _rented = true;
    }

    internal void Free()
    {
        if (_ownsMemory) NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }

    protected override void Release()
    {
        ObjectDisposedException.ThrowIf(!_rented, this);
        _rented = false;
        Memory.Return(this);
    }
}

/// <summary>
/// The pool of <see cref="HostBuffer"/>s of one backend. Buffers that come back are kept by size and handed out again, so that a step that
/// has warmed up allocates nothing. Not thread-safe: a backend is driven by one thread.
/// </summary>
/// <remarks>
/// Small buffers are cut from slabs of a few large pages: each page of memory that the operating system maps costs time, and most runs are short.
/// </remarks>
internal sealed unsafe class HostMemory : IDisposable
{
    /// <summary>In bytes: a cache line, and the widest vector.</summary>
    public const int Alignment = 64;

    /// <summary>
    /// Floats behind every buffer's end that a kernel may read, but whose values must not matter. It is the width of a register tile, three 512-bit vectors, so
    /// that the last tile of a row of pixels needs no narrower form.
    /// </summary>
    public const int ReadableTail = 3 * 16;

    // Sizes are rounded up so that nearly equal requests share a free list.
    private const int Granularity = 1024;

    // What is larger than a large page gets large pages of its own.
    private const int SlabBytes = 8 << 20, LargestPiece = SlabBytes / 4;

    private readonly Dictionary<int, Stack<HostBuffer>> _free = [];

    private readonly List<nint> _slabs = [];

    // Of the last slab.
    private nint _rest;
    private int _restBytes;
    private bool _disposed;

    /// <summary>Buffers handed out and not yet given back.</summary>
    public int Outstanding { get; private set; }

    /// <summary>Bytes taken from the operating system.</summary>
    public long BytesAllocated { get; private set; }

    /// <summary>The first float of a view of a buffer of this pool.</summary>
    /// <exception cref="ArgumentException">The buffer is another backend's.</exception>
    public float* At(View view) =>
        view.Buffer is HostBuffer buffer && buffer.Memory == this ? buffer.Pointer + view.Offset
        : throw new ArgumentException("an operand belongs to another backend");

    /// <summary>Hands out a buffer of at least <paramref name="length"/> floats; what they hold is undefined.</summary>
    public HostBuffer Rent(int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        int capacity = checked((length + Granularity - 1) / Granularity * Granularity);
        if (!_free.TryGetValue(capacity, out Stack<HostBuffer>? stack)) _free[capacity] = stack = new Stack<HostBuffer>();
        if (!stack.TryPop(out HostBuffer? buffer))
        {
            nuint bytes = ((nuint)capacity + ReadableTail) * sizeof(float);
            bool isSmall = bytes <= LargestPiece;
            buffer = new HostBuffer(this, capacity, isSmall ? Cut((int)bytes) : HostPages.Allocate(bytes), !isSmall);
            BytesAllocated += (long)capacity * sizeof(float);
        }

        buffer.Rent(length);
        Outstanding++;
        return buffer;
    }

    internal void Return(HostBuffer buffer)
    {
        Outstanding--;
        if (!_disposed)
        {
            _free[buffer.Capacity].Push(buffer);
            return;
        }

        buffer.Free();
        FreeSlabs();
    }

    /// <summary>Frees the buffers in the pool. Buffers still in use are freed when they are returned.</summary>
    public void Dispose()
    {
        _disposed = true;
        foreach (HostBuffer buffer in _free.Values.SelectMany(stack => stack)) buffer.Free();
        _free.Clear();
        FreeSlabs();
    }

    private void FreeSlabs()
    {
        if (Outstanding > 0) return;
        foreach (nint slab in _slabs) NativeMemory.AlignedFree((void*)slab);
        _slabs.Clear();
    }

    // The next piece of a slab.
    private float* Cut(int bytes)
    {
        int piece = (bytes + Alignment - 1) / Alignment * Alignment;
        if (piece > _restBytes)
        {
            (_rest, _restBytes) = ((nint)HostPages.Allocate(SlabBytes), SlabBytes);
            _slabs.Add(_rest);
        }

        float* start = (float*)_rest;
        (_rest, _restBytes) = (_rest + piece, _restBytes - piece);
        return start;
    }
}
