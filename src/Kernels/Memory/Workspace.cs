using System.Runtime.InteropServices;

namespace Engine.Kernels;

/// <summary>
/// Scratch memory of the CPU kernels: one block that grows to the largest kernel seen and is then reused. A kernel calls <see cref="Begin"/> with the total
/// that it will take, then takes pieces. They are valid until the next kernel begins.
/// </summary>
internal sealed unsafe class Workspace : IDisposable
{
    /// <summary>Floats of a cache line.</summary>
    public const int Line = HostMemory.Alignment / sizeof(float);

    private float* _block;
    private long _capacity;
    private long _taken;

    /// <summary>Rounds a number of floats up so that the next piece starts on a cache line.</summary>
    public static long Aligned(long floats) => (floats + Line - 1) / Line * Line;

    /// <summary>
    /// The first cache line of an array on the stack, which must be a <see cref="Line"/> longer than what is used of it: the runtime aligns such arrays to 16
    /// bytes only, and vectors that lie across two lines take twice as long.
    /// </summary>
    public static float* OnLine(float* array) => (float*)(((nuint)array + HostMemory.Alignment - 1) & ~(nuint)(HostMemory.Alignment - 1));

    /// <summary>Starts a kernel that will take <paramref name="floats"/> floats in all, each piece counted by <see cref="Aligned"/>.</summary>
    public void Begin(long floats)
    {
        _taken = 0;
        if (floats <= _capacity) return;
        NativeMemory.AlignedFree(_block);
        _capacity = 0;
        _block = HostPages.Allocate(checked((nuint)(floats + HostMemory.ReadableTail) * sizeof(float)));
        _capacity = floats;
    }

    /// <summary>Takes the next <paramref name="floats"/> floats, aligned to a cache line. Their content is undefined.</summary>
    public float* Take(long floats)
    {
        float* piece = _block + _taken;
        _taken += Aligned(floats);
        if (_taken > _capacity) throw new InvalidOperationException($"a kernel took {_taken} floats of scratch but asked for {_capacity}");
        return piece;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_block);
        _block = null;
        _capacity = 0;
    }
}
