using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: one thread for each element of the result, so writes are contiguous. Reads are not, but neighbouring groups find the rest of a cache line in
/// the second-level cache. Memory bandwidth bounds it.
/// </content>
internal static unsafe partial class Transpose
{
    /// <summary>Writes y.</summary>
    public static void Run(GpuContext gpu, in TransposeShape shape, ArrayView<float> x, ArrayView<float> y) =>
        ForEach.Run(gpu, new Body { X = x, Y = y, Rows = new Divisor(shape.Rows), Columns = shape.Columns }, shape.Length);

    internal struct Body : IGpuBody
    {
        public ArrayView<float> X;
        public ArrayView<float> Y;
        public Divisor Rows;
        public int Columns;

        public readonly void Run(int i)
        {
            int column = Rows.Divide(i, out int row);
            Y[i] = X[row * Columns + column];
        }
    }
}
