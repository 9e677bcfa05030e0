using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// The loops of all pointwise kernels: y[i] = f(x[i]), or y[i] = f(left[i], right[i]); y may be any input. Parallel over fixed chunks. Memory bandwidth bounds
/// them, except for the exponentials.
/// </summary>
internal static unsafe class Elementwise
{
    // 64 KB: large enough to be worth a task, small enough to spread over many threads.
    private const int Chunk = 16 * 1024;

    public static void Run<TV, TOperator>(CpuContext cpu, TOperator function, float* x, float* y, int length)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IUnaryOperator
    {
        Arguments<TOperator> arguments = new() { Function = function, X = x, Y = y, Length = length };
        cpu.Run((int)((length + Chunk - 1L) / Chunk), &RunChunk<TV, TOperator>, ref arguments);
    }

    public static void Run<TV, TOperator>(CpuContext cpu, TOperator function, float* left, float* right, float* y, int length)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IBinaryOperator
    {
        BinaryArguments<TOperator> arguments = new() { Function = function, Left = left, Right = right, Y = y, Length = length };
        cpu.Run((int)((length + Chunk - 1L) / Chunk), &RunBinaryChunk<TV, TOperator>, ref arguments);
    }

    /// <summary>y = activation(x). Overwrites y, which may be x.</summary>
    public static void Run<TV>(CpuContext cpu, Activation activation, float* x, float* y, int length)
        where TV : unmanaged, IVector<TV> => activation.Accept<WholeActivation<TV>, Nothing>(new WholeActivation<TV>(cpu, x, y, length));

    /// <summary>Applies an activation to a run of floats in place, for kernels whose results are still in the cache.</summary>
    public static void RunLine<TV>(Activation activation, float* y, int length)
        where TV : unmanaged, IVector<TV>
    {
        if (activation != Activation.None) activation.Accept<LineActivation<TV>, Nothing>(new LineActivation<TV>(y, length));
    }

    /// <summary>y[i] = f(left[i], right[i]) over a run of floats.</summary>
    public static void RunLine<TV, TOperator>(TOperator function, float* left, float* right, float* y, int length)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IBinaryOperator
    {
        int i = 0;
        for (; i <= length - TV.Width; i += TV.Width) TV.Store(function.Apply(TV.Load(left + i), TV.Load(right + i)), y + i);
        for (; i < length; i++) V1.Store(function.Apply(V1.Load(left + i), V1.Load(right + i)), y + i);
    }

    private static void RunLine<TV, TOperator>(TOperator function, float* x, float* y, int length)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IUnaryOperator
    {
        int i = 0;
        for (; i <= length - TV.Width; i += TV.Width) TV.Store(function.Apply(TV.Load(x + i)), y + i);
        for (; i < length; i++) V1.Store(function.Apply(V1.Load(x + i)), y + i);
    }

    private static void RunChunk<TV, TOperator>(ref Arguments<TOperator> shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IUnaryOperator
    {
        Arguments<TOperator> arguments = shared;
        int first = task * Chunk;
        RunLine<TV, TOperator>(arguments.Function, arguments.X + first, arguments.Y + first, Math.Min(arguments.Length - first, Chunk));
    }

    private static void RunBinaryChunk<TV, TOperator>(ref BinaryArguments<TOperator> shared, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IBinaryOperator
    {
        BinaryArguments<TOperator> arguments = shared;
        int first = task * Chunk;
        RunLine<TV, TOperator>(
            arguments.Function, arguments.Left + first, arguments.Right + first, arguments.Y + first, Math.Min(arguments.Length - first, Chunk));
    }

    private readonly struct WholeActivation<TV>(CpuContext cpu, float* x, float* y, int length) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            Run<TV, TActivation>(cpu, activation, x, y, length);
            return default;
        }
    }

    private readonly struct LineActivation<TV>(float* y, int length) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            RunLine<TV, TActivation>(activation, y, y, length);
            return default;
        }
    }

    private struct Arguments<TOperator>
        where TOperator : unmanaged
    {
        public TOperator Function;
        public float* X;
        public float* Y;
        public int Length;
    }

    private struct BinaryArguments<TOperator>
        where TOperator : unmanaged
    {
        public TOperator Function;
        public float* Left;
        public float* Right;
        public float* Y;
        public int Length;
    }
}
