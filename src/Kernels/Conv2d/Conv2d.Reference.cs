namespace Engine.Kernels;

/// <summary>Two-dimensional cross-correlation; see <see cref="Conv2dShape"/> for the formula.</summary>
internal static partial class Conv2d
{
    /// <summary>The definition, summed in double precision. Overwrites y; b may be empty.</summary>
    public static void ForwardReference(
        in Conv2dShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> b, Activation activation, Span<float> y)
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
                int h = p * shape.StrideH + r * shape.DilationH - shape.PadH;
                int v = q * shape.StrideW + s * shape.DilationW - shape.PadW;
                if (h < 0 || h >= shape.H || v < 0 || v >= shape.W) continue;
                sum += (double)x[((n * shape.C + c) * shape.H + h) * shape.W + v] * w[((k * shape.C + c) * shape.R + r) * shape.S + s];
            }

            y[((n * shape.K + k) * shape.P + p) * shape.Q + q] = (float)activation.Reference(sum);
        }
    }
}
