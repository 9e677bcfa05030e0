using Engine.Kernels;

namespace Engine.Bench.Ladder;

/// <summary>The definition of a convolution without stride and padding: seven loops, one sum. Each addition waits for the one before.</summary>
internal static unsafe class PlainConvolution
{
    /// <summary>sums[n,k,p,q] = Σ_c,r,s x[n, c, p + r, q + s] · w[k,c,r,s]. Overwrites sums.</summary>
    public static void Run(in Conv2dShape shape, float* x, float* w, float* sums)
    {
        (int channels, int height, int width, int rows, int columns) = (shape.C, shape.H, shape.W, shape.R, shape.S);
        for (int n = 0; n < shape.N; n++)
        for (int k = 0; k < shape.K; k++)
        for (int p = 0; p < shape.P; p++)
        for (int q = 0; q < shape.Q; q++)
        {
            float sum = 0;
            for (int c = 0; c < channels; c++)
            for (int r = 0; r < rows; r++)
            for (int s = 0; s < columns; s++)
            {
                sum += x[((n * channels + c) * height + p + r) * width + q + s] * w[((k * channels + c) * rows + r) * columns + s];
            }

            *sums++ = sum;
        }
    }
}
