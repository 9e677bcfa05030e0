using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Engine.Kernels.Tests;

/// <summary>
/// A buffer between two pages that may not be touched. It starts right after the first page, or its readable tail ends right before the second, so a kernel
/// that reads or writes beyond it crashes the process at once. The rest of its pages is filled with one value, which shows afterwards whether a kernel wrote
/// there. Linux only.
/// </summary>
internal sealed unsafe partial class GuardedBuffer : IDisposable
{
    private const int ProtNone = 0, ProtReadWrite = 3, MapPrivateAnonymous = 0x22;

    private readonly HostBuffer _buffer;
    private readonly float* _own;
    private readonly byte* _map;
    private readonly nuint _mapBytes;
    private readonly float* _pages;
    private readonly int _pageFloats;
    private readonly float _filler;

    public GuardedBuffer(IBackend backend, int length, bool atStart, float filler)
    {
        int page = Environment.SystemPageSize;
        int inner = ((length + HostMemory.ReadableTail) * sizeof(float) + page - 1) / page * page;
        _mapBytes = (nuint)(inner + 2 * page);
        _map = (byte*)Map(0, _mapBytes, ProtNone, MapPrivateAnonymous, -1, 0);
        Assert.NotEqual(-1, (nint)_map);
        _pages = (float*)(_map + page);
        Assert.Equal(0, Protect(_pages, (nuint)inner, ProtReadWrite));
        _pageFloats = inner / sizeof(float);
        _filler = filler;
        new Span<float>(_pages, _pageFloats).Fill(filler);

        // The buffer is like the backend's own, except for where its floats lie.
        _buffer = (HostBuffer)backend.Allocate(length);
        _own = _buffer.Pointer;
        SetPointer(_buffer, atStart ? _pages : _pages + _pageFloats - HostMemory.ReadableTail - length);
    }

    /// <summary>The floats between the pages.</summary>
    public View All => _buffer.All;

    /// <summary>Asserts that everything around the buffer still holds what it was filled with.</summary>
    public void AssertSurroundings(string what)
    {
        int start = (int)(_buffer.Pointer - _pages);
        for (int i = 0; i < _pageFloats; i++)
        {
            if ((i < start || i >= start + _buffer.Length) && !_pages[i].Equals(_filler))
            {
                Assert.Fail($"{what}: {_pages[i]} was written at {i - start} of a view of {_buffer.Length}");
            }
        }
    }

    public void Dispose()
    {
        SetPointer(_buffer, _own);
        _buffer.Dispose();
        _ = Unmap(_map, _mapBytes);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_Pointer")]
    private static extern void SetPointer(HostBuffer buffer, float* pointer);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}

/// <summary>A theory that needs guarded memory, and is skipped, saying so, where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GuardedTheoryAttribute : TheoryAttribute
{
    public GuardedTheoryAttribute() => Skip = OperatingSystem.IsLinux() ? null : "guarded memory is made by Linux calls";
}
