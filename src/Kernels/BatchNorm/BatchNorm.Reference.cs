namespace Engine.Kernels;

/// <summary>Batch normalisation; see <see cref="BatchNormShape"/> for the formula.</summary>
internal static partial class BatchNorm
{
    /// <summary>The definition with given statistics (inference), in double precision. Overwrites y, which may be x.</summary>
    public static void InferReference(
        in BatchNormShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> mean, ReadOnlySpan<float> inverseStd,
        ReadOnlySpan<float> gamma, ReadOnlySpan<float> beta, Span<float> y)
    {
        for (int n = 0; n < shape.N; n++)
        for (int c = 0; c < shape.C; c++)
        for (int i = 0; i < shape.Inner; i++)
        {
            int at = (n * shape.C + c) * shape.Inner + i;
            y[at] = (float)(((double)x[at] - mean[c]) * inverseStd[c] * gamma[c] + beta[c]);
        }
    }
}
