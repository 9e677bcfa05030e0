namespace Engine.Kernels;

/// <summary>y = a·b, element by element. Its gradients, da = dy·b and db = dy·a, are the same operation.</summary>
internal static partial class Multiply
{
    /// <summary>The definition. Overwrites y.</summary>
    public static void Reference(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y)
    {
        for (int i = 0; i < y.Length; i++) y[i] = (float)((double)a[i] * b[i]);
    }
}
