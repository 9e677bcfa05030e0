using Engine.Svd.Explain.Methods;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>How the number of bins that a mask keeps is decided.</summary>
public enum MaskRule
{
    /// <summary>A share of all bins.</summary>
    Share,

    /// <summary>The bins whose importance, scaled to [0, 1] by the excerpt's minimum and maximum, reaches a threshold α.</summary>
    Threshold,

    /// <summary>A threshold for each excerpt that separates two groups of bins best (Otsu, IEEE Trans. SMC 1979).</summary>
    Otsu,
}

/// <summary>
/// How many bins a mask keeps. When methods are compared, a threshold applies to the inversion, and every method keeps as many bins as the inversion.
/// </summary>
/// <param name="Value">The share, or the threshold α; 0 if there is neither.</param>
/// <param name="Rule">Which it is.</param>
public readonly record struct MaskSize(double Value, MaskRule Rule)
{
    /// <summary>The name of <see cref="MaskRule.Otsu"/> on the command line and in tables.</summary>
    public const string OtsuName = "otsu";

    /// <summary>The threshold that suits each excerpt.</summary>
    public static MaskSize Otsu { get; } = new(0, MaskRule.Otsu);

    /// <summary>A share of all bins.</summary>
    public static MaskSize Share(double share) => new(share, MaskRule.Share);

    /// <summary>The same threshold α for all excerpts.</summary>
    public static MaskSize Threshold(double alpha) => new(alpha, MaskRule.Threshold);

    /// <summary>The size as tables and figures show it.</summary>
    public override string ToString() => Rule switch
    {
        MaskRule.Share => $"area {Value}", MaskRule.Threshold => $"α {Value}", _ => OtsuName,
    };

    /// <summary>How many bins are kept of an excerpt with this importance (115×80).</summary>
    public int Bins(ReadOnlySpan<float> importance)
    {
        if (Rule == MaskRule.Share) return (int)Math.Round(Value * ExcerptLength);
        float[] mask = new float[ExcerptLength];
        Mask(importance, mask);
        return mask.AsSpan().Count(1);
    }

    /// <summary>Overwrites a mask of 115×80: 1 for the bins that are kept, 0 for the others.</summary>
    public void Mask(ReadOnlySpan<float> importance, Span<float> mask)
    {
        if (Rule == MaskRule.Share)
        {
            ImportanceOrder order = new();
            order.Sort(importance);
            order.Mask(Bins(importance), mask);
            return;
        }

        // Importance without contrast scales to zero everywhere.
        float min = float.PositiveInfinity, max = float.NegativeInfinity;
        foreach (float value in importance) (min, max) = (MathF.Min(min, value), MathF.Max(max, value));
        float range = max - min;
        for (int i = 0; i < importance.Length; i++) mask[i] = range > 0 ? (importance[i] - min) / range : 0;
        double alpha = Rule == MaskRule.Otsu ? OtsusThreshold(mask) : Value;
        for (int i = 0; i < mask.Length; i++) mask[i] = mask[i] >= alpha ? 1 : 0;
    }

    // The value from which on the upper group begins, if the values are split in two so that the variance between the groups is largest: the number of those
    // below · the number of the others · (the difference of their means)². If all values are equal, none is in the upper group.
    private static double OtsusThreshold(ReadOnlySpan<float> values)
    {
        float[] sorted = values.ToArray();
        Array.Sort(sorted);
        double all = 0, below = 0, best = 0, threshold = double.PositiveInfinity;
        foreach (float value in sorted) all += value;
        for (int count = 1; count < sorted.Length; count++)
        {
            below += sorted[count - 1];
            if (sorted[count] == sorted[count - 1]) continue;
            int above = sorted.Length - count;
            double difference = (all - below) / above - below / count, between = (double)count * above * difference * difference;
            if (between > best) (best, threshold) = (between, sorted[count]);
        }

        return threshold;
    }
}
