namespace Engine.Kernels.Tests;

/// <summary>Comparison of arrays of floats, whose failures say how far off, where, and both values.</summary>
internal static class Compare
{
    /// <summary>
    /// Asserts |actual − expected| ≤ tolerance · max(|expected|, scale), element by element; an empty scale is zero. Equal values,
    /// infinities and signed zeros included, always pass; a NaN passes only for a NaN.
    /// </summary>
    public static void Close(
        ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, Tolerance tolerance,
        ReadOnlySpan<float> scale = default, string what = "")
    {
        Assert.Equal(expected.Length, actual.Length);
        int worst = -1;
        double maxAbs = 0, maxRel = 0, worstExcess = 1;
        for (int i = 0; i < expected.Length; i++)
        {
            if (expected[i] == actual[i] || (float.IsNaN(expected[i]) && float.IsNaN(actual[i]))) continue;
            double error = Math.Abs((double)actual[i] - expected[i]);
            double excess = error / (tolerance.Relative * Math.Max(Math.Abs(expected[i]), scale.IsEmpty ? 0 : scale[i]));
            if (double.IsNaN(error)) error = excess = double.PositiveInfinity;
            maxAbs = Math.Max(maxAbs, error);
            maxRel = Math.Max(maxRel, error / Math.Abs(expected[i]));
            if (excess <= worstExcess) continue;
            (worst, worstExcess) = (i, excess);
        }

        if (worst < 0) return;
        Assert.Fail(
            $"{what}: max abs {maxAbs:g3}, max rel {maxRel:g3}; worst at {worst} of {expected.Length}: expected {expected[worst]:g9}, "
            + $"got {actual[worst]:g9}, {worstExcess:g3} times the tolerance");
    }

    /// <summary>Asserts that two arrays have the same bits.</summary>
    public static void SameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(actual[i])) continue;
            Assert.Fail($"{what}: bits differ first at {i} of {expected.Length}: expected {expected[i]:g9}, got {actual[i]:g9}");
        }
    }

    /// <summary>The distance of a float32 result from the exact value, in units in the last place of float32 there.</summary>
    public static double Ulps(double exact, float actual)
    {
        const int SmallestExponent = -126, MantissaBits = 23;
        double unit = Math.ScaleB(1, Math.Max(exact == 0 ? SmallestExponent : Math.ILogB(exact), SmallestExponent) - MantissaBits);
        return Math.Abs(actual - exact) / unit;
    }
}
