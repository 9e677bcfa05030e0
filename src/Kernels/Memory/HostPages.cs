using System.Runtime.InteropServices;

namespace Engine.Kernels;

/// <summary>Native memory for floats that starts on a cache line and is zero.</summary>
internal static unsafe partial class HostPages
{
    // Linux maps memory of this size in one step, instead of 512, where it is asked to. A third of a short run's time went into such steps.
    private const int LargePage = 2 << 20;
    private const int AdviseHugePages = 14;

    /// <summary>Rounds a number of bytes up so that large pages hold all of them.</summary>
    public static nuint WholePages(nuint bytes) => (bytes + LargePage - 1) / LargePage * LargePage;

    /// <summary>Allocates memory, which <see cref="NativeMemory.AlignedFree"/> frees.</summary>
    public static float* Allocate(nuint bytes)
    {
        bool isLarge = OperatingSystem.IsLinux() && bytes >= LargePage;
        void* memory = NativeMemory.AlignedAlloc(bytes, isLarge ? LargePage : (nuint)HostMemory.Alignment);
        if (isLarge) Advise(memory, bytes);
        NativeMemory.Clear(memory, bytes);
        return (float*)memory;
    }

    private static void Advise(void* memory, nuint bytes)
    {
        try
        {
            // It may refuse: the memory is then as good, only slower at first.
            _ = MAdvise(memory, bytes, AdviseHugePages);
        }
        catch (Exception failure) when (failure is DllNotFoundException or EntryPointNotFoundException)
        {
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int MAdvise(void* memory, nuint bytes, int advice);
}
