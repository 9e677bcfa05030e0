namespace Engine.Kernels;

/// <summary>The mean squared error: loss = weight·Σ(x − t)²/n over n elements, and its gradient.</summary>
internal static partial class MeanSquaredError
{
    /// <summary>The definition, in double precision.</summary>
    public static float Reference(ReadOnlySpan<float> x, ReadOnlySpan<float> target, float weight)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++) sum += ((double)x[i] - target[i]) * ((double)x[i] - target[i]);
        return (float)(weight * sum / x.Length);
    }

    /// <summary>The definition of the gradient, dx = 2·weight·(x − t)/n, in double precision. Overwrites dx.</summary>
    public static void BackwardReference(ReadOnlySpan<float> x, ReadOnlySpan<float> target, Span<float> dx, float weight)
    {
        for (int i = 0; i < x.Length; i++) dx[i] = (float)(2 * weight * ((double)x[i] - target[i]) / x.Length);
    }
}
