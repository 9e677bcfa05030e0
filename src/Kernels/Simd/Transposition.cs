using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Engine.Kernels.Simd;

/// <summary>
/// Transposes blocks of four by four in 128-bit registers, or of eight rows by four columns in 256-bit ones, at any vector width of the kernel. Eight shuffles
/// for a block are as fast as the loads and stores.
/// </summary>
internal static unsafe class Transposition
{
    private const int Block = 4;

    private const int TallBlock = 8;

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
        int height = Avx.IsSupported && rows >= TallBlock ? TallBlock : Block;
        for (int i = 0; i < rows; i += height)
        {
            int row = Math.Min(i, rows - height);
            float* from = source + row * sourceStride, to = destination + row;
            for (int j = 0; j < columns; j += Block)
            {
                int column = Math.Min(j, columns - Block);
                if (height == Block) RunBlock(from + column, sourceStride, to + column * destinationStride, destinationStride);
                else RunTallBlock(from + column, sourceStride, to + column * destinationStride, destinationStride);
            }
        }
    }

    // Each half of a register is a block of four by four.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RunTallBlock(float* source, long sourceStride, float* destination, long destinationStride)
    {
        float* lower = source + 4 * sourceStride;
        Vector256<float> a = LoadHalves(source, lower), b = LoadHalves(source + sourceStride, lower + sourceStride);
        Vector256<float> c = LoadHalves(source + 2 * sourceStride, lower + 2 * sourceStride);
        Vector256<float> d = LoadHalves(source + 3 * sourceStride, lower + 3 * sourceStride);
        Vector256<float> lowAc = Avx.UnpackLow(a, c), highAc = Avx.UnpackHigh(a, c), lowBd = Avx.UnpackLow(b, d), highBd = Avx.UnpackHigh(b, d);
        Avx.UnpackLow(lowAc, lowBd).Store(destination);
        Avx.UnpackHigh(lowAc, lowBd).Store(destination + destinationStride);
        Avx.UnpackLow(highAc, highBd).Store(destination + 2 * destinationStride);
        Avx.UnpackHigh(highAc, highBd).Store(destination + 3 * destinationStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> LoadHalves(float* lower, float* upper) => Vector256.Create(Vector128.Load(lower), Vector128.Load(upper));

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
    internal static Vector128<float> InterleaveLow(Vector128<float> left, Vector128<float> right)
    {
        if (Sse.IsSupported) return Sse.UnpackLow(left, right);
        if (AdvSimd.Arm64.IsSupported) return AdvSimd.Arm64.ZipLow(left, right);
        return Vector128.Create(left[0], right[0], left[1], right[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> InterleaveHigh(Vector128<float> left, Vector128<float> right)
    {
        if (Sse.IsSupported) return Sse.UnpackHigh(left, right);
        if (AdvSimd.Arm64.IsSupported) return AdvSimd.Arm64.ZipHigh(left, right);
        return Vector128.Create(left[2], right[2], left[3], right[3]);
    }
}
