namespace Engine.Svd.Predict;

/// <summary>
/// Makes probabilities mean what they say: p' = σ(logit(p) / T + c), with the temperature T (Guo et al., ICML 2017) and an offset c, which together are Platt's
/// scaling (1999). It leaves the order of frames as it is, and so the ROC curve and the fewest errors that a threshold can make.
/// </summary>
/// <param name="Temperature">Above 1 the probabilities were too sure.</param>
/// <param name="Offset">Added to the logit.</param>
public sealed record Calibration(double Temperature, double Offset)
{
    // What float32 still tells from 0 and 1.
    private const double Smallest = 1e-7;

    private const int MostSteps = 100;

    /// <summary>Changes nothing.</summary>
    public static Calibration None { get; } = new(1, 0);

    /// <summary>A probability, calibrated.</summary>
    public double Apply(double probability) => Sigmoid(Logit(probability) / Temperature + Offset);

    /// <summary>
    /// The calibration under which labels are most likely: Newton's method on the logistic regression of the labels on the logits. As Platt has it, the targets
    /// are (S + 1)/(S + 2) and 1/(N + 2) in place of 1 and 0, S and N being the sung frames and the others: so there is a best one even where all are right.
    /// </summary>
    /// <param name="probabilities">Of any number of frames, smoothed as they will be where the calibrated ones are used.</param>
    /// <param name="labels">As many, 1 where it is sung and 0 elsewhere.</param>
    /// <returns>Null where it cannot be told: without sung frames, without others, with probabilities all alike, or if the sung are not the more probable.</returns>
    /// <exception cref="ArgumentException">There are not as many labels.</exception>
    public static Calibration? Fit(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels)
    {
        if (probabilities.Length != labels.Length) throw new ArgumentException($"{probabilities.Length} probabilities with {labels.Length} labels");
        double[] logits = new double[labels.Length];
        int sung = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            logits[i] = Logit(probabilities[i]);
            if (labels[i] > 0) sung++;
        }

        int other = logits.Length - sung;
        if (sung == 0 || other == 0) return null;
        double sungTarget = (sung + 1.0) / (sung + 2), otherTarget = 1.0 / (other + 2);
        double slope = 1, offset = 0, loss = Loss(slope, offset, labels);
        for (int step = 0; step < MostSteps; step++)
        {
            (double slopeStep, double offsetStep) = NewtonStep(slope, offset, labels);
            if (!double.IsFinite(slopeStep) || !double.IsFinite(offsetStep)) return null;

            // The loss is convex, but far from its minimum a whole step can overshoot it.
            double next, share = 1;
            while ((next = Loss(slope + share * slopeStep, offset + share * offsetStep, labels)) > loss && share > 1e-6) share /= 2;
            if (next >= loss) break;
            (slope, offset, loss) = (slope + share * slopeStep, offset + share * offsetStep, next);
        }

        return slope > 0 ? new Calibration(1 / slope, offset) : null;

        double Loss(double a, double b, ReadOnlySpan<float> of)
        {
            double sum = 0;
            for (int i = 0; i < logits.Length; i++)
            {
                // ln(1 + eˣ) without overflow, less target · x.
                double x = a * logits[i] + b;
                sum += Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x))) - Target(of[i]) * x;
            }

            return sum;
        }

        (double Slope, double Offset) NewtonStep(double a, double b, ReadOnlySpan<float> of)
        {
            double ga = 0, gb = 0, haa = 0, hab = 0, hbb = 0;
            for (int i = 0; i < logits.Length; i++)
            {
                double p = Sigmoid(a * logits[i] + b), error = p - Target(of[i]), curvature = p * (1 - p);
                ga += error * logits[i];
                gb += error;
                haa += curvature * logits[i] * logits[i];
                hab += curvature * logits[i];
                hbb += curvature;
            }

            double determinant = haa * hbb - hab * hab;
            return (-(hbb * ga - hab * gb) / determinant, -(haa * gb - hab * ga) / determinant);
        }

        double Target(float label) => label > 0 ? sungTarget : otherTarget;
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double Logit(double probability)
    {
        double p = Math.Clamp(probability, Smallest, 1 - Smallest);
        return Math.Log(p / (1 - p));
    }
}
