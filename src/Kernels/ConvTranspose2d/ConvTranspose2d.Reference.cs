namespace Engine.Kernels;

/// <summary>Two-dimensional transposed convolution; see <see cref="ConvTranspose2dShape"/> for the formula.</summary>
internal static partial class ConvTranspose2d
{
    /// <summary>The definition, gathered by output and summed in double precision. Overwrites y; b may be empty.</summary>
    public static void ForwardReference(
        in ConvTranspose2dShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> b, Activation activation, Span<float> y)
    {
        for (int n = 0; n < shape.N; n++)
        for (int k = 0; k < shape.K; k++)
        for (int p = 0; p < shape.P; p++)
        for (int q = 0; q < shape.Q; q++)
        {
            double sum = b.IsEmpty ? 0 : b[k];
            for (int c = 0; c < shape.C; c++)
            for (int r = 0; r < shape.R; r++)
            for (int s = 0; s < shape.S; s++)
            {
                (int h, int restH) = Math.DivRem(p + shape.PadH - r * shape.DilationH, shape.StrideH);
                (int v, int restW) = Math.DivRem(q + shape.PadW - s * shape.DilationW, shape.StrideW);
                if (restH != 0 || restW != 0 || h < 0 || h >= shape.H || v < 0 || v >= shape.W) continue;
                sum += (double)x[((n * shape.C + c) * shape.H + h) * shape.W + v] * w[((c * shape.K + k) * shape.R + r) * shape.S + s];
            }

            y[((n * shape.K + k) * shape.P + p) * shape.Q + q] = (float)activation.Reference(sum);
        }
    }
}
