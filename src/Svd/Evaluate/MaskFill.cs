using Engine.Svd.FrontEnd;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>What a detector is shown in place of bins that are taken away.</summary>
public enum MaskFill
{
    /// <summary>Zero in the normalised input, the band's mean: the paper's case M1.</summary>
    Zero,

    /// <summary>A zero from before normalisation, −mean/std of the band: the paper's case M2.</summary>
    M2,

    /// <summary>The excerpt itself, blurred: a Gaussian of <see cref="MaskFills.BlurDeviation"/> bins in time and frequency.</summary>
    Blur,
}

/// <summary>What goes for all ways of filling.</summary>
public static class MaskFills
{
    /// <summary>Standard deviation of the blur in bins: 0.14 s; wide enough that no note or syllable can be told apart.</summary>
    public const int BlurDeviation = 10;

    private static readonly float[] _kernel =
        [.. Enumerable.Range(-3 * BlurDeviation, 6 * BlurDeviation + 1).Select(d => MathF.Exp(-0.5f * d * d / (BlurDeviation * BlurDeviation)))];

    /// <summary>Every way, in the order of the enumeration.</summary>
    public static IReadOnlyList<MaskFill> All { get; } = Enum.GetValues<MaskFill>();

    /// <summary>What the command line and files call it.</summary>
    public static string Name(this MaskFill fill) => fill switch
    {
        MaskFill.Zero => "zero",
        MaskFill.M2 => "m2",
        MaskFill.Blur => "blur",
        _ => throw new ArgumentOutOfRangeException(nameof(fill)),
    };

    /// <summary>Overwrites what stands in for each bin of an excerpt, 115×80, normalised.</summary>
    public static void Of(MaskFill fill, ReadOnlySpan<float> excerpt, BandStatistics statistics, Span<float> destination)
    {
        switch (fill)
        {
            case MaskFill.Zero:
                destination.Clear();
                break;
            case MaskFill.M2:
                for (int i = 0; i < ExcerptLength; i++) destination[i] = (float)(-statistics.Mean[i % Bands] / statistics.Std[i % Bands]);
                break;
            default:
                float[] rows = new float[ExcerptLength];
                for (int frame = 0; frame < ExcerptFrames; frame++) Blur(excerpt, rows, frame * Bands, 1, Bands);
                for (int band = 0; band < Bands; band++) Blur(rows, destination, band, Bands, ExcerptFrames);
                break;
        }
    }

    // A line of values, step apart. At its ends the weights that are left sum to one again.
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

/// <summary>Who judges a mask, and what stands in place of the bins that are taken away.</summary>
/// <param name="Judge">0 for the detector that is explained, 1 for a second one.</param>
/// <param name="Fill">The filling.</param>
public readonly record struct MaskQuestion(int Judge, MaskFill Fill)
{
    /// <summary>What files call the judge.</summary>
    public string JudgeName => Judge == 0 ? "itself" : "another";

    /// <summary>For tables.</summary>
    public override string ToString() => $"judged by {(Judge == 0 ? "the detector itself" : "another detector")}, filled with {Fill.Name()}";
}
