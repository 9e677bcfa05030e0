using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: one thread for each element of the result, so writes are contiguous. Reads are not, but neighbouring groups find the rest of a cache line in
/// the second-level cache. Memory bandwidth bounds it.
/// </content>
internal static unsafe partial class Transpose
{
    /// <summary>Writes y.</summary>
    public static void Run(GpuContext gpu, in TransposeShape shape, ArrayView<float> x, ArrayView<float> y)
    {
        int length = shape.Rows * shape.Columns;
        for (int at = 0; at < shape.Length; at += length)
        {
            Body body = new() { X = x.SubView(at, length), Y = y.SubView(at, length), Rows = new Divisor(shape.Rows), Columns = shape.Columns };
            ForEach.Run(gpu, body, length);
        }
    }

    /// <summary>Maps that lie N H W C, with the batch first. The caller gives the memory back.</summary>
    public static GpuBuffer ToBatchFirst(GpuContext gpu, int n, int channels, int pixels, ArrayView<float> maps)
    {
        TransposeShape shape = new(pixels, channels, n);
        GpuBuffer turned = gpu.Memory.Rent(shape.Length);
        Run(gpu, shape, maps, turned.Floats);
        return turned;
    }

    /// <summary>The inverse: overwrites <paramref name="maps"/>, which lie N H W C.</summary>
    public static void ToChannelsLast(GpuContext gpu, int n, int channels, int pixels, ArrayView<float> batchFirst, ArrayView<float> maps) =>
        Run(gpu, new TransposeShape(channels, pixels, n), batchFirst, maps);

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
