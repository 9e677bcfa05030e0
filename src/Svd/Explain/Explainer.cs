using System.Diagnostics;
using Engine.Kernels;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>
/// The paper's explanation (section II.B): invert the features of an excerpt, scale and threshold the result to a mask, keep the part of the input that the
/// mask lets through, and ask the detector again. Any other method can take the place of the inversion.
/// </summary>
/// <param name="detector">The detector that is explained.</param>
/// <param name="method">Finds the important bins.</param>
/// <param name="classThreshold">An excerpt with a probability of at least this counts as singing; methods that explain the prediction go by it.</param>
public sealed class Explainer(ExcerptDetector detector, IExplanationMethod method, double classThreshold = 0.5)
{
    private readonly MaskedPredictor _predictor = new(detector);

    /// <summary>Explains normalised log-mel excerpts.</summary>
    /// <param name="excerpts">N excerpts of 115×80 one after the other.</param>
    /// <param name="size">How many bins are kept; the paper's figures use a threshold of 0.6.</param>
    /// <param name="timings">Gets the name of each stage and the time that it took.</param>
    /// <exception cref="ArgumentException">The length is not a positive multiple of an excerpt's.</exception>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    public IReadOnlyList<Explanation> Explain(ReadOnlySpan<float> excerpts, MaskSize size, Action<string, TimeSpan>? timings = null)
    {
        (int count, int rest) = Math.DivRem(excerpts.Length, ExcerptLength);
        if (count == 0 || rest != 0) throw new ArgumentException($"{excerpts.Length} numbers are not whole excerpts of {ExcerptLength}");
        long start = Stopwatch.GetTimestamp();
        using DetectorAnswer answer = method is NetworkMethod asking ? asking.Ask(excerpts) : detector.Ask(excerpts);
        Lap("prediction");
        float[] importance = ImportanceOf(excerpts, answer);
        Lap(method.Name == ExplanationMethods.Inversion ? method.Name : "importance");

        float[] masks = new float[excerpts.Length], masked = new float[excerpts.Length], probabilities = new float[count];
        for (int n = 0; n < count; n++)
        {
            Range at = (n * ExcerptLength)..((n + 1) * ExcerptLength);
            size.Mask(importance.AsSpan(at), masks.AsSpan(at));
            MaskedPredictor.Show(excerpts[at], masks.AsSpan(at), MaskSide.Kept, [], masked.AsSpan(at));
        }

        Lap("mask");
        for (int n = 0; n < count; n++)
        {
            Range at = (n * ExcerptLength)..((n + 1) * ExcerptLength);
            _predictor.Add(excerpts[at], masks.AsSpan(at), MaskSide.Kept, [], probabilities, n);
        }

        _predictor.Flush();
        Lap("masked prediction");

        List<Explanation> explanations = new(count);
        for (int n = 0; n < count; n++)
        {
            Range at = (n * ExcerptLength)..((n + 1) * ExcerptLength);
            explanations.Add(new Explanation(
                excerpts[at].ToArray(), answer.FeatureValues[(n * SvdNet.FeatureCount)..((n + 1) * SvdNet.FeatureCount)], importance[at], masks[at],
                masked[at], answer.Probabilities[n], probabilities[n]));
        }

        return explanations;

        void Lap(string stage)
        {
            timings?.Invoke(stage, Stopwatch.GetElapsedTime(start));
            start = Stopwatch.GetTimestamp();
        }
    }

    // A network goes on from the detector's answer; the other methods ask the detector themselves.
    private float[] ImportanceOf(ReadOnlySpan<float> excerpts, DetectorAnswer answer)
    {
        if (method is NetworkMethod network) return network.ImportanceOf(answer);
        float[] importance = new float[excerpts.Length];
        bool[] isSinging = Array.ConvertAll(answer.Probabilities, probability => probability >= classThreshold);
        method.Explain(new ExplanationBatch(0, excerpts.ToArray(), isSinging), importance);
        NetworkOutput.RequireFinite(importance, $"the method {method.Name}");
        return importance;
    }
}
