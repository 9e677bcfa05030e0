namespace Engine.Kernels;

/// <summary>Transposition; see <see cref="TransposeShape"/>.</summary>
internal static partial class Transpose
{
    /// <summary>The definition. Overwrites y.</summary>
    public static void Reference(in TransposeShape shape, ReadOnlySpan<float> x, Span<float> y)
    {
        int length = shape.Rows * shape.Columns;
        for (int n = 0; n < shape.Samples; n++)
        for (int i = 0; i < shape.Rows; i++)
        for (int j = 0; j < shape.Columns; j++) y[n * length + j * shape.Rows + i] = x[n * length + i * shape.Columns + j];
    }
}
