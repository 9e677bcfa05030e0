namespace Engine.Kernels.Tests;

/// <summary>
/// Gradients of the reference forms against central differences of the reference forward: the loss is Σ y·r for a random r, whose gradient with
/// respect to y is r.
/// </summary>
internal static class FiniteDifference
{
    /// <summary>
    /// What a step of 2⁻⁴ to 2⁻⁶ allows: the forward's outputs are rounded to float32, 2⁻²⁴ of terms that the difference divides by the step; and the
    /// third derivative times the square of the step, where there is one. Scale: the largest element of the gradient.
    /// </summary>
    private const double Relative = 2e-3;

    /// <summary>
    /// Asserts that the gradient of Σ forward(inputs)·r with respect to one input is what <paramref name="backward"/> says.
    /// </summary>
    /// <param name="forward">The forward; of its outputs the first as many count as <paramref name="r"/> has.</param>
    /// <param name="inputs">Where the gradient is taken.</param>
    /// <param name="which">Which input it is taken with respect to.</param>
    /// <param name="r">The gradient with respect to the output.</param>
    /// <param name="backward">The gradient under test.</param>
    /// <param name="step">How far the input is moved to either side.</param>
    public static void AssertGradient(OpCase forward, float[][] inputs, int which, float[] r, ReadOnlySpan<float> backward, float step)
    {
        float[][] moved = [.. inputs.Select(input => (float[])input.Clone())];
        double[] expected = new double[inputs[which].Length];
        using IBackend reference = Backends.CreateReference();
        for (int i = 0; i < expected.Length; i++)
        {
            float up = inputs[which][i] + step, down = inputs[which][i] - step;
            moved[which][i] = up;
            float[] above = forward.Run(reference, moved);
            moved[which][i] = down;
            float[] below = forward.Run(reference, moved);
            moved[which][i] = inputs[which][i];

            // Differences first: what did not move cancels exactly.
            for (int j = 0; j < r.Length; j++) expected[i] += ((double)above[j] - below[j]) * r[j];
            expected[i] /= (double)up - down;
        }

        Assert.Equal(expected.Length, backward.Length);
        double scale = expected.Max(Math.Abs);
        Assert.True(scale > 0.01, $"{forward}: the gradient with respect to input {which} is too small to be checked");
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs(expected[i] - backward[i]);
            Assert.True(
                error <= Relative * scale,
                $"{forward}: gradient {i} with respect to input {which}: expected {expected[i]:g9}, got {backward[i]:g9}, "
                + $"off by {error / scale:g3} of the largest");
        }
    }
}
