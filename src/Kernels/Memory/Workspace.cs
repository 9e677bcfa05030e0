using System.Runtime.InteropServices;

namespace Engine.Kernels;

/// <summary>
/// Scratch memory of the CPU kernels: a block that all threads share, and one for each thread. They grow to the largest kernel seen and are then reused. A
/// kernel calls <see cref="Begin"/> with the lengths that it will use, then takes pieces. They are valid until the next kernel begins.
/// </summary>
/// <remarks>
/// A thread's own block lies at the same place for every kernel, so that its lines stay in the caches of that thread's processor. Lines that another processor
/// wrote last would have to be fetched from there. Blocks are whole large pages: kernels write to dozens of places of it in turn, and with small pages some
/// took a fifth longer.
/// </remarks>
internal sealed unsafe class Workspace(int threads) : IDisposable
{
    /// <summary>Floats of a cache line.</summary>
    public const int Line = HostMemory.Alignment / sizeof(float);

    private float* _block;
    private long _capacity;
    private long _asked;
    private long _taken;
    private float* _threadBlocks;
    private long _threadCapacity;

    /// <summary>What each thread has for itself, as many floats as <see cref="Begin"/> was told.</summary>
    public ThreadScratch OfThreads => new(_threadBlocks, _threadCapacity);

    /// <summary>Rounds a number of floats up so that the next piece starts on a cache line.</summary>
    public static long Aligned(long floats) => (floats + Line - 1) / Line * Line;

    /// <summary>
    /// The first cache line of an array on the stack, which must be a <see cref="Line"/> longer than what is used of it: the runtime aligns such arrays to 16
    /// bytes only, and vectors that lie across two lines take twice as long.
    /// </summary>
    public static float* OnLine(float* array) => (float*)(((nuint)array + HostMemory.Alignment - 1) & ~(nuint)(HostMemory.Alignment - 1));

    /// <summary>
    /// Starts a kernel that will take <paramref name="floats"/> floats in all, each piece counted by <see cref="Aligned"/>, and that uses <paramref
    /// name="ofEachThread"/> floats of each thread's own.
    /// </summary>
    public void Begin(long floats, long ofEachThread = 0)
    {
        (_asked, _taken) = (floats, 0);
        if (floats > _capacity) Grow(ref _block, ref _capacity, floats, 1);
        if (ofEachThread > _threadCapacity) Grow(ref _threadBlocks, ref _threadCapacity, Aligned(ofEachThread), threads);
    }

    /// <summary>Takes the next <paramref name="floats"/> floats, aligned to a cache line. Their content is undefined.</summary>
    public float* Take(long floats)
    {
        float* piece = _block + _taken;
        _taken += Aligned(floats);
        if (_taken > _asked) throw new InvalidOperationException($"a kernel took {_taken} floats of scratch but asked for {_asked}");
        return piece;
    }

    public void Dispose()
    {
        Free(ref _block, ref _capacity);
        Free(ref _threadBlocks, ref _threadCapacity);
    }

    private static void Grow(ref float* block, ref long capacity, long floats, int count)
    {
        Free(ref block, ref capacity);
        nuint bytes = HostPages.WholePages(checked((nuint)(floats * count + HostMemory.ReadableTail) * sizeof(float)));
        block = HostPages.Allocate(bytes);
        capacity = ((long)(bytes / sizeof(float)) - HostMemory.ReadableTail) / count / Line * Line;
    }

    private static void Free(ref float* block, ref long capacity)
    {
        NativeMemory.AlignedFree(block);
        block = null;
        capacity = 0;
    }
}

/// <summary>Scratch memory of each thread.</summary>
internal readonly unsafe struct ThreadScratch(float* first, long step)
{
    /// <summary>The memory of a thread, which begins on a cache line.</summary>
    public float* Of(int worker) => first + worker * step;
}
