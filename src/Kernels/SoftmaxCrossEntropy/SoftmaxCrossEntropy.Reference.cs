namespace Engine.Kernels;

/// <summary>
/// The cross-entropy of a softmax and targets, and its gradient. The largest logit of a row is subtracted first, so that no exponential overflows.
/// </summary>
internal static partial class SoftmaxCrossEntropy
{
    /// <summary>The definition, in double precision.</summary>
    public static float Reference(int rows, ReadOnlySpan<float> logits, ReadOnlySpan<float> target, float weight)
    {
        int classes = logits.Length / rows;
        double loss = 0;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> z = logits.Slice(row * classes, classes), t = target.Slice(row * classes, classes);
            double largest = Largest(z), logarithm = Math.Log(SumOfExponentials(z, largest));
            for (int c = 0; c < classes; c++) loss += t[c] * (logarithm - (z[c] - largest));
        }

        return (float)(weight * loss / rows);
    }

    /// <summary>The definition of the gradient, in double precision. Overwrites dlogits.</summary>
    public static void BackwardReference(int rows, ReadOnlySpan<float> logits, ReadOnlySpan<float> target, float weight, Span<float> dlogits)
    {
        int classes = logits.Length / rows;
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> z = logits.Slice(row * classes, classes), t = target.Slice(row * classes, classes);
            double largest = Largest(z), sum = SumOfExponentials(z, largest), total = 0;
            foreach (float value in t) total += value;
            for (int c = 0; c < classes; c++)
            {
                dlogits[row * classes + c] = (float)((double)weight / rows * (Math.Exp(z[c] - largest) / sum * total - t[c]));
            }
        }
    }

    // NaN if one is.
    private static double Largest(ReadOnlySpan<float> z)
    {
        double largest = double.NegativeInfinity;
        foreach (float value in z) largest = Math.Max(largest, value);
        return largest;
    }

    private static double SumOfExponentials(ReadOnlySpan<float> z, double largest)
    {
        double sum = 0;
        foreach (float value in z) sum += Math.Exp(value - largest);
        return sum;
    }
}
