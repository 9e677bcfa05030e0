namespace Engine.Kernels;

/// <summary>
/// The binary cross-entropy of σ(z) with target t, from the logits z: the weighted mean over n elements of max(z, 0) − z·t + ln(1 + e^−|z|), which neither
/// overflows nor takes the logarithm of a number near 0; and its gradient.
/// </summary>
internal static partial class SigmoidCrossEntropy
{
    /// <summary>The definition, in double precision.</summary>
    public static float Reference(ReadOnlySpan<float> logits, ReadOnlySpan<float> target, float weight)
    {
        double sum = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            double z = logits[i];
            sum += Math.Max(z, 0) - z * target[i] + LogP1(Math.Exp(-Math.Abs(z)));
        }

        return (float)(weight * sum / logits.Length);
    }

    // Kahan's: the divisor has the same error as the rounded 1 + t, so the error cancels. (The runtime's LogP1 is the logarithm of the rounded sum.)
    private static double LogP1(double t)
    {
        double sum = 1 + t;
        return sum == 1 ? t : Math.Log(sum) * (t / (sum - 1));
    }

    /// <summary>The definition of the gradient, dz = weight·(σ(z) − t)/n, in double precision. Overwrites dlogits.</summary>
    public static void BackwardReference(ReadOnlySpan<float> logits, ReadOnlySpan<float> target, Span<float> dlogits, float weight)
    {
        for (int i = 0; i < logits.Length; i++) dlogits[i] = (float)(weight * (default(Sigmoid).Reference(logits[i]) - target[i]) / logits.Length);
    }
}
