namespace Engine.Svd.Predict;

/// <summary>Tunes the class threshold: frames with at least this probability count as singing.</summary>
public static class ClassThreshold
{
    /// <summary>
    /// The threshold in [0, 1] with the fewest errors, if frames with at least this probability count as singing. Such thresholds fill intervals between
    /// probabilities; this is the middle of the longest interval, or of the lowest one if several are equally long.
    /// </summary>
    /// <param name="probabilities">In [0, 1], smoothed as for the use of the threshold; frames of any number of songs.</param>
    /// <param name="labels">One per probability: 1 if sung, else 0.</param>
    /// <exception cref="ArgumentException">There are no frames, or the numbers of probabilities and labels differ.</exception>
    public static double Tune(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels)
    {
        if (probabilities.IsEmpty || probabilities.Length != labels.Length)
        {
            throw new ArgumentException($"{probabilities.Length} probabilities with {labels.Length} labels");
        }

        float[] sorted = probabilities.ToArray(), sung = labels.ToArray();
        Array.Sort(sorted, sung);

        // At threshold 0 all frames count as singing. As it rises past a probability, the frames with that probability change sides. It never rises past 1.
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
