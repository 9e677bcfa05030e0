namespace Engine.Svd.Predict;

/// <summary>How well frames are classified as sung or not. A ratio with a zero denominator is null, such as precision if no frame counts as singing.</summary>
/// <param name="TruePositives">Sung frames that count as singing.</param>
/// <param name="FalsePositives">Frames that count as singing and are not sung.</param>
/// <param name="TrueNegatives">Frames that are not sung and do not count as singing.</param>
/// <param name="FalseNegatives">Sung frames that do not count as singing.</param>
/// <param name="RocArea">
/// The area under the receiver operating characteristic: the probability that a sung frame gets a higher probability than another frame; a tie counts one
/// half. It does not depend on the threshold.
/// </param>
public sealed record DetectionScores(int TruePositives, int FalsePositives, int TrueNegatives, int FalseNegatives, double? RocArea)
{
    /// <summary>The threshold with the fewest errors on these frames, <see cref="ClassThreshold.Tune"/>; null without frames.</summary>
    public double? BestThreshold { get; private init; }

    /// <summary>The error at that threshold, the smallest possible one.</summary>
    public double? BestError { get; private init; }

    /// <summary>
    /// The mean squared distance between probability and label (Brier, 1950): 0 if every frame is certain and right, 0.25 if all have 0.5.
    /// </summary>
    public double? BrierScore { get; private init; }

    /// <inheritdoc cref="ReliabilityCurve.CalibrationError"/>
    public double? CalibrationError { get; private init; }

    /// <summary>The number of frames.</summary>
    public int Frames => TruePositives + FalsePositives + TrueNegatives + FalseNegatives;

    /// <summary>Wrong frames / all frames.</summary>
    public double? Error => Ratio(FalsePositives + FalseNegatives, Frames);

    /// <summary>The share of the frames that count as singing that are sung.</summary>
    public double? Precision => Ratio(TruePositives, TruePositives + FalsePositives);

    /// <summary>The share of the sung frames that count as singing; also called sensitivity.</summary>
    public double? Recall => Ratio(TruePositives, TruePositives + FalseNegatives);

    /// <summary>The share of the frames that are not sung that do not count as singing.</summary>
    public double? Specificity => Ratio(TrueNegatives, TrueNegatives + FalsePositives);

    /// <summary>The harmonic mean of precision and recall, 2·TP / (2·TP + FP + FN).</summary>
    public double? F1 => Ratio(2 * TruePositives, 2 * TruePositives + FalsePositives + FalseNegatives);

    /// <summary>Scores frames of any number of songs, taken together.</summary>
    /// <param name="probabilities">The smoothed probabilities.</param>
    /// <param name="labels">One per probability: 1 if sung, else 0.</param>
    /// <param name="threshold">Frames with at least this probability count as singing.</param>
    /// <exception cref="ArgumentException">The numbers of probabilities and labels differ.</exception>
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

    /// <summary>The scores of all frames together that follow from counts; the others are null.</summary>
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

    // Goes up from the least probable frames and counts pairs of a sung and another frame in halves: two for the right order, one for a tie.
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
