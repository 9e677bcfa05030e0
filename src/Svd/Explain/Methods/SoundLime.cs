using Engine.Nn;
using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain.Methods;

/// <summary>
/// SoundLIME (Mishra, Sturm and Dixon, ISMIR 2017) over time-frequency segments. The excerpt is cut into 6 × 4 rectangles, as in the published code. In each
/// copy, a rectangle is on or off (zero) with equal chance. A linear model of the logit is fitted to the on/off vectors, with ridge penalty 1 and weights
/// √exp(−d²/0.25²), where d is the cosine distance to all on. A bin's importance is its segment's coefficient, counted towards the prediction.
/// </summary>
/// <remarks>
/// The published code fits the probability, which hardly moves if the detector is certain, and draws 1000 copies; 24 coefficients need fewer.
/// </remarks>
internal sealed class SoundLime(IDetector detector, ulong seed, int copies = 256, double ridge = 1) : IExplanationMethod
{
    private const int TimeSegments = 6;
    private const int FrequencySegments = 4;
    private const int Segments = TimeSegments * FrequencySegments;
    private const double KernelWidth = 0.25;

    // The last segment in time takes the remaining frames.
    private static readonly int[] _segmentOf =
        [.. Enumerable.Range(0, ExcerptLength).Select(i => SegmentOf(i / Bands, i % Bands))];

    public string Name => "soundlime";

    public int Passes => copies;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        bool[] on = new bool[copies * Segments];
        float[] variants = new float[copies * ExcerptLength], logits = new float[copies];
        double[] weights = new double[copies];
        for (int n = 0; n < batch.Count; n++)
        {
            Draw(RandomStream.Of(seed, Name, batch.First + n), on);
            for (int copy = 0; copy < copies; copy++)
            {
                ReadOnlySpan<bool> switches = on.AsSpan(copy * Segments, Segments);
                for (int i = 0; i < ExcerptLength; i++) variants[copy * ExcerptLength + i] = switches[_segmentOf[i]] ? batch[n][i] : 0;

                // The cosine of the angle between a vector of ones and zeros and all ones is √(share of ones).
                double distance = 1 - Math.Sqrt((double)switches.Count(true) / Segments);
                weights[copy] = Math.Sqrt(Math.Exp(-distance * distance / (KernelWidth * KernelWidth)));
            }

            detector.Logits(variants, logits);
            double[] coefficients = RidgeRegression.Fit(on, weights, logits, ridge);
            for (int i = 0; i < ExcerptLength; i++)
                importance[n * ExcerptLength + i] = (float)coefficients[_segmentOf[i]] * batch.Towards(n);
        }
    }

    /// <summary>The segment of a bin.</summary>
    internal static int SegmentOf(int frame, int band) =>
        Math.Min(frame / (ExcerptFrames / TimeSegments), TimeSegments - 1) * FrequencySegments + band / (Bands / FrequencySegments);

    // The first copy is the excerpt itself, as published.
    private static void Draw(RandomSource random, Span<bool> on)
    {
        for (int i = 0; i < on.Length; i++) on[i] = i < Segments || random.NextInt(2) == 1;
    }
}
