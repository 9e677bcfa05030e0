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
}
