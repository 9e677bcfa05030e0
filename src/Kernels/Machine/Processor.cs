using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace Engine.Kernels;

/// <summary>What processor this is.</summary>
public static class Processor
{
    /// <summary>The name that the processor reports, or its architecture if it reports none.</summary>
    public static string Name { get; } = X86Base.IsSupported ? BrandString() : RuntimeInformation.ProcessArchitecture.ToString();

    /// <summary>The vector instruction sets that the runtime may use, oldest first.</summary>
    public static IReadOnlyList<string> InstructionSets { get; } =
    [
        .. new (string Name, bool Supported)[]
        {
            ("SSE4.2", Sse42.IsSupported), ("AVX", Avx.IsSupported), ("AVX2", Avx2.IsSupported), ("FMA", Fma.IsSupported),
            ("AVX-512F", Avx512F.IsSupported), ("AVX-512VL", Avx512F.VL.IsSupported), ("AVX10.1", Avx10v1.IsSupported),
            ("NEON", AdvSimd.IsSupported),
        }.Where(set => set.Supported).Select(set => set.Name),
    ];

    private static string BrandString()
    {
        const int firstLeaf = unchecked((int)0x80000002), leaves = 3;
        if ((uint)X86Base.CpuId(unchecked((int)0x80000000), 0).Eax < unchecked((uint)(firstLeaf + leaves - 1))) return "x86";
        Span<int> words = stackalloc int[4 * leaves];
        for (int leaf = 0; leaf < leaves; leaf++)
        {
            (words[4 * leaf], words[4 * leaf + 1], words[4 * leaf + 2], words[4 * leaf + 3]) = X86Base.CpuId(firstLeaf + leaf, 0);
        }

        return Encoding.ASCII.GetString(MemoryMarshal.AsBytes(words)).TrimEnd('\0').Trim();
    }
}
