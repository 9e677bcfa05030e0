using Engine.Svd.Explain.Methods;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>
/// How many bins masks keep: those whose importance, scaled to [0, 1] by the excerpt's own minimum and maximum, reaches a threshold, or a share of all. In a
/// comparison of methods a threshold goes by the inversion, for every method.
/// </summary>
/// <param name="Value">The share, or the threshold α.</param>
/// <param name="IsThreshold">Which of the two.</param>
public readonly record struct MaskSize(double Value, bool IsThreshold)
{
    /// <summary>For tables and figures.</summary>
    public override string ToString() => IsThreshold ? $"α {Value}" : $"area {Value}";

    /// <summary>How many bins of an excerpt of this importance (115×80) are kept.</summary>
    public int Bins(ReadOnlySpan<float> importance)
    {
        if (!IsThreshold) return (int)Math.Round(Value * ExcerptLength);
        float[] mask = new float[ExcerptLength];
        Explainer.Threshold(importance, Value, mask);
        return mask.AsSpan().Count(1);
    }

    /// <summary>Overwrites a mask of 115×80: 1 for the bins that are kept, 0 for the others.</summary>
    public void Mask(ReadOnlySpan<float> importance, Span<float> mask)
    {
        if (IsThreshold)
        {
            Explainer.Threshold(importance, Value, mask);
            return;
        }

        ImportanceOrder order = new();
        order.Sort(importance);
        order.Mask(Bins(importance), mask);
    }
}
