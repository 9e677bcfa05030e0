using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// The loops of all pointwise kernels: y[i] = f(x[i]), or y[i] = f(left[i], right[i]); y may be any input. Parallel over fixed chunks. Memory
/// bandwidth bounds them for all but the exponentials.
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
        cpu.Run((int)((length + Chunk - 1L) / Chunk), &RunChunk<TV, TOperator>, &arguments);
    }

    public static void Run<TV, TOperator>(CpuContext cpu, TOperator function, float* left, float* right, float* y, int length)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IBinaryOperator
    {
        BinaryArguments<TOperator> arguments = new() { Function = function, Left = left, Right = right, Y = y, Length = length };
        cpu.Run((int)((length + Chunk - 1L) / Chunk), &RunBinaryChunk<TV, TOperator>, &arguments);
    }

    private static void RunChunk<TV, TOperator>(void* context, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IUnaryOperator
    {
        Arguments<TOperator> arguments = *(Arguments<TOperator>*)context;
        int i = task * Chunk, end = i + Math.Min(arguments.Length - i, Chunk);
        for (; i <= end - TV.Width; i += TV.Width) TV.Store(arguments.Function.Apply(TV.Load(arguments.X + i)), arguments.Y + i);
        for (; i < end; i++) V1.Store(arguments.Function.Apply(V1.Load(arguments.X + i)), arguments.Y + i);
    }

    private static void RunBinaryChunk<TV, TOperator>(void* context, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TOperator : unmanaged, IBinaryOperator
    {
        BinaryArguments<TOperator> arguments = *(BinaryArguments<TOperator>*)context;
        int i = task * Chunk, end = i + Math.Min(arguments.Length - i, Chunk);
        for (; i <= end - TV.Width; i += TV.Width)
        {
            TV.Store(arguments.Function.Apply(TV.Load(arguments.Left + i), TV.Load(arguments.Right + i)), arguments.Y + i);
        }

        for (; i < end; i++) V1.Store(arguments.Function.Apply(V1.Load(arguments.Left + i), V1.Load(arguments.Right + i)), arguments.Y + i);
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
