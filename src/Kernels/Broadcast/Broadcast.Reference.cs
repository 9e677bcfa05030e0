namespace Engine.Kernels;

/// <summary>a + scale·b and scale·a·b of arrays that are repeated along their axes of size 1; see <see cref="BroadcastShape"/>.</summary>
internal static partial class Broadcast
{
    /// <summary>The definition of y = a + scale·b, in double precision. Overwrites y.</summary>
    public static void AddReference(in BroadcastShape shape, ReadOnlySpan<float> a, ReadOnlySpan<float> b, float scale, Span<float> y)
    {
        for (int i = 0; i < y.Length; i++) y[i] = (float)(a[Place(shape.Whole, shape.A, i)] + (double)scale * b[Place(shape.Whole, shape.B, i)]);
    }

    /// <summary>The definition of y = scale·a·b, in double precision. Overwrites y.</summary>
    public static void MultiplyReference(in BroadcastShape shape, ReadOnlySpan<float> a, ReadOnlySpan<float> b, float scale, Span<float> y)
    {
        for (int i = 0; i < y.Length; i++) y[i] = (float)((double)scale * a[Place(shape.Whole, shape.A, i)] * b[Place(shape.Whole, shape.B, i)]);
    }

    /// <summary>Where element i of the whole lies in an array that is repeated along its axes of size 1.</summary>
    public static int Place(in Axes whole, in Axes part, int i)
    {
        Axes strides = part.Strides;
        int at = i % whole.D3 * strides.D3;
        i /= whole.D3;
        at += i % whole.D2 * strides.D2;
        i /= whole.D2;
        return at + i % whole.D1 * strides.D1 + i / whole.D1 * strides.D0;
    }
}
