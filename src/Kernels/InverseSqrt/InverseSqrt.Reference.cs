namespace Engine.Kernels;

/// <summary>1/√(x + ε) and its gradient.</summary>
internal static partial class InverseSqrt
{
    /// <summary>The definition, in double precision. Overwrites y.</summary>
    public static void Reference(float epsilon, ReadOnlySpan<float> x, Span<float> y)
    {
        for (int i = 0; i < y.Length; i++) y[i] = (float)(1 / Math.Sqrt((double)x[i] + epsilon));
    }

    /// <summary>The definition of dx = −½·y³·dy, in double precision. Overwrites dx.</summary>
    public static void BackwardReference(ReadOnlySpan<float> y, ReadOnlySpan<float> dy, Span<float> dx)
    {
        for (int i = 0; i < dx.Length; i++) dx[i] = (float)(-0.5 * y[i] * y[i] * y[i] * dy[i]);
    }
}
