using System.Runtime.Intrinsics;

namespace Engine.Kernels.Simd;

/// <summary>The vector registers that the CPU kernels run on.</summary>
public enum VectorWidth
{
    /// <summary>One float at a time.</summary>
    Scalar = 32,

    /// <summary>Four floats: SSE, NEON.</summary>
    Bits128 = 128,

    /// <summary>Eight floats: AVX2.</summary>
    Bits256 = 256,

    /// <summary>Sixteen floats: AVX-512.</summary>
    Bits512 = 512,
}

/// <summary>What this processor offers.</summary>
public static class VectorSupport
{
    /// <summary>The widest registers that the processor has and the runtime uses.</summary>
    public static VectorWidth Widest =>
        Vector512.IsHardwareAccelerated ? VectorWidth.Bits512
        : Vector256.IsHardwareAccelerated ? VectorWidth.Bits256
        : Vector128.IsHardwareAccelerated ? VectorWidth.Bits128
        : VectorWidth.Scalar;
}
