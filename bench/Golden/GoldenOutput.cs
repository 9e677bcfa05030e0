namespace Engine.Bench.Golden;

/// <summary>How far an output is off.</summary>
/// <param name="Absolute">The largest error.</param>
/// <param name="Relative">That error relative to the output's largest absolute value.</param>
/// <param name="Tolerance">The largest relative error that is allowed.</param>
internal readonly record struct GoldenError(double Absolute, double Relative, double Tolerance)
{
    /// <summary>The part of the tolerance that is used up; above 1 it is exceeded, as it is by any NaN.</summary>
    public double Used => Relative == 0 ? 0 : Relative / Tolerance;

    /// <summary>The one that uses up more of its tolerance.</summary>
    public static GoldenError Worse(GoldenError a, GoldenError b) => b.Used > a.Used ? b : a;
}

/// <summary>An output that a case expects: all its values or, of a large one, some of them and the sums of equally long blocks.</summary>
/// <param name="Name">The operand, or what a network's output is called.</param>
/// <param name="Length">How many values there are.</param>
/// <param name="Largest">The largest absolute value.</param>
/// <param name="Tolerance">The largest error that is allowed, relative to the largest value.</param>
/// <param name="Places">Which values are known; null if all are.</param>
/// <param name="Values">The known values.</param>
/// <param name="BlockSums">The sums of equal blocks that cover the output; empty if all values are known.</param>
internal sealed record GoldenOutput(
    string Name, int Length, double Largest, double Tolerance, int[]? Places, double[] Values, double[] BlockSums)
{
    /// <summary>Compares. A block counts by its mean, whose errors are at most the values'.</summary>
    public GoldenError ErrorOf(ReadOnlySpan<float> actual)
    {
        double worst = 0;
        for (int i = 0; i < Values.Length; i++) worst = Larger(worst, actual[Places?[i] ?? i] - Values[i]);
        int block = BlockSums.Length == 0 ? 0 : Length / BlockSums.Length;
        for (int i = 0; i < BlockSums.Length; i++)
        {
            double sum = 0;
            foreach (float value in actual.Slice(i * block, block)) sum += value;
            worst = Larger(worst, (sum - BlockSums[i]) / block);
        }

        return new GoldenError(worst, worst == 0 ? 0 : Largest == 0 ? double.PositiveInfinity : worst / Largest, Tolerance);
    }

    private static double Larger(double worst, double error) => Math.Max(worst, double.IsNaN(error) ? double.PositiveInfinity : Math.Abs(error));
}
