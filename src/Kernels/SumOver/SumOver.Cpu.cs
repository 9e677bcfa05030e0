using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form. x is taken as rows as long as the result and the factor allow. Along a row either everything is summed, with a <see cref="Reduction"/>, or
/// nothing, in vectors of columns. Either way a part of the rows makes a partial sum in double precision; these are tasks, and are added in a fixed order
/// afterwards. Memory bandwidth bounds it.
/// </content>
internal static unsafe partial class SumOver
{
    // 64 KB a partial sum at the least, where there are as many terms.
    private const int FloatsPerPart = 16 * 1024;

    // Rows whose columns are added in float32 before the sums go on in double precision.
    private const int RowBlock = 64;

    /// <summary>y = scale · Σ x·factor. Overwrites y.</summary>
    public static void Run<TV>(CpuContext cpu, in SumOverOp op, float* x, float* factor, float* y)
        where TV : unmanaged, IVector<TV>
    {
        (Axes whole, Axes kept, Axes repeated) = LongestRows(op.XAxes, op.YAxes, op.Repeated);
        bool alongRows = kept.D3 < whole.D3;
        Axes rows = whole with { D3 = 1 }, keptRows = kept with { D3 = 1 };
        Arguments arguments = new()
        {
            Whole = whole, Rows = rows, Kept = keptRows, Factor = repeated, X = x, F = factor, Sums = keptRows.Length,
            RowsPerSum = rows.Length / keptRows.Length,
        };

        // A row that is summed may itself be cut; rows that are not make parts of several.
        arguments.Cut = alongRows ? (whole.D3 - 1) / FloatsPerPart + 1 : 1;
        arguments.RowsPerPart = arguments.Cut > 1 ? 1 : Math.Clamp(FloatsPerPart / whole.D3, 1, arguments.RowsPerSum);
        int partsPerSum = ((arguments.RowsPerSum - 1) / arguments.RowsPerPart + 1) * arguments.Cut, width = kept.D3;
        arguments.PartsPerSum = partsPerSum;
        arguments.SumsPerTask = Math.Max(1, FloatsPerPart / Math.Max(1, whole.Length / keptRows.Length));
        cpu.Workspace.Begin(Workspace.Aligned(2L * keptRows.Length * partsPerSum * width));
        arguments.Partial = (double*)cpu.Workspace.Take(2L * keptRows.Length * partsPerSum * width);
        int tasks = partsPerSum > 1 ? keptRows.Length * partsPerSum : (keptRows.Length - 1) / arguments.SumsPerTask + 1;
        if (alongRows) cpu.Run(tasks, &RunRows<TV>, ref arguments);
        else cpu.Run(tasks, &RunColumns<TV>, ref arguments);
        for (int sum = 0; sum < keptRows.Length; sum++)
        for (int column = 0; column < width; column++)
        {
            double total = 0;
            for (int part = 0; part < partsPerSum; part++) total += arguments.Partial[((long)sum * partsPerSum + part) * width + column];
            y[(long)sum * width + column] = (float)(op.Scale * total);
        }
    }

    // The innermost axes made one as long as the result and the factor each have all of them or none.
    private static (Axes Whole, Axes Kept, Axes Repeated) LongestRows(Axes whole, Axes kept, Axes repeated)
    {
        static bool Differ(Axes part, Axes whole) => whole.D2 > 1 && whole.D3 > 1 && (part.D2 == 1) != (part.D3 == 1);
        static Axes Joined(Axes axes) => new(1, axes.D0, axes.D1, axes.D2 * axes.D3);
        for (int axis = 0; axis < 3 && !Differ(kept, whole) && !Differ(repeated, whole); axis++)
        {
            (whole, kept, repeated) = (Joined(whole), Joined(kept), Joined(repeated));
        }

        return (whole, kept, repeated);
    }

    private static void RunRows<TV>(ref Arguments shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = shared;
        (int first, int end) = arguments.PartsOf(task);
        int chunk = (arguments.Whole.D3 - 1) / arguments.Cut + 1;
        for (int part = first; part < end; part++)
        {
            double total = 0;
            (int row, int endRow) = arguments.RowsOf(part);
            int column = part % arguments.Cut * chunk, length = Math.Min(chunk, arguments.Whole.D3 - column);
            for (; row < endRow && length > 0; row++)
            {
                int at = arguments.RowAt(part / arguments.PartsPerSum, row);
                total += arguments.RowSum<TV>(at, column, length);
            }

            arguments.Partial[part] = total;
        }
    }

    private static void RunColumns<TV>(ref Arguments shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = shared;
        (int first, int end) = arguments.PartsOf(task);
        for (int part = first; part < end; part++)
        {
            int width = arguments.Whole.D3, column = 0;
            double* sums = arguments.Partial + (long)part * width;
            for (; column <= width - TV.Width; column += TV.Width) arguments.AddColumns<TV>(part, column, sums + column);
            for (; column < width; column++) arguments.AddColumns<V1>(part, column, sums + column);
        }
    }

    /// <summary>The first operand of two, scaled.</summary>
    internal readonly struct ScaledFirst(float scale) : IBinaryOperator
    {
        private readonly float _scale = scale;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TV Apply<TV>(TV left, TV right)
            where TV : unmanaged, IVector<TV> => TV.Broadcast(_scale) * left;
    }

    private readonly struct ProductSum : ISumOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add<TV>(TV a, TV b, TV center, ref TV first, ref TV second)
            where TV : unmanaged, IVector<TV> => TV.Fma(ref first, a, b);
    }

    private struct Arguments
    {
        public Axes Whole;
        public Axes Rows;
        public Axes Kept;
        public Axes Factor;
        public float* X;
        public float* F;
        public double* Partial;
        public int Sums;
        public int RowsPerSum;
        public int RowsPerPart;
        public int Cut;
        public int PartsPerSum;
        public int SumsPerTask;

        // A part is a task where a sum has several; else a task makes several sums.
        public readonly (int First, int End) PartsOf(int task) =>
            PartsPerSum > 1 ? (task, task + 1) : (task * SumsPerTask, Math.Min(Sums, (task + 1) * SumsPerTask));

        public readonly (int First, int End) RowsOf(int part)
        {
            int first = part % PartsPerSum / Cut * RowsPerPart;
            return (first, Math.Min(RowsPerSum, first + RowsPerPart));
        }

        // Where row number `row` of those that make up a sum starts in x.
        public readonly int RowAt(int sum, int row)
        {
            int at = 0, stride = 1;
            Step(Rows.D2, Kept.D2, ref sum, ref row, ref at, ref stride);
            Step(Rows.D1, Kept.D1, ref sum, ref row, ref at, ref stride);
            Step(Rows.D0, Kept.D0, ref sum, ref row, ref at, ref stride);
            return at * Whole.D3;
        }

        public readonly double RowSum<TV>(int at, int column, int length)
            where TV : unmanaged, IVector<TV>
        {
            float* x = X + at + column;
            double sum;
            if (F is null)
            {
                Reduction.Run<TV, PlainSum>(default, x, x, 0, length, out sum, out _);
                return sum;
            }

            float* factor = F + Broadcast.Place(Whole, Factor, at);
            if (Factor.D3 > 1 || Whole.D3 == 1)
            {
                Reduction.Run<TV, ProductSum>(default, x, factor + column, 0, length, out sum, out _);
                return sum;
            }

            Reduction.Run<TV, PlainSum>(default, x, x, 0, length, out sum, out _);
            return sum * *factor;
        }

        public readonly void AddColumns<TV>(int part, int column, double* sums)
            where TV : unmanaged, IVector<TV>
        {
            float* lanes = stackalloc float[TV.Width];
            new Span<double>(sums, TV.Width).Clear();
            (int row, int endRow) = RowsOf(part);
            while (row < endRow)
            {
                TV block = TV.Zero;
                for (int end = Math.Min(endRow, row + RowBlock); row < end; row++)
                {
                    int at = RowAt(part / PartsPerSum, row);
                    TV x = TV.Load(X + at + column);
                    if (F is null) block += x;
                    else TV.Fma(ref block, x, FactorAt<TV>(at, column));
                }

                TV.Store(block, lanes);
                for (int lane = 0; lane < TV.Width; lane++) sums[lane] += lanes[lane];
            }
        }

        private readonly TV FactorAt<TV>(int at, int column)
            where TV : unmanaged, IVector<TV>
        {
            float* factor = F + Broadcast.Place(Whole, Factor, at);
            return Factor.D3 > 1 ? TV.Load(factor + column) : TV.Broadcast(*factor);
        }

        // Of each axis, the place along it comes from the number of the sum where it is kept, else from the number of the row.
        private static void Step(int size, int kept, ref int sum, ref int row, ref int at, ref int stride)
        {
            ref int number = ref (kept > 1 ? ref sum : ref row);
            at += number % size * stride;
            number /= size;
            stride *= size;
        }
    }
}
