namespace Engine.Kernels;

/// <summary>Padding and cropping; see <see cref="Pad2dShape"/>. A copy of lines: the CPU has no faster form.</summary>
internal static partial class Pad2d
{
    /// <summary>The definition. Overwrites y.</summary>
    public static void Forward(in Pad2dShape shape, ReadOnlySpan<float> x, Span<float> y)
    {
        // The columns of y that x fills.
        int from = Math.Max(0, shape.Left), to = Math.Min(shape.Q, shape.Left + shape.W);
        for (int plane = 0; plane < shape.Planes; plane++)
        for (int p = 0; p < shape.P; p++)
        {
            Span<float> line = y.Slice((plane * shape.P + p) * shape.Q, shape.Q);
            int h = p - shape.Top;
            if (h < 0 || h >= shape.H)
            {
                line.Clear();
                continue;
            }

            line[..from].Clear();
            x.Slice((plane * shape.H + h) * shape.W + from - shape.Left, to - from).CopyTo(line[from..]);
            line[to..].Clear();
        }
    }
}
