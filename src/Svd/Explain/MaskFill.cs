using Engine.Svd.FrontEnd;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>What replaces the bins that a detector must not see.</summary>
public enum MaskFill
{
    /// <summary>Zero in the normalised input, the band's mean: the paper's case M1.</summary>
    Zero,

    /// <summary>Zero before normalisation, which becomes −mean/std of the band: the paper's case M2.</summary>
    M2,

    /// <summary>The excerpt itself, blurred: a Gaussian of <see cref="MaskFills.BlurDeviation"/> bins in time and frequency.</summary>
    Blur,
}

/// <summary>The names and the values of the fills.</summary>
public static class MaskFills
{
    /// <summary>Standard deviation of the blur in bins: 0.14 s. It is wide enough to hide notes and syllables.</summary>
    public const int BlurDeviation = 10;

    private static readonly float[] _kernel =
        [.. Enumerable.Range(-3 * BlurDeviation, 6 * BlurDeviation + 1).Select(d => MathF.Exp(-0.5f * d * d / (BlurDeviation * BlurDeviation)))];

    /// <summary>Every fill, in the order of the enumeration.</summary>
    public static IReadOnlyList<MaskFill> All { get; } = Enum.GetValues<MaskFill>();

    /// <summary>The fill's name on the command line and in files.</summary>
    public static string Name(this MaskFill fill) => fill switch
    {
        MaskFill.Zero => "zero",
        MaskFill.M2 => "m2",
        MaskFill.Blur => "blur",
        _ => throw new ArgumentOutOfRangeException(nameof(fill)),
    };

    /// <summary>What replaces each bin of a normalised excerpt: 115×80 numbers, or none for zero.</summary>
    public static float[] Of(MaskFill fill, ReadOnlySpan<float> excerpt, BandStatistics statistics)
    {
        if (fill == MaskFill.Zero) return [];
        float[] filling = new float[ExcerptLength];
        if (fill == MaskFill.M2)
        {
            for (int i = 0; i < ExcerptLength; i++) filling[i] = (float)(-statistics.Mean[i % Bands] / statistics.Std[i % Bands]);
            return filling;
        }

        float[] rows = new float[ExcerptLength];
        for (int frame = 0; frame < ExcerptFrames; frame++) Blur(excerpt, rows, frame * Bands, 1, Bands);
        for (int band = 0; band < Bands; band++) Blur(rows, filling, band, Bands, ExcerptFrames);
        return filling;
    }

    // Blurs a line of values with a distance of step between them. Near the ends, the weights inside are scaled to sum to one.
    private static void Blur(ReadOnlySpan<float> source, Span<float> destination, int start, int step, int length)
    {
        const int reach = 3 * BlurDeviation;
        for (int i = 0; i < length; i++)
        {
            float sum = 0, weights = 0;
            for (int j = Math.Max(0, i - reach); j <= Math.Min(length - 1, i + reach); j++)
            {
                float weight = _kernel[j - i + reach];
                sum += weight * source[start + j * step];
                weights += weight;
            }

            destination[start + i * step] = sum / weights;
        }
    }
}
