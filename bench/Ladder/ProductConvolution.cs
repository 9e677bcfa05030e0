using Engine.Kernels;
using Engine.Kernels.Simd;

namespace Engine.Bench.Ladder;

/// <summary>
/// The convolution as the engine's <see cref="TiledProduct"/>, on the calling thread. The weights are packed in the order in which the tile reads them, the sum
/// is cut into chunks that fit into the first-level cache, and tiles run on over the ends of rows: pixels are numbered with the input's pitch, so only the
/// filter's width minus one columns of each row are dropped.
/// </summary>
internal static unsafe class ProductConvolution
{
    /// <summary>As <see cref="PlainConvolution.Run"/>; behind x, <see cref="HostMemory.ReadableTail"/> floats must be readable.</summary>
    public static void Run<TV>(CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* sums)
        where TV : unmanaged, IVector<TV>
    {
        int depth = shape.C * shape.R * shape.S;
        long packed = TiledProduct.PackedLength<TV>(shape.K, depth), scratch = TiledProduct.ScratchLength<TV>(shape.K);
        cpu.Workspace.Begin(Workspace.Aligned(packed) + Workspace.Aligned(depth) + Workspace.Aligned(scratch));
        TiledProduct product = new()
        {
            A = cpu.Workspace.Take(packed), Rows = shape.K, Depth = depth, Offsets = (int*)cpu.Workspace.Take(depth),
            Columns = (shape.P - 1) * shape.W + shape.Q, Pitch = shape.W, Width = shape.Q,
            RowStride = shape.P * shape.Q, LineStride = shape.Q, ColumnStride = 1,
        };
        float* own = cpu.Workspace.Take(scratch);
        int* offset = product.Offsets;
        for (int c = 0; c < shape.C; c++)
        for (int r = 0; r < shape.R; r++)
        for (int s = 0; s < shape.S; s++) *offset++ = (c * shape.H + r) * shape.W + s;

        for (int block = 0; block < TiledProduct.RowBlocks<TV>(shape.K); block++)
        {
            TiledProduct.PackRows<TV>(w, depth, null, shape.K, depth, block, product.A);
        }

        for (int n = 0; n < shape.N; n++)
        {
            product.B = x + (long)n * shape.C * shape.H * shape.W;
            product.Y = sums + (long)n * shape.K * shape.P * shape.Q;
            for (int tile = 0; tile < TiledProduct.Tiles<TV>(product.Columns); tile++) product.RunTile<TV>(tile, own);
        }
    }
}
