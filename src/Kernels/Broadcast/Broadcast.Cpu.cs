using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form: parallel over bands of the whole's rows, which are its runs along the innermost axes that both arrays have or that neither steps along
/// alone; within a row an array is read in vectors, or its one element is kept in a register. Memory bandwidth bounds it.
/// </content>
internal static unsafe partial class Broadcast
{
    // 64 KB a task at the least.
    private const int FloatsPerTask = 16 * 1024;

    /// <summary>y = function(a, b). Overwrites y.</summary>
    public static void Run<TV, TOperator>(CpuContext cpu, in BroadcastShape shape, TOperator function, float* a, float* b, float* y)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IBinaryOperator
    {
        BroadcastShape rows = LongestRows(shape);
        int length = rows.Whole.D3, count = rows.Whole.Length / length, band = Math.Max(1, FloatsPerTask / length);
        Arguments<TOperator> arguments = new() { Shape = rows, Function = function, A = a, B = b, Y = y, Band = band };
        cpu.Run((count - 1) / band + 1, &RunBand<TV, TOperator>, ref arguments);
    }

    /// <summary>The same arrays with the innermost axes made one as long as both arrays are repeated along all of them, or along none.</summary>
    public static BroadcastShape LongestRows(BroadcastShape shape)
    {
        for (int axis = 0; axis < 3; axis++)
        {
            (Axes a, Axes b, Axes whole) = (shape.A, shape.B, shape.Whole);
            if (whole.D2 > 1 && whole.D3 > 1 && ((a.D2 == 1) != (a.D3 == 1) || (b.D2 == 1) != (b.D3 == 1))) break;
            shape = new BroadcastShape(new Axes(1, a.D0, a.D1, a.D2 * a.D3), new Axes(1, b.D0, b.D1, b.D2 * b.D3));
        }

        return shape;
    }

    private static void RunBand<TV, TOperator>(ref Arguments<TOperator> shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IBinaryOperator
    {
        Arguments<TOperator> arguments = shared;
        int length = arguments.Shape.Whole.D3, count = arguments.Shape.Whole.Length / length;
        int end = Math.Min(count, (task + 1) * arguments.Band);
        bool aSteps = arguments.Shape.A.D3 > 1 || length == 1, bSteps = arguments.Shape.B.D3 > 1 || length == 1;
        for (int row = task * arguments.Band; row < end; row++)
        {
            int first = row * length;
            float* a = arguments.A + Place(arguments.Shape.Whole, arguments.Shape.A, first), y = arguments.Y + first;
            float* b = arguments.B + Place(arguments.Shape.Whole, arguments.Shape.B, first);
            if (aSteps && bSteps) Elementwise.RunLine<TV, TOperator>(arguments.Function, a, b, y, length);
            else RunRepeated<TV, TOperator>(arguments.Function, a, aSteps, b, bSteps, y, length);
        }
    }

    private static void RunRepeated<TV, TOperator>(TOperator function, float* a, bool aSteps, float* b, bool bSteps, float* y, int length)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IBinaryOperator
    {
        TV wideA = TV.Broadcast(*a), wideB = TV.Broadcast(*b);
        int i = 0;
        for (; i <= length - TV.Width; i += TV.Width)
        {
            TV.Store(function.Apply(aSteps ? TV.Load(a + i) : wideA, bSteps ? TV.Load(b + i) : wideB), y + i);
        }

        for (; i < length; i++) V1.Store(function.Apply(V1.Load(aSteps ? a + i : a), V1.Load(bSteps ? b + i : b)), y + i);
    }

    /// <summary>scale·left·right.</summary>
    internal readonly struct ScaledProduct(float scale) : IBinaryOperator
    {
        private readonly float _scale = scale;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TV Apply<TV>(TV left, TV right)
            where TV : unmanaged, IVector<TV> => TV.Broadcast(_scale) * left * right;
    }

    private struct Arguments<TOperator>
        where TOperator : unmanaged
    {
        public BroadcastShape Shape;
        public TOperator Function;
        public float* A;
        public float* B;
        public float* Y;
        public int Band;
    }
}
