using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form: real and imaginary parts alternate, so their squares are sorted into two 128-bit registers before they are added. The square roots, which
/// bound it, are computed in vectors of full width. Parallel over fixed chunks.
/// </content>
internal static unsafe partial class Magnitude
{
    private const int Chunk = 16 * 1024;

    // The squares are stored in y, and are still in the first-level cache when the roots are computed.
    private const int Block = 1024;

    /// <summary>Overwrites y, which has <paramref name="length"/> floats; x has twice as many.</summary>
    public static void Forward<TV>(CpuContext cpu, float* x, float* y, int length)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = new() { X = x, Y = y, Length = length };
        cpu.Run((int)((length + Chunk - 1L) / Chunk), &RunChunk<TV>, ref arguments);
    }

    private static void RunChunk<TV>(ref Arguments shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = shared;
        int first = task * Chunk, length = Math.Min(arguments.Length - first, Chunk);
        for (int at = 0; at < length; at += Block)
        {
            float* x = arguments.X + 2L * (first + at);
            float* y = arguments.Y + first + at;
            int count = Math.Min(length - at, Block), i = 0;
            for (; i <= count - 4; i += 4) SumsOfFour(x + 2 * i).Store(y + i);
            for (; i < count; i++) y[i] = x[2 * i] * x[2 * i] + x[2 * i + 1] * x[2 * i + 1];
            for (i = 0; i <= count - TV.Width; i += TV.Width) TV.Store(TV.Sqrt(TV.Load(y + i)), y + i);
            for (; i < count; i++) y[i] = MathF.Sqrt(y[i]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> SumsOfFour(float* x)
    {
        Vector128<float> a = Vector128.Load(x), b = Vector128.Load(x + 4);
        a *= a;
        b *= b;
        if (Sse.IsSupported) return Sse.Shuffle(a, b, 0b10_00_10_00) + Sse.Shuffle(a, b, 0b11_01_11_01);
        if (AdvSimd.Arm64.IsSupported) return AdvSimd.Arm64.AddPairwise(a, b);
        return Vector128.Create(a[0] + a[1], a[2] + a[3], b[0] + b[1], b[2] + b[3]);
    }

    private struct Arguments
    {
        public float* X;
        public float* Y;
        public int Length;
    }
}
