namespace Engine.Svd.Predict;

/// <summary>How well frames are told apart into sung and not sung. A ratio without a denominator is null, as precision is where nothing was found.</summary>
/// <param name="TruePositives">Sung frames that count as singing.</param>
/// <param name="FalsePositives">Frames that count as singing and are not sung.</param>
/// <param name="TrueNegatives">Frames that are not sung and do not count as singing.</param>
/// <param name="FalseNegatives">Sung frames that do not count as singing.</param>
/// <param name="RocArea">
/// The area under the receiver operating characteristic: the probability that of a sung and another frame the sung one is the more probable, a tie counting
/// one half. It does not depend on the threshold.
/// </param>
public sealed record DetectionScores(int TruePositives, int FalsePositives, int TrueNegatives, int FalseNegatives, double? RocArea)
{
    /// <summary>The threshold with the fewest errors on these very frames, <see cref="ClassThreshold.Tune"/>; null without frames.</summary>
    public double? BestThreshold { get; private init; }

    /// <summary>The error at that threshold: no other choice of one could have made it smaller.</summary>
    public double? BestError { get; private init; }

    /// <summary>
    /// The mean squared distance between probability and label (Brier, 1950): 0 where each frame is certain and right, 0.25 where all are called 0.5.
    /// </summary>
    public double? BrierScore { get; private init; }

    /// <inheritdoc cref="ReliabilityCurve.CalibrationError"/>
    public double? CalibrationError { get; private init; }

    /// <summary>All frames.</summary>
    public int Frames => TruePositives + FalsePositives + TrueNegatives + FalseNegatives;

    /// <summary>Frames on the wrong side / all frames.</summary>
    public double? Error => Ratio(FalsePositives + FalseNegatives, Frames);

    /// <summary>Of the frames that count as singing those that are sung.</summary>
    public double? Precision => Ratio(TruePositives, TruePositives + FalsePositives);

    /// <summary>Of the sung frames those that count as singing; also called sensitivity.</summary>
    public double? Recall => Ratio(TruePositives, TruePositives + FalseNegatives);

    /// <summary>Of the frames that are not sung those that do not count as singing.</summary>
    public double? Specificity => Ratio(TrueNegatives, TrueNegatives + FalsePositives);

    /// <summary>The harmonic mean of precision and recall, 2·TP / (2·TP + FP + FN).</summary>
    public double? F1 => Ratio(2 * TruePositives, 2 * TruePositives + FalsePositives + FalseNegatives);

    /// <summary>Scores frames of any number of songs, taken together.</summary>
    /// <param name="probabilities">Smoothed as the scores are meant to be.</param>
    /// <param name="labels">As many, 1 where it is sung and 0 elsewhere.</param>
    /// <param name="threshold">A frame counts as singing where its probability is at least this.</param>
    /// <exception cref="ArgumentException">There are not as many labels.</exception>
    public static DetectionScores Of(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels, double threshold)
    {
        if (probabilities.Length != labels.Length) throw new ArgumentException($"{probabilities.Length} probabilities with {labels.Length} labels");
        DetectionScores scores = Count(probabilities, labels, threshold);
        if (labels.IsEmpty) return scores;
        double best = ClassThreshold.Tune(probabilities, labels);
        return scores with
        {
            RocArea = AreaUnderRoc(probabilities, labels), BestThreshold = best, BestError = Count(probabilities, labels, best).Error,
            BrierScore = Brier(probabilities, labels), CalibrationError = ReliabilityCurve.Of(probabilities, labels).CalibrationError,
        };
    }

    /// <summary>The scores of all frames together as far as counts decide them; the others are null.</summary>
    public static DetectionScores Sum(IReadOnlyCollection<DetectionScores> parts) => new(
        parts.Sum(part => part.TruePositives), parts.Sum(part => part.FalsePositives), parts.Sum(part => part.TrueNegatives),
        parts.Sum(part => part.FalseNegatives), RocArea: null);

    private static DetectionScores Count(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels, double threshold)
    {
        int truePositives = 0, falsePositives = 0, trueNegatives = 0, falseNegatives = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            bool found = probabilities[i] >= threshold, sung = labels[i] > 0;
            if (found && sung) truePositives++;
            else if (found) falsePositives++;
            else if (sung) falseNegatives++;
            else trueNegatives++;
        }

        return new DetectionScores(truePositives, falsePositives, trueNegatives, falseNegatives, RocArea: null);
    }

    private static double Brier(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels)
    {
        double sum = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            double distance = (double)probabilities[i] - (labels[i] > 0 ? 1 : 0);
            sum += distance * distance;
        }

        return sum / labels.Length;
    }

    // Counts pairs of a sung and another frame in halves, two for a right order and one for a tie, from the least probable frames up.
    private static double? AreaUnderRoc(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels)
    {
        float[] sorted = probabilities.ToArray(), sung = labels.ToArray();
        Array.Sort(sorted, sung);
        long halves = 0, positives = 0, negatives = 0;
        for (int i = 0; i < sorted.Length;)
        {
            float value = sorted[i];
            long tiedPositives = 0, tiedNegatives = 0;
            for (; i < sorted.Length && sorted[i] == value; i++)
            {
                if (sung[i] > 0) tiedPositives++;
                else tiedNegatives++;
            }

            halves += tiedPositives * (2 * negatives + tiedNegatives);
            positives += tiedPositives;
            negatives += tiedNegatives;
        }

        return positives == 0 || negatives == 0 ? null : halves / (2.0 * positives * negatives);
    }

    private static double? Ratio(int part, int whole) => whole == 0 ? null : (double)part / whole;
}
