namespace Engine.Svd.Predict;

/// <summary>
/// Calibrates probabilities: p' = σ(logit(p) / T + c), with the temperature T (Guo et al., ICML 2017) and an offset c, which together are Platt's scaling
/// (1999). It does not change the order of frames, so the ROC curve and the smallest error of any threshold stay the same.
/// </summary>
/// <param name="Temperature">The divisor of the logit; above 1 if the probabilities were overconfident.</param>
/// <param name="Offset">The offset that is added to the logit.</param>
public sealed record Calibration(double Temperature, double Offset)
{
    // Probabilities closer to 0 or 1 are not distinct in float32.
    private const double Smallest = 1e-7;

    private const int MostSteps = 100;

    /// <summary>Changes nothing.</summary>
    public static Calibration None { get; } = new(1, 0);

    /// <summary>A probability, calibrated.</summary>
    public double Apply(double probability) => Sigmoid(Logit(probability) / Temperature + Offset);

    /// <summary>
    /// The calibration under which the labels are most likely, found with Newton's method for the logistic regression of the labels on the logits. As in
    /// Platt's paper, the targets are (S + 1)/(S + 2) and 1/(N + 2) instead of 1 and 0, for S sung frames and N others, so an optimum exists even if all are
    /// right.
    /// </summary>
    /// <param name="probabilities">The probabilities of any number of frames, smoothed as for the use of the calibrated ones.</param>
    /// <param name="labels">One per probability: 1 if sung, else 0.</param>
    /// <returns>
    /// The calibration; null if all or no frames are sung, if all probabilities are equal, or if sung frames are not the more probable ones.
    /// </returns>
    /// <exception cref="ArgumentException">The numbers of probabilities and labels differ.</exception>
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
                // ln(1 + eˣ) − target · x without overflow.
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
