using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: one thread for each element of the result, so every element is written once, including the zeros of the gradient. Memory bandwidth bounds it.
/// </content>
internal static partial class Crop2d
{
    /// <summary>Writes y.</summary>
    public static void Forward(GpuContext gpu, in Crop2dShape shape, ArrayView<float> x, ArrayView<float> y) =>
        ForEach.Run(
            gpu, new Copy { From = x, FromH = shape.H, FromW = shape.W, To = y, ToH = new Divisor(shape.P), ToW = new Divisor(shape.Q) }, shape.YLength);

    /// <summary>Writes dx, with zeros outside dy.</summary>
    public static void Backward(GpuContext gpu, in Crop2dShape shape, ArrayView<float> dy, ArrayView<float> dx) =>
        ForEach.Run(
            gpu, new Copy { From = dy, FromH = shape.P, FromW = shape.Q, To = dx, ToH = new Divisor(shape.H), ToW = new Divisor(shape.W) }, shape.XLength);

    /// <summary>Copies planes of one size to planes of another, upper left corner to upper left corner.</summary>
    internal struct Copy : IGpuBody
    {
        public ArrayView<float> From;
        public int FromH;
        public int FromW;
        public ArrayView<float> To;
        public Divisor ToH;
        public Divisor ToW;

        public readonly void Run(int i)
        {
            int plane = ToH.Divide(ToW.Divide(i, out int column), out int row);
            To[i] = row < FromH && column < FromW ? From[(plane * FromH + row) * FromW + column] : 0;
        }
    }
}
