namespace Engine.Kernels;

/// <summary>Crop to the upper left corner; see <see cref="Crop2dShape"/>. A copy of lines: the CPU has no faster form.</summary>
internal static class Crop2d
{
    /// <summary>The definition. Overwrites y.</summary>
    public static void Forward(in Crop2dShape shape, ReadOnlySpan<float> x, Span<float> y)
    {
        for (int plane = 0; plane < shape.Planes; plane++)
        for (int p = 0; p < shape.P; p++)
        {
            x.Slice((plane * shape.H + p) * shape.W, shape.Q).CopyTo(y[((plane * shape.P + p) * shape.Q)..]);
        }
    }
}
