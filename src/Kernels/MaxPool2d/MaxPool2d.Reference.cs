namespace Engine.Kernels;

/// <summary>Two-dimensional max-pooling; see <see cref="MaxPool2dShape"/> for the formula.</summary>
internal static partial class MaxPool2d
{
    /// <summary>The definition. Overwrites y.</summary>
    public static void ForwardReference(in MaxPool2dShape shape, ReadOnlySpan<float> x, Span<float> y)
    {
        for (int plane = 0; plane < shape.N * shape.C; plane++)
        for (int p = 0; p < shape.P; p++)
        for (int q = 0; q < shape.Q; q++)
        {
            float max = float.NegativeInfinity;
            for (int r = 0; r < shape.R; r++)
            for (int s = 0; s < shape.S; s++)
            {
                int h = p * shape.StrideH + r * shape.DilationH, v = q * shape.StrideW + s * shape.DilationW;
                max = MathF.Max(max, x[(plane * shape.H + h) * shape.W + v]);
            }

            y[(plane * shape.P + p) * shape.Q + q] = max;
        }
    }

    /// <summary>
    /// The definition of the gradient: dy of a window goes to its first maximum in row-major order, or to its first element if none equals y, which happens
    /// only with a NaN. Overwrites dx.
    /// </summary>
    public static void BackwardReference(
        in MaxPool2dShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx)
    {
        double[] plane = new double[shape.H * shape.W];
        for (int n = 0; n < shape.N * shape.C; n++)
        {
            Array.Clear(plane);
            for (int p = 0; p < shape.P; p++)
            for (int q = 0; q < shape.Q; q++)
            {
                int from = (n * shape.P + p) * shape.Q + q, to = -1;
                for (int r = 0; r < shape.R; r++)
                for (int s = 0; s < shape.S; s++)
                {
                    int at = (p * shape.StrideH + r * shape.DilationH) * shape.W + q * shape.StrideW + s * shape.DilationW;
                    if (to < 0 && x[n * plane.Length + at] == y[from]) to = at;
                }

                plane[to < 0 ? p * shape.StrideH * shape.W + q * shape.StrideW : to] += dy[from];
            }

            for (int i = 0; i < plane.Length; i++) dx[n * plane.Length + i] = (float)plane[i];
        }
    }
}
