using Engine.Kernels;

namespace Engine.Bench.Ladder;

/// <summary>
/// The definition of a transposed convolution without dilation whose maps lie C H W N. For every output it asks of every tap whether an input lies there; with
/// stride 2 three of four taps miss.
/// </summary>
internal static unsafe class PlainTransposed
{
    /// <summary>y[k,p,q,n] = b[k] + Σ x[c,h,v,n] · w[c,k,r,s] over all taps with h · stride = p + pad − r, and v in the same way. Overwrites y.</summary>
    public static void Run(in ConvTranspose2dShape shape, float* x, float* w, float* b, float* y)
    {
        for (int n = 0; n < shape.N; n++)
        for (int k = 0; k < shape.K; k++)
        for (int p = 0; p < shape.P; p++)
        for (int q = 0; q < shape.Q; q++) y[((k * shape.P + p) * shape.Q + q) * shape.N + n] = b[k] + SumOf(shape, x + n, w, k, p, q);
    }

    private static float SumOf(in ConvTranspose2dShape shape, float* x, float* w, int k, int p, int q)
    {
        float sum = 0;
        for (int c = 0; c < shape.C; c++)
        for (int r = 0; r < shape.R; r++)
        for (int s = 0; s < shape.S; s++)
        {
            (int h, int restH) = Math.DivRem(p + shape.PadH - r, shape.StrideH);
            (int v, int restW) = Math.DivRem(q + shape.PadW - s, shape.StrideW);
            if (restH != 0 || restW != 0 || h < 0 || h >= shape.H || v < 0 || v >= shape.W) continue;
            sum += x[((c * shape.H + h) * shape.W + v) * shape.N] * w[((c * shape.K + k) * shape.R + r) * shape.S + s];
        }

        return sum;
    }
}
