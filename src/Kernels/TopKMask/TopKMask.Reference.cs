using System.Numerics;

namespace Engine.Kernels;

/// <summary>
/// Masks of the largest numbers in rows, and the gradient that stands for theirs; see <see cref="TopKMaskOp"/>. Numbers are compared through
/// <see cref="OrderOf"/>, so that no two are equal and every device keeps the same.
/// </summary>
internal static partial class TopKMask
{
    private const uint Sign = 0x8000_0000;

    // A row of equal numbers has no deviation.
    private const float LeastDeviation = 1e-20f;

    /// <summary>The definition. Overwrites y and, unless it is empty, least.</summary>
    public static void Reference(int rows, ReadOnlySpan<float> x, ReadOnlySpan<float> counts, Span<float> y, Span<float> least)
    {
        int columns = x.Length / rows, indexBits = IndexBits(columns);
        ulong[] orders = new ulong[columns];
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> numbers = x.Slice(row * columns, columns);
            for (int i = 0; i < columns; i++) orders[i] = OrderOf(BitConverter.SingleToUInt32Bits(numbers[i]), i, indexBits);
            ulong[] sorted = [.. orders.OrderDescending()];
            ulong last = sorted[Math.Clamp((int)counts[row], 1, columns) - 1];
            for (int i = 0; i < columns; i++) y[row * columns + i] = orders[i] >= last ? 1 : 0;
            if (least.Length > 0) least[row] = numbers[IndexOf(last, indexBits)];
        }
    }

    /// <summary>The definition of the gradient, in double precision. Overwrites dx, which may be dy.</summary>
    public static void BackwardReference(
        int rows, float steepness, ReadOnlySpan<float> x, ReadOnlySpan<float> least, ReadOnlySpan<float> dy, Span<float> dx)
    {
        int columns = x.Length / rows;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> numbers = x.Slice(row * columns, columns);
            double sum = 0, squares = 0;
            foreach (float number in numbers) sum += number;
            foreach (float number in numbers) squares += (number - sum / columns) * (number - sum / columns);
            double slope = steepness / Math.Max(Math.Sqrt(squares / columns), LeastDeviation);
            for (int i = 0; i < columns; i++)
            {
                double s = 1 / (1 + Math.Exp(-slope * ((double)numbers[i] - least[row])));
                dx[row * columns + i] = (float)(dy[row * columns + i] * slope * s * (1 - s));
            }
        }
    }

    /// <summary>
    /// A number that is the greater the larger the float is or, of equal floats, the earlier it comes; no two in a row are the same. It has 32 bits and
    /// <paramref name="indexBits"/> more. The upper ones are the float's: read as integers, positive floats keep their order and negative ones turn it round.
    /// </summary>
    private static ulong OrderOf(uint bits, int index, int indexBits)
    {
        uint value = bits == Sign ? 0 : bits; // −0 is 0.
        uint key = value ^ ((uint)((int)value >> 31) | Sign);
        return ((ulong)key << indexBits) | (uint)((1 << indexBits) - 1 - index);
    }

    // The bits that the place in a row takes.
    private static int IndexBits(int columns) => BitOperations.Log2((uint)columns) + 1;

    private static int IndexOf(ulong order, int indexBits) => (1 << indexBits) - 1 - (int)(order & ((1UL << indexBits) - 1));
}
