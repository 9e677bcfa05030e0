namespace Engine.Kernels;

/// <summary>Transposition; see <see cref="TransposeShape"/>.</summary>
internal static partial class Transpose
{
    /// <summary>The definition. Overwrites y.</summary>
    public static void Reference(in TransposeShape shape, ReadOnlySpan<float> x, Span<float> y)
    {
        for (int i = 0; i < shape.Rows; i++)
        for (int j = 0; j < shape.Columns; j++) y[j * shape.Rows + i] = x[i * shape.Columns + j];
    }
}
