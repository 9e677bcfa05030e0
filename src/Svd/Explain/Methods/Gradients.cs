using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Explain.Methods;

/// <summary>The absolute derivative of the logit (Simonyan, Vedaldi and Zisserman, 2014).</summary>
internal sealed class AbsoluteGradient(IDetector detector) : IExplanationMethod
{
    public string Name => "gradient";

    public int Passes => 3;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        detector.Gradients(batch.Excerpts, importance);
        TensorPrimitives.Abs(importance, importance);
    }
}

/// <summary>
/// The absolute value of what a backward pass from the predicted class brings to the input when the rectifiers pass gradients by another rule than their
/// derivative: guided back-propagation (Springenberg et al., 2015) or the deconvolutional network (Zeiler and Fergus, 2014).
/// </summary>
internal sealed class RectifiedGradient(IDetector detector, RectifierRule rule) : IExplanationMethod
{
    public string Name => rule == RectifierRule.Guided ? "guided-backprop" : "deconvnet";

    public int Passes => 3;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        // The pass starts with the sign of the predicted class: the rules let only one sign through.
        detector.Gradients(batch.Excerpts, importance, rule, [.. Enumerable.Range(0, batch.Count).Select(batch.Towards)]);
        TensorPrimitives.Abs(importance, importance);
    }
}

/// <summary>Derivative × input, the logit's first-order share of each bin, counted towards the prediction.</summary>
internal sealed class GradientTimesInput(IDetector detector) : IExplanationMethod
{
    public string Name => "gradient-input";

    public int Passes => 3;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        detector.Gradients(batch.Excerpts, importance);
        TensorPrimitives.Multiply(importance, batch.Excerpts, importance);
        for (int n = 0; n < batch.Count; n++)
        {
            Span<float> one = importance.Slice(n * ExcerptLength, ExcerptLength);
            TensorPrimitives.Multiply(one, batch.Towards(n), one);
        }
    }
}

/// <summary>
/// SmoothGrad (Smilkov et al., 2017): the absolute value of the mean derivative over copies of the excerpt with Gaussian noise. The noise's standard
/// deviation is a share of the excerpt's range.
/// </summary>
internal sealed class SmoothGrad(IDetector detector, ulong seed, int copies = 32, double noise = 0.15) : IExplanationMethod
{
    public string Name => "smoothgrad";

    public int Passes => 3 * copies;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        float[] noisy = new float[copies * ExcerptLength], gradients = new float[noisy.Length];
        for (int n = 0; n < batch.Count; n++)
        {
            ReadOnlySpan<float> excerpt = batch[n];
            RandomSource random = RandomStream.Of(seed, Name, batch.First + n);
            double deviation = noise * (TensorPrimitives.Max(excerpt) - TensorPrimitives.Min(excerpt));
            for (int i = 0; i < noisy.Length; i++) noisy[i] = (float)(excerpt[i % ExcerptLength] + deviation * random.NextGaussian());
            detector.Gradients(noisy, gradients);
            Span<float> mean = importance.Slice(n * ExcerptLength, ExcerptLength);
            Average.OfRows(gradients, mean);
            TensorPrimitives.Abs(mean, mean);
        }
    }
}

/// <summary>
/// Integrated gradients (Sundararajan, Taly and Yan, 2017) from the zero excerpt, which masking everything leaves: input × the mean derivative along the
/// straight line to the excerpt (midpoint rule), counted towards the prediction. The sum over all bins is the difference of the logits at the two ends.
/// </summary>
internal sealed class IntegratedGradients(IDetector detector, int steps = 32) : IExplanationMethod
{
    public string Name => "integrated-gradients";

    public int Passes => 3 * steps;

    public void Explain(ExplanationBatch batch, Span<float> importance)
    {
        float[] line = new float[steps * ExcerptLength], gradients = new float[line.Length];
        for (int n = 0; n < batch.Count; n++)
        {
            for (int step = 0; step < steps; step++)
            {
                TensorPrimitives.Multiply(batch[n], (float)((step + 0.5) / steps), line.AsSpan(step * ExcerptLength, ExcerptLength));
            }

            detector.Gradients(line, gradients);
            Span<float> attribution = importance.Slice(n * ExcerptLength, ExcerptLength);
            Average.OfRows(gradients, attribution);
            TensorPrimitives.Multiply(attribution, batch[n], attribution);
            TensorPrimitives.Multiply(attribution, batch.Towards(n), attribution);
        }
    }
}

/// <summary>Means of several excerpts' worth of numbers, bin by bin.</summary>
internal static class Average
{
    /// <summary>Overwrites the mean with the mean of the rows, which have its length and are added in their order.</summary>
    public static void OfRows(ReadOnlySpan<float> rows, Span<float> mean)
    {
        int count = rows.Length / mean.Length;
        mean.Clear();
        for (int row = 0; row < count; row++) TensorPrimitives.Add(mean, rows.Slice(row * mean.Length, mean.Length), mean);
        TensorPrimitives.Divide(mean, count, mean);
    }
}
