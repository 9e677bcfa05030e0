namespace Engine.Kernels;

/// <summary>y += scale·x.</summary>
internal static partial class AddScaled
{
    /// <summary>The definition, in double precision. Adds to y.</summary>
    public static void Reference(float scale, ReadOnlySpan<float> x, Span<float> y)
    {
        for (int i = 0; i < y.Length; i++) y[i] = (float)(y[i] + (double)scale * x[i]);
    }
}
