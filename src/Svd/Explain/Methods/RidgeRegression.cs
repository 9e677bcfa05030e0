namespace Engine.Svd.Explain.Methods;

/// <summary>
/// Weighted linear regression with an L2 penalty on the coefficients but not on the intercept. It finds the c and c₀ that minimise
/// Σ weight · (target − c₀ − c·x)² + ridge · ‖c‖², where x is a vector of zeros and ones.
/// </summary>
internal static class RidgeRegression
{
    /// <summary>Returns the coefficients, by Cholesky's decomposition of the normal equations of centred data.</summary>
    /// <param name="x">Samples × coefficients.</param>
    /// <param name="weights">One per sample, positive.</param>
    /// <param name="targets">One per sample.</param>
    /// <param name="ridge">The penalty, positive.</param>
    public static double[] Fit(ReadOnlySpan<bool> x, ReadOnlySpan<double> weights, ReadOnlySpan<float> targets, double ridge)
    {
        int samples = weights.Length, size = x.Length / samples;
        double[] mean = new double[size], right = new double[size], row = new double[size];
        double targetMean = 0, total = 0;
        for (int s = 0; s < samples; s++)
        {
            total += weights[s];
            targetMean += weights[s] * targets[s];
            for (int i = 0; i < size; i++) mean[i] += x[s * size + i] ? weights[s] : 0;
        }

        targetMean /= total;
        for (int i = 0; i < size; i++) mean[i] /= total;

        double[,] normal = new double[size, size];
        for (int i = 0; i < size; i++) normal[i, i] = ridge;
        for (int s = 0; s < samples; s++)
        {
            for (int i = 0; i < size; i++) row[i] = (x[s * size + i] ? 1 : 0) - mean[i];
            for (int i = 0; i < size; i++)
            {
                double scaled = weights[s] * row[i];
                right[i] += scaled * (targets[s] - targetMean);
                for (int j = 0; j <= i; j++) normal[i, j] += scaled * row[j];
            }
        }

        SolveInPlace(normal, right);
        return right;
    }

    // Takes the lower triangle of a positive definite matrix and overwrites the right side with the solution.
    private static void SolveInPlace(double[,] a, double[] b)
    {
        int size = b.Length;
        for (int j = 0; j < size; j++)
        {
            for (int i = j; i < size; i++)
            {
                double sum = a[i, j];
                for (int k = 0; k < j; k++) sum -= a[i, k] * a[j, k];
                a[i, j] = i == j ? Math.Sqrt(sum) : sum / a[j, j];
            }
        }

        for (int i = 0; i < size; i++)
        {
            for (int k = 0; k < i; k++) b[i] -= a[i, k] * b[k];
            b[i] /= a[i, i];
        }

        for (int i = size - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < size; k++) b[i] -= a[k, i] * b[k];
            b[i] /= a[i, i];
        }
    }
}
