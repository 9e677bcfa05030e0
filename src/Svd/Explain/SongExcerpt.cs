using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>One of the explained excerpts of a song.</summary>
/// <param name="StartFrame">Its first frame.</param>
/// <param name="Probability">P(singing).</param>
/// <param name="Methods">What each method says, in the order of <see cref="SongExplainer.Methods"/>.</param>
public sealed record SongExcerpt(long StartFrame, float Probability, IReadOnlyList<ExcerptLevels> Methods);

/// <summary>A method's explanation of an excerpt, by masks of several sizes, each part of the next.</summary>
/// <param name="Levels">115×80 numbers: the first mask that keeps the bin, counted in <see cref="MaskShares.All"/>.</param>
/// <param name="ProbabilityMasked">P(singing) of what the mask of <see cref="MaskShares.Asked"/> keeps; null if the detector was not asked.</param>
public sealed record ExcerptLevels(byte[] Levels, float? ProbabilityMasked);

/// <summary>The shares of the bins that the masks of a song keep.</summary>
public sealed class MaskShares
{
    private static readonly double[] _usual = [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1];
    private readonly int[] _counts;

    /// <summary>The usual shares and the one whose masks the detector is asked about.</summary>
    /// <param name="asked">Above 0 and at most 1.</param>
    public MaskShares(double asked)
    {
        if (asked is not (> 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(asked));
        double[] all = [.. _usual.Append(asked).Distinct().Order()];
        All = all;
        Asked = Array.IndexOf(all, asked);
        _counts = [.. all.Select(share => MaskSize.Share(share).Bins([]))];
    }

    /// <summary>In ascending order; the last is 1.</summary>
    public IReadOnlyList<double> All { get; }

    /// <summary>Which of them is the one that was asked for.</summary>
    public int Asked { get; }

    /// <summary>How many of an excerpt's bins each keeps.</summary>
    public ReadOnlySpan<int> Counts => _counts;

    /// <summary>Overwrites a mask of 115×80 with the asked one: 1 for the bins that are kept, 0 for the others.</summary>
    public void Mask(ReadOnlySpan<byte> levels, Span<float> mask)
    {
        for (int i = 0; i < ExcerptLength; i++) mask[i] = levels[i] <= Asked ? 1 : 0;
    }
}
