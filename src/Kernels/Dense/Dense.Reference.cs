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

    /// <summary>The definition of the gradient with respect to the input, summed in double precision. Overwrites dx.</summary>
    public static void BackwardDataReference(in DenseShape shape, ReadOnlySpan<float> dy, ReadOnlySpan<float> w, Span<float> dx)
    {
        for (int n = 0; n < shape.N; n++)
        for (int i = 0; i < shape.In; i++)
        {
            double sum = 0;
            for (int o = 0; o < shape.Out; o++) sum += (double)dy[n * shape.Out + o] * w[i * shape.Out + o];
            dx[n * shape.In + i] = (float)sum;
        }
    }

    /// <summary>
    /// The definition of the gradients with respect to the weights and, unless db is empty, the bias, summed in double precision. Overwrites both.
    /// </summary>
    public static void BackwardFilterReference(in DenseShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dw, Span<float> db)
    {
        for (int i = 0; i < shape.In; i++)
        for (int o = 0; o < shape.Out; o++)
        {
            double sum = 0;
            for (int n = 0; n < shape.N; n++) sum += (double)x[n * shape.In + i] * dy[n * shape.Out + o];
            dw[i * shape.Out + o] = (float)sum;
        }

        for (int o = 0; o < db.Length; o++)
        {
            double sum = 0;
            for (int n = 0; n < shape.N; n++) sum += dy[n * shape.Out + o];
            db[o] = (float)sum;
        }
    }
}
