using Engine.Svd.Explain.Methods;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Explain;

/// <summary>
/// How many bins a mask keeps: either a share of all bins, or the bins whose importance, scaled to [0, 1] by the excerpt's minimum and maximum, reaches a
/// threshold. When methods are compared, the threshold applies to the inversion, and every method keeps as many bins as the inversion.
/// </summary>
/// <param name="Value">The share, or the threshold α.</param>
/// <param name="IsThreshold">Which of the two.</param>
public readonly record struct MaskSize(double Value, bool IsThreshold)
{
    /// <summary>The size as tables and figures show it.</summary>
    public override string ToString() => IsThreshold ? $"α {Value}" : $"area {Value}";

    /// <summary>How many bins are kept of an excerpt with this importance (115×80).</summary>
    public int Bins(ReadOnlySpan<float> importance)
    {
        if (!IsThreshold) return (int)Math.Round(Value * ExcerptLength);
        float[] mask = new float[ExcerptLength];
        Threshold(importance, mask);
        return mask.AsSpan().Count(1);
    }

    /// <summary>Overwrites a mask of 115×80: 1 for the bins that are kept, 0 for the others.</summary>
    public void Mask(ReadOnlySpan<float> importance, Span<float> mask)
    {
        if (IsThreshold)
        {
            Threshold(importance, mask);
            return;
        }

        ImportanceOrder order = new();
        order.Sort(importance);
        order.Mask(Bins(importance), mask);
    }

    // 1 if (x − min) / (max − min) ≥ α. Importance without contrast scales to zero everywhere.
    private void Threshold(ReadOnlySpan<float> importance, Span<float> mask)
    {
        float min = TensorPrimitives.Min(importance), range = TensorPrimitives.Max(importance) - min;
        for (int i = 0; i < importance.Length; i++)
        {
            float scaled = range > 0 ? (importance[i] - min) / range : 0;
            mask[i] = scaled >= Value ? 1 : 0;
        }
    }
}
