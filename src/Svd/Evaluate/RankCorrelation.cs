namespace Engine.Svd.Evaluate;

/// <summary>Spearman's rank correlation.</summary>
internal static class RankCorrelation
{
    /// <summary>The ranks of values, from 0 on; equal values share the mean of their ranks.</summary>
    public static double[] RanksOf(ReadOnlySpan<float> values)
    {
        float[] sorted = values.ToArray();
        int[] places = [.. Enumerable.Range(0, sorted.Length)];
        Array.Sort(sorted, places);
        double[] ranks = new double[sorted.Length];
        for (int first = 0, end; first < sorted.Length; first = end)
        {
            for (end = first + 1; end < sorted.Length && sorted[end] == sorted[first];) end++;
            for (int i = first; i < end; i++) ranks[places[i]] = (first + end - 1) / 2.0;
        }

        return ranks;
    }

    /// <summary>The correlation of two lists of ranks: 1 for the same order, −1 for the opposite, and 0 if either has no order at all.</summary>
    public static double Of(double[] ranks, double[] others)
    {
        double mean = (ranks.Length - 1) / 2.0, product = 0, square = 0, otherSquare = 0;
        for (int i = 0; i < ranks.Length; i++)
        {
            (double a, double b) = (ranks[i] - mean, others[i] - mean);
            product += a * b;
            square += a * a;
            otherSquare += b * b;
        }

        return square > 0 && otherSquare > 0 ? product / Math.Sqrt(square * otherSquare) : 0;
    }
}
