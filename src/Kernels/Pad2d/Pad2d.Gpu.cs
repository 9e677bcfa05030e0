using ILGPU;

namespace Engine.Kernels;

/// <content>The GPU form: one thread for each element of the result, so every element is written once, zeros too. Memory bandwidth bounds it.</content>
internal static partial class Pad2d
{
    /// <summary>Writes y.</summary>
    public static void Forward(GpuContext gpu, in Pad2dShape shape, ArrayView<float> x, ArrayView<float> y) => ForEach.Run(
        gpu,
        new Copy
        {
            X = x, H = shape.H, W = shape.W, Top = shape.Top, Left = shape.Left, Y = y, P = new Divisor(shape.P), Q = new Divisor(shape.Q),
        },
        shape.YLength);

    /// <summary>Finds an element of y in x.</summary>
    internal struct Copy : IGpuBody
    {
        public ArrayView<float> X;
        public int H;
        public int W;
        public int Top;
        public int Left;
        public ArrayView<float> Y;
        public Divisor P;
        public Divisor Q;

        public readonly void Run(int i)
        {
            int plane = P.Divide(Q.Divide(i, out int column), out int row);
            (row, column) = (row - Top, column - Left);
            Y[i] = row >= 0 && row < H && column >= 0 && column < W ? X[(plane * H + row) * W + column] : 0;
        }
    }
}
