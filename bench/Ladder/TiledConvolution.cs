using Engine.Kernels;
using Engine.Kernels.Simd;

namespace Engine.Bench.Ladder;

/// <summary>
/// The convolution in tiles of four output channels by three vectors of pixels of a row. The twelve accumulators stay in registers for the whole sum; each step
/// loads three vectors and four weights for twelve multiply-adds. K must be a multiple of 4. The last tile of a row reads past the row, and what it computes
/// there is dropped.
/// </summary>
internal static unsafe class TiledConvolution
{
    private const int Channels = 4;
    private const int Vectors = 3;

    /// <summary>As <see cref="PlainConvolution.Run"/>; behind x, as many floats as a tile is wide must be readable.</summary>
    public static void Run<TV>(in Conv2dShape shape, float* x, float* w, float* sums)
        where TV : unmanaged, IVector<TV>
    {
        int image = shape.C * shape.H * shape.W, plane = shape.P * shape.Q, depth = shape.C * shape.R * shape.S, columns = Vectors * TV.Width;
        float* tile = stackalloc float[Channels * columns];
        for (int n = 0; n < shape.N; n++)
        for (int k = 0; k < shape.K; k += Channels)
        for (int p = 0; p < shape.P; p++)
        for (int q = 0; q < shape.Q; q += columns)
        {
            RunTile<TV>(shape, x + n * image + p * shape.W + q, w + k * depth, tile);
            int kept = Math.Min(columns, shape.Q - q);
            float* y = sums + (n * shape.K + k) * plane + p * shape.Q + q;
            for (int i = 0; i < Channels; i++) new Span<float>(tile + i * columns, kept).CopyTo(new Span<float>(y + i * plane, kept));
        }
    }

    private static void RunTile<TV>(in Conv2dShape shape, float* x, float* w, float* tile)
        where TV : unmanaged, IVector<TV>
    {
        int height = shape.H, width = shape.W, rows = shape.R, columns = shape.S, depth = shape.C * rows * columns;
        TV a0 = TV.Zero, a1 = TV.Zero, a2 = TV.Zero;
        TV b0 = TV.Zero, b1 = TV.Zero, b2 = TV.Zero;
        TV c0 = TV.Zero, c1 = TV.Zero, c2 = TV.Zero;
        TV d0 = TV.Zero, d1 = TV.Zero, d2 = TV.Zero;
        for (int c = shape.C; c > 0; c--, x += height * width)
        for (int r = 0; r < rows; r++)
        for (int s = 0; s < columns; s++, w++)
        {
            float* at = x + r * width + s;
            TV x0 = TV.Load(at), x1 = TV.Load(at + TV.Width), x2 = TV.Load(at + 2 * TV.Width);
            TV weight = TV.Broadcast(w[0]);
            TV.Fma(ref a0, weight, x0);
            TV.Fma(ref a1, weight, x1);
            TV.Fma(ref a2, weight, x2);
            weight = TV.Broadcast(w[depth]);
            TV.Fma(ref b0, weight, x0);
            TV.Fma(ref b1, weight, x1);
            TV.Fma(ref b2, weight, x2);
            weight = TV.Broadcast(w[2 * depth]);
            TV.Fma(ref c0, weight, x0);
            TV.Fma(ref c1, weight, x1);
            TV.Fma(ref c2, weight, x2);
            weight = TV.Broadcast(w[3 * depth]);
            TV.Fma(ref d0, weight, x0);
            TV.Fma(ref d1, weight, x1);
            TV.Fma(ref d2, weight, x2);
        }

        Store(tile, a0, a1, a2);
        Store(tile + Vectors * TV.Width, b0, b1, b2);
        Store(tile + 2 * Vectors * TV.Width, c0, c1, c2);
        Store(tile + 3 * Vectors * TV.Width, d0, d1, d2);
    }

    private static void Store<TV>(float* row, TV v0, TV v1, TV v2)
        where TV : unmanaged, IVector<TV>
    {
        TV.Store(v0, row);
        TV.Store(v1, row + TV.Width);
        TV.Store(v2, row + 2 * TV.Width);
    }
}
