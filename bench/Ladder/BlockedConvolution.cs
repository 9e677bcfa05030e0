using Engine.Kernels;

namespace Engine.Bench.Ladder;

/// <summary>
/// The convolution in blocks of four output channels by two pixels. Each number that is loaded serves several sums, and the eight sums do not wait for each
/// other. The filters of four channels stay in the first-level cache while the image passes by. K must be a multiple of 4, Q at least 2.
/// </summary>
internal static unsafe class BlockedConvolution
{
    /// <summary>As <see cref="PlainConvolution.Run"/>.</summary>
    public static void Run(in Conv2dShape shape, float* x, float* w, float* sums)
    {
        int image = shape.C * shape.H * shape.W, plane = shape.P * shape.Q, depth = shape.C * shape.R * shape.S;
        for (int n = 0; n < shape.N; n++)
        for (int k = 0; k < shape.K; k += 4)
        for (int p = 0; p < shape.P; p++)
        for (int q = 0; q < shape.Q; q += 2)
        {
            // In a row of odd length, the last block computes a pixel again.
            int first = Math.Min(q, shape.Q - 2);
            RunBlock(shape, x + n * image + p * shape.W + first, w + k * depth, sums + (n * shape.K + k) * plane + p * shape.Q + first);
        }
    }

    private static void RunBlock(in Conv2dShape shape, float* x, float* w, float* sums)
    {
        int height = shape.H, width = shape.W, rows = shape.R, columns = shape.S, depth = shape.C * rows * columns, plane = shape.P * shape.Q;
        float a0 = 0, a1 = 0, b0 = 0, b1 = 0, c0 = 0, c1 = 0, d0 = 0, d1 = 0;
        for (int c = shape.C; c > 0; c--, x += height * width)
        for (int r = 0; r < rows; r++)
        for (int s = 0; s < columns; s++, w++)
        {
            float x0 = x[r * width + s], x1 = x[r * width + s + 1];
            float weight = w[0];
            a0 += weight * x0;
            a1 += weight * x1;
            weight = w[depth];
            b0 += weight * x0;
            b1 += weight * x1;
            weight = w[2 * depth];
            c0 += weight * x0;
            c1 += weight * x1;
            weight = w[3 * depth];
            d0 += weight * x0;
            d1 += weight * x1;
        }

        (sums[0], sums[1]) = (a0, a1);
        (sums[plane], sums[plane + 1]) = (b0, b1);
        (sums[2 * plane], sums[2 * plane + 1]) = (c0, c1);
        (sums[3 * plane], sums[3 * plane + 1]) = (d0, d1);
    }
}
