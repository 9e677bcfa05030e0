using Engine.Svd.Explain;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>How many bins masks keep, so that methods can be compared: a share of all, or for each excerpt as many as its inversion mask.</summary>
/// <param name="Value">The share, or the inversion mask's threshold α.</param>
/// <param name="IsThreshold">Which of the two.</param>
public readonly record struct MaskSize(double Value, bool IsThreshold)
{
    /// <summary>For tables and figures.</summary>
    public override string ToString() => IsThreshold ? $"α {Value}" : $"area {Value}";

    /// <summary>How many bins of an excerpt with these inverted values (115×80) are kept.</summary>
    public int Bins(ReadOnlySpan<float> inverted)
    {
        if (!IsThreshold) return (int)Math.Round(Value * ExcerptLength);
        float[] mask = new float[ExcerptLength];
        Explainer.Threshold(inverted, Value, mask);
        return mask.AsSpan().Count(1);
    }
}
