using System.Diagnostics;
using Engine.Kernels;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Explain;

/// <summary>
/// The paper's method (section II.B): invert the features of an excerpt, scale and threshold the result to a mask, keep of the input what the mask
/// lets through, and ask the detector again. Or the same with the mask network's importance in place of the inversion.
/// </summary>
public sealed class Explainer
{
    private readonly IBackend _backend;
    private readonly SvdNet _network;
    private readonly (string Stage, string Network) _names;
    private readonly Func<SvdNetMaps, Tensor> _importanceOf;

    /// <summary>Explains by inversion.</summary>
    public Explainer(IBackend backend, SvdNet network, InversionNetwork inversion)
        : this(backend, network, ("inversion", "the inversion network"), maps => inversion.Forward(maps.Features))
    {
    }

    /// <summary>Explains by the mask network.</summary>
    public Explainer(IBackend backend, SvdNet network, MaskNetwork mask)
        : this(backend, network, ("importance", "the mask network"), maps => mask.Forward(maps))
    {
    }

    private Explainer(IBackend backend, SvdNet network, (string Stage, string Network) names, Func<SvdNetMaps, Tensor> importanceOf) =>
        (_backend, _network, _names, _importanceOf) = (backend, network, names, importanceOf);

    /// <summary>Explains normalised log-mel excerpts.</summary>
    /// <param name="excerpts">N excerpts of 115×80 one after the other.</param>
    /// <param name="size">How many bins are kept; from a threshold of 0.6 on in the paper's figures.</param>
    /// <param name="timings">Is told how long each stage took.</param>
    /// <exception cref="ArgumentException">The length is not a positive multiple of an excerpt's.</exception>
    public IReadOnlyList<Explanation> Explain(ReadOnlySpan<float> excerpts, MaskSize size, Action<string, TimeSpan>? timings = null)
    {
        (int count, int rest) = Math.DivRem(excerpts.Length, ExcerptLength);
        if (count == 0 || rest != 0) throw new ArgumentException($"{excerpts.Length} numbers are not whole excerpts of {ExcerptLength}");
        Shape shape = new(count, 1, ExcerptFrames, Bands);
        long start = Stopwatch.GetTimestamp();

        using Tensor input = Tensor.From(_backend, shape, excerpts);
        using SvdNetMaps maps = _network.Maps(input);
        using Tensor probability = _network.Probability(maps.Features);
        float[] featureValues = maps.Features.ToArray(), probabilities = probability.ToArray();
        Overflow.Check(featureValues, "SVDNet"); // The sigmoid behind them hides what is infinite.
        Overflow.Check(probabilities, "SVDNet");
        Lap("prediction");

        using Tensor importance = _importanceOf(maps);
        float[] importanceValues = importance.ToArray();
        Overflow.Check(importanceValues, _names.Network);
        Lap(_names.Stage);

        float[] mask = new float[excerpts.Length], masked = new float[excerpts.Length];
        for (int n = 0; n < count; n++)
        {
            Range excerpt = (n * ExcerptLength)..((n + 1) * ExcerptLength);
            size.Mask(importanceValues.AsSpan(excerpt), mask.AsSpan(excerpt));
        }

        TensorPrimitives.Multiply(mask, excerpts, masked);
        Lap("mask");

        using Tensor maskedInput = Tensor.From(_backend, shape, masked);
        using Tensor maskedFeatures = _network.Features(maskedInput);
        using Tensor maskedProbability = _network.Probability(maskedFeatures);
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
                importanceValues[excerpt],
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
    /// mask = 1 where (x* − min) / (max − min) ≥ threshold, else 0. Importance x* without contrast scales to zero everywhere.
    /// </summary>
    internal static void Threshold(ReadOnlySpan<float> importance, double threshold, Span<float> mask)
    {
        float min = TensorPrimitives.Min(importance), range = TensorPrimitives.Max(importance) - min;
        for (int i = 0; i < importance.Length; i++)
        {
            float scaled = range > 0 ? (importance[i] - min) / range : 0;
            mask[i] = scaled >= threshold ? 1 : 0;
        }
    }
}
