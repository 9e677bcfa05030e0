using System.Runtime.Intrinsics.X86;

namespace Engine.Kernels.Simd;

/// <summary>Asks the processor to fetch memory that a kernel will read soon. It does nothing where the runtime has no such instruction.</summary>
internal static unsafe class Prefetch
{
    /// <summary>Fetches floats to the second-level cache. They need not be there to be read: nothing faults.</summary>
    public static void ToSecondLevel(float* first, int length)
    {
        if (!Sse.IsSupported) return;
        for (int i = 0; i < length; i += Workspace.Line) Sse.Prefetch1(first + i);
    }
}
