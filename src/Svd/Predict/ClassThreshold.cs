namespace Engine.Svd.Predict;

/// <summary>From which probability on a frame counts as singing.</summary>
public static class ClassThreshold
{
    /// <summary>
    /// The threshold in [0, 1] with the fewest errors, a frame counting as singing where its probability is at least the threshold. Such thresholds fill
    /// intervals between probabilities: it is the middle of the longest one, of the lowest where several are equally long.
    /// </summary>
    /// <param name="probabilities">In [0, 1], smoothed as they will be where the threshold is used; frames of any number of songs.</param>
    /// <param name="labels">As many, 1 where it is sung and 0 elsewhere.</param>
    /// <exception cref="ArgumentException">There are no frames, or not as many labels.</exception>
    public static double Tune(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels)
    {
        if (probabilities.IsEmpty || probabilities.Length != labels.Length)
        {
            throw new ArgumentException($"{probabilities.Length} probabilities with {labels.Length} labels");
        }

        float[] sorted = probabilities.ToArray(), sung = labels.ToArray();
        Array.Sort(sorted, sung);

        // At threshold 0 all frames count as singing; as it rises past a probability, the frames that have it change sides. Nothing rises past 1.
        Interval current = new(0, sorted[0], sung.Count(label => label == 0)), best = current;
        for (int i = 0; i < sorted.Length && sorted[i] < 1;)
        {
            float passed = sorted[i];
            int errors = current.Errors;
            for (; i < sorted.Length && sorted[i] == passed; i++) errors += sung[i] > 0 ? 1 : -1;
            float next = i < sorted.Length ? sorted[i] : 1;
            current = errors == current.Errors ? current with { To = next } : new Interval(passed, next, errors);
            if (current.Errors < best.Errors || (current.Errors == best.Errors && current.Length > best.Length)) best = current;
        }

        return best.From + best.Length / 2;
    }

    private readonly record struct Interval(double From, double To, int Errors)
    {
        public double Length => To - From;
    }
}
