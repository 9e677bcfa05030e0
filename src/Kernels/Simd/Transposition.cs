using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Engine.Kernels.Simd;

/// <summary>
/// Transposes blocks of four by four in 128-bit registers, at any vector width of the kernel. Eight shuffles for sixteen floats are as fast as the loads and
/// stores.
/// </summary>
internal static unsafe class Transposition
{
    private const int Block = 4;

    /// <summary><c>destination[j · destinationStride + i] = source[i · sourceStride + j]</c> for i &lt; rows, j &lt; columns. They must not overlap.</summary>
    public static void Run(float* source, long sourceStride, int rows, int columns, float* destination, long destinationStride)
    {
        if (rows < Block || columns < Block)
        {
            for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
            {
                destination[j * destinationStride + i] = source[i * sourceStride + j];
            }

            return;
        }

        // The last block ends with the row or column and copies again what it shares with the block before.
        for (int i = 0; i < rows; i += Block)
        {
            int row = Math.Min(i, rows - Block);
            float* from = source + row * sourceStride, to = destination + row;
            int j = 0;
            for (; j <= columns - Block; j += Block) RunBlock(from + j, sourceStride, to + j * destinationStride, destinationStride);
            if (j < columns) RunBlock(from + columns - Block, sourceStride, to + (columns - Block) * destinationStride, destinationStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RunBlock(float* source, long sourceStride, float* destination, long destinationStride)
    {
        Vector128<float> a = Vector128.Load(source), b = Vector128.Load(source + sourceStride);
        Vector128<float> c = Vector128.Load(source + 2 * sourceStride), d = Vector128.Load(source + 3 * sourceStride);
        Vector128<float> lowAc = InterleaveLow(a, c), highAc = InterleaveHigh(a, c), lowBd = InterleaveLow(b, d), highBd = InterleaveHigh(b, d);
        InterleaveLow(lowAc, lowBd).Store(destination);
        InterleaveHigh(lowAc, lowBd).Store(destination + destinationStride);
        InterleaveLow(highAc, highBd).Store(destination + 2 * destinationStride);
        InterleaveHigh(highAc, highBd).Store(destination + 3 * destinationStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> InterleaveLow(Vector128<float> left, Vector128<float> right)
    {
        if (Sse.IsSupported) return Sse.UnpackLow(left, right);
        if (AdvSimd.Arm64.IsSupported) return AdvSimd.Arm64.ZipLow(left, right);
        return Vector128.Create(left[0], right[0], left[1], right[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> InterleaveHigh(Vector128<float> left, Vector128<float> right)
    {
        if (Sse.IsSupported) return Sse.UnpackHigh(left, right);
        if (AdvSimd.Arm64.IsSupported) return AdvSimd.Arm64.ZipHigh(left, right);
        return Vector128.Create(left[2], right[2], left[3], right[3]);
    }
}
