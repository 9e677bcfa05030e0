using Engine.Kernels;
using Engine.Kernels.Simd;

namespace Engine.Bench.Ladder;

/// <summary>
/// The transposed convolution by phases: the taps that an output sees lie one stride apart, and the remainder of the output's place says which tap is the
/// first. So no tap is tried in vain. The batch is last: a vector holds the samples of one pixel; with <see cref="V1"/> it is a single sample. There is one sum
/// at a time. The samples of a block must be a multiple of the vector's width, and there is no dilation.
/// </summary>
internal static unsafe class PhasedTransposed
{
    /// <summary>As <see cref="PlainTransposed.Run"/>.</summary>
    public static void Run<TV>(in ConvTranspose2dShape shape, float* x, float* w, float* b, float* y)
        where TV : unmanaged, IVector<TV>
    {
        for (int block = 0; block < shape.Blocks; block++, x += shape.XStrides.Block)
        for (int k = 0; k < shape.K; k++)
        for (int p = 0; p < shape.P; p++)
        for (int q = 0; q < shape.Q; q++)
        for (int n = 0; n < shape.BlockSamples; n += TV.Width, y += TV.Width)
        {
            TV.Store(TV.Broadcast(b[k]) + SumOf<TV>(shape, x + n, w + k * shape.R * shape.S, p + shape.PadH, q + shape.PadW), y);
        }
    }

    // The taps begin at the remainder, and from one to the next the input goes back by one.
    private static TV SumOf<TV>(in ConvTranspose2dShape shape, float* x, float* w, int p, int q)
        where TV : unmanaged, IVector<TV>
    {
        TV sum = TV.Zero;
        int firstRow = p % shape.StrideH, firstColumn = q % shape.StrideW, top = p / shape.StrideH, left = q / shape.StrideW;
        int samples = shape.BlockSamples, height = shape.H, width = shape.W;
        int rows = shape.R, columns = shape.S, strideH = shape.StrideH, strideW = shape.StrideW;
        for (int c = shape.C; c > 0; c--, x += height * width * samples, w += shape.K * rows * columns)
        for (int r = firstRow, h = top; r < rows; r += strideH, h--)
        {
            if (h < 0 || h >= height) continue;
            for (int s = firstColumn, v = left; s < columns; s += strideW, v--)
            {
                if (v < 0 || v >= width) continue;
                TV.Fma(ref sum, TV.Load(x + (h * width + v) * samples), TV.Broadcast(w[r * columns + s]));
            }
        }

        return sum;
    }
}
