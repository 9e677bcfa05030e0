namespace Engine.Kernels;

/// <summary>Matrix product with a bias; see <see cref="DenseShape"/> for the formula.</summary>
internal static partial class Dense
{
    /// <summary>The definition, summed in double precision. Overwrites y; b may be empty.</summary>
    public static void ForwardReference(
        in DenseShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> b, Activation activation, Span<float> y)
    {
        for (int n = 0; n < shape.N; n++)
        for (int o = 0; o < shape.Out; o++)
        {
            double sum = b.IsEmpty ? 0 : b[o];
            for (int i = 0; i < shape.In; i++) sum += (double)x[n * shape.In + i] * w[i * shape.Out + o];
            y[n * shape.Out + o] = (float)activation.Reference(sum);
        }
    }
}
