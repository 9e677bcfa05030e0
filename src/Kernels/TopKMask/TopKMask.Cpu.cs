using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form, parallel over rows. Forward is a radix select: of the orders that are still in question, it counts those with each leading digit, and only
/// those with the digit of the last one kept stay in question. Most rows take two rounds, the second over a few numbers. It is bound by the counting.
/// Backward takes the row's deviation, then a pass that the exponential bounds.
/// </content>
internal static unsafe partial class TopKMask
{
    private const int DigitBits = 11, KeyBits = 32;

    /// <summary>Overwrites y and, unless it is null, least.</summary>
    public static void Forward(CpuContext cpu, int rows, int columns, float* x, float* counts, float* y, float* least)
    {
        cpu.Workspace.Begin(0, 2L * columns);
        Arguments arguments = new()
        {
            Columns = columns, X = x, Counts = counts, Y = y, Least = least, Scratch = cpu.Workspace.OfThreads,
        };
        cpu.Run(rows, &MaskRow, ref arguments);
    }

    /// <summary>Overwrites dx, which may be dy.</summary>
    public static void Backward<TV>(CpuContext cpu, int rows, int columns, float steepness, float* x, float* least, float* dy, float* dx)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = new() { Columns = columns, Steepness = steepness, X = x, Least = least, Dy = dy, Y = dx };
        cpu.Run(rows, &GradientOfRow<TV>, ref arguments);
    }

    private static void MaskRow(ref Arguments shared, int task, int worker)
    {
        Arguments arguments = shared;
        int columns = arguments.Columns, indexBits = IndexBits(columns);
        float* x = arguments.X + (long)task * columns, y = arguments.Y + (long)task * columns;
        ulong* orders = (ulong*)arguments.Scratch.Of(worker);
        for (int i = 0; i < columns; i++) orders[i] = OrderOf(BitConverter.SingleToUInt32Bits(x[i]), i, indexBits);
        ulong last = Largest(orders, columns, Math.Clamp((int)arguments.Counts[task], 1, columns), KeyBits + indexBits);
        for (int i = 0; i < columns; i++) y[i] = OrderOf(BitConverter.SingleToUInt32Bits(x[i]), i, indexBits) >= last ? 1 : 0;
        if (arguments.Least != null) arguments.Least[task] = x[IndexOf(last, indexBits)];
    }

    // The k-th largest of some orders of so many bits, which it shuffles.
    private static ulong Largest(ulong* orders, int count, int k, int bits)
    {
        int* counts = stackalloc int[1 << DigitBits];
        for (int shift = bits - DigitBits; count > 1; shift = Math.Max(0, shift - DigitBits))
        {
            new Span<int>(counts, 1 << DigitBits).Clear();
            for (int i = 0; i < count; i++) counts[DigitOf(orders[i], shift)]++;
            int digit = (1 << DigitBits) - 1;
            while (counts[digit] < k) k -= counts[digit--];
            int kept = 0;
            for (int i = 0; i < count; i++)
            {
                ulong order = orders[i];
                orders[kept] = order;
                kept += DigitOf(order, shift) == digit ? 1 : 0;
            }

            count = kept;
        }

        return *orders;
    }

    private static int DigitOf(ulong order, int shift) => (int)(order >> shift) & ((1 << DigitBits) - 1);

    private static void GradientOfRow<TV>(ref Arguments shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = shared;
        int columns = arguments.Columns;
        long at = (long)task * columns;
        float* x = arguments.X + at;
        Reduction.Run<TV, PlainSum>(default, x, x, 0, columns, out double sum, out _);
        Reduction.Run<TV, BatchNorm.DeviationSums>(default, x, x, (float)(sum / columns), columns, out double rest, out double squares);
        double deviation = Math.Sqrt(Math.Max(0, squares / columns - rest / columns * (rest / columns)));
        SigmoidGradient gradient = new((float)(arguments.Steepness / Math.Max(deviation, LeastDeviation)), arguments.Least[task]);
        Elementwise.RunLine<TV, SigmoidGradient>(gradient, x, arguments.Dy + at, arguments.Y + at, columns);
    }

    private readonly struct SigmoidGradient(float slope, float middle) : IBinaryOperator
    {
        private readonly float _slope = slope;
        private readonly float _middle = middle;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TV Apply<TV>(TV left, TV right)
            where TV : unmanaged, IVector<TV>
        {
            TV slope = TV.Broadcast(_slope);
            Sigmoid sigmoid = default;
            return sigmoid.Gradient(sigmoid.Apply(slope * (left - TV.Broadcast(_middle))), right * slope);
        }
    }

    private struct Arguments
    {
        public int Columns;
        public float Steepness;
        public float* X;
        public float* Counts;
        public float* Y;
        public float* Least;
        public float* Dy;
        public ThreadScratch Scratch;
    }
}
