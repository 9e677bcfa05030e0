namespace Engine.Kernels;

/// <summary>The absolute value of complex numbers: y[i] = √(x[2i]² + x[2i+1]²).</summary>
internal static partial class Magnitude
{
    /// <summary>The definition, in double precision. Overwrites y.</summary>
    public static void ForwardReference(ReadOnlySpan<float> x, Span<float> y)
    {
        for (int i = 0; i < y.Length; i++) y[i] = (float)Math.Sqrt((double)x[2 * i] * x[2 * i] + (double)x[2 * i + 1] * x[2 * i + 1]);
    }
}
