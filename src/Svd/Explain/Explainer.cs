using System.Diagnostics;
using Engine.Kernels;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Explain;

/// <summary>
/// The paper's method (section II.B): invert the features of an excerpt, scale and threshold the result to a mask, keep of the input what the mask
/// lets through, and ask the detector again.
/// </summary>
public sealed class Explainer(IBackend backend, SvdNet network, InversionNetwork inversion)
{
    /// <summary>Explains normalised log-mel excerpts.</summary>
    /// <param name="excerpts">N excerpts of 115×80 one after the other.</param>
    /// <param name="threshold">α: bins whose scaled inverted value is at least this are kept; 0.6 in the paper's figures.</param>
    /// <param name="timings">Is told how long each stage took.</param>
    /// <exception cref="ArgumentException">The length is not a positive multiple of an excerpt's.</exception>
    public IReadOnlyList<Explanation> Explain(ReadOnlySpan<float> excerpts, double threshold, Action<string, TimeSpan>? timings = null)
    {
        (int count, int rest) = Math.DivRem(excerpts.Length, ExcerptLength);
        if (count == 0 || rest != 0) throw new ArgumentException($"{excerpts.Length} numbers are not whole excerpts of {ExcerptLength}");
        Shape shape = new(count, 1, ExcerptFrames, Bands);
        long start = Stopwatch.GetTimestamp();

        using Tensor input = Tensor.From(backend, shape, excerpts);
        using Tensor features = network.Features(input);
        using Tensor probability = network.Probability(features);
        float[] featureValues = features.ToArray(), probabilities = probability.ToArray();
        Overflow.Check(featureValues, "SVDNet"); // The sigmoid behind them hides what is infinite.
        Overflow.Check(probabilities, "SVDNet");
        Lap("prediction");

        using Tensor inverted = inversion.Forward(features);
        float[] invertedValues = inverted.ToArray();
        Overflow.Check(invertedValues, "the inversion network");
        Lap("inversion");

        float[] mask = new float[excerpts.Length], masked = new float[excerpts.Length];
        for (int n = 0; n < count; n++)
        {
            Range excerpt = (n * ExcerptLength)..((n + 1) * ExcerptLength);
            Threshold(invertedValues.AsSpan(excerpt), threshold, mask.AsSpan(excerpt));
        }

        TensorPrimitives.Multiply(mask, excerpts, masked);
        Lap("mask");

        using Tensor maskedInput = Tensor.From(backend, shape, masked);
        using Tensor maskedFeatures = network.Features(maskedInput);
        using Tensor maskedProbability = network.Probability(maskedFeatures);
        float[] maskedProbabilities = maskedProbability.ToArray();
        Overflow.Check(maskedProbabilities, "SVDNet");
        Lap("masked prediction");

        List<Explanation> explanations = new(count);
        for (int n = 0; n < count; n++)
        {
            Range excerpt = (n * ExcerptLength)..((n + 1) * ExcerptLength);
            explanations.Add(new Explanation(
                excerpts[excerpt].ToArray(),
                featureValues[(n * SvdNet.FeatureCount)..((n + 1) * SvdNet.FeatureCount)],
                invertedValues[excerpt],
                mask[excerpt],
                masked[excerpt],
                probabilities[n],
                maskedProbabilities[n]));
        }

        return explanations;

        void Lap(string stage)
        {
            timings?.Invoke(stage, Stopwatch.GetElapsedTime(start));
            start = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>
    /// mask = 1 where (x* − min) / (max − min) ≥ threshold, else 0. An x* without contrast scales to zero everywhere.
    /// </summary>
    internal static void Threshold(ReadOnlySpan<float> inverted, double threshold, Span<float> mask)
    {
        float min = TensorPrimitives.Min(inverted), range = TensorPrimitives.Max(inverted) - min;
        for (int i = 0; i < inverted.Length; i++)
        {
            float scaled = range > 0 ? (inverted[i] - min) / range : 0;
            mask[i] = scaled >= threshold ? 1 : 0;
        }
    }
}
