using Engine.Kernels;

namespace Engine.Bench.Ladder;

/// <summary>
/// The definition of a transposed convolution without dilation, in any layout. For every output it asks of every tap whether an input lies there; with stride 2
/// three of four taps miss.
/// </summary>
internal static unsafe class PlainTransposed
{
    /// <summary>y[n,k,p,q] = b[k] + Σ x[n,c,h,v] · w[c,k,r,s] over all taps with h · stride = p + pad − r, and v in the same way. Overwrites y.</summary>
    public static void Run(in ConvTranspose2dShape shape, float* x, float* w, float* b, float* y)
    {
        MapStrides atX = shape.XStrides, atY = shape.YStrides;
        for (int n = 0; n < shape.N; n++)
        for (int k = 0; k < shape.K; k++)
        for (int p = 0; p < shape.P; p++)
        for (int q = 0; q < shape.Q; q++) y[atY.At(n, k, p * shape.Q + q)] = b[k] + SumOf(shape, x + atX.At(n, 0, 0), w, k, p, q);
    }

    private static float SumOf(in ConvTranspose2dShape shape, float* x, float* w, int k, int p, int q)
    {
        float sum = 0;
        MapStrides at = shape.XStrides;
        for (int c = 0; c < shape.C; c++)
        for (int r = 0; r < shape.R; r++)
        for (int s = 0; s < shape.S; s++)
        {
            (int h, int restH) = Math.DivRem(p + shape.PadH - r, shape.StrideH);
            (int v, int restW) = Math.DivRem(q + shape.PadW - s, shape.StrideW);
            if (restH != 0 || restW != 0 || h < 0 || h >= shape.H || v < 0 || v >= shape.W) continue;
            sum += x[at.At(0, c, h * shape.W + v)] * w[((c * shape.K + k) * shape.R + r) * shape.S + s];
        }

        return sum;
    }
}
