using Engine.Kernels;
using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests;

/// <summary>A detector whose every answer can be worked out by hand: logit = Σ slope·x + curvature·x²/2 + offset.</summary>
internal sealed class ToyDetector(float[] slope, float curvature = 0, float offset = 0) : IDetector
{
    /// <summary>The rule of the last backward pass.</summary>
    public RectifierRule? LastRule { get; private set; }

    public void Logits(ReadOnlySpan<float> excerpts, Span<float> logits)
    {
        for (int n = 0; n < logits.Length; n++)
        {
            double sum = offset;
            for (int i = 0; i < ExcerptLength; i++)
            {
                double x = excerpts[n * ExcerptLength + i];
                sum += slope[i] * x + curvature * x * x / 2;
            }

            logits[n] = (float)sum;
        }
    }

    public void Gradients(ReadOnlySpan<float> excerpts, Span<float> gradients, RectifierRule rule, ReadOnlySpan<float> factors)
    {
        LastRule = rule;
        for (int i = 0; i < excerpts.Length; i++)
        {
            gradients[i] = (slope[i % ExcerptLength] + curvature * excerpts[i]) * (factors.IsEmpty ? 1 : factors[i / ExcerptLength]);
        }
    }
}
