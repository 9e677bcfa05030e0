namespace Engine.Kernels;

/// <summary>Crop to the upper left corner; see <see cref="Crop2dShape"/>. A copy of lines: the CPU has no faster form.</summary>
internal static partial class Crop2d
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

    /// <summary>The definition of the gradient: dy in the upper left corner, zeros elsewhere. Overwrites dx.</summary>
    public static void Backward(in Crop2dShape shape, ReadOnlySpan<float> dy, Span<float> dx)
    {
        for (int plane = 0; plane < shape.Planes; plane++)
        for (int h = 0; h < shape.H; h++)
        {
            Span<float> line = dx.Slice((plane * shape.H + h) * shape.W, shape.W);
            if (h < shape.P) dy.Slice((plane * shape.P + h) * shape.Q, shape.Q).CopyTo(line);
            line[(h < shape.P ? shape.Q : 0)..].Clear();
        }
    }
}
