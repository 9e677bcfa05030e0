using Engine.Kernels;
using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Explain;

/// <summary>
/// Predicts masked excerpts. It collects them and predicts many at a time; all probabilities are available after <see cref="Flush"/>.
/// </summary>
public sealed class MaskedPredictor(ExcerptDetector detector)
{
    private const int BatchSize = 64;

    private readonly float[] _inputs = new float[BatchSize * ExcerptLength];
    private readonly (float[] Results, int Index)[] _wanted = new (float[], int)[BatchSize];
    private int _count;

    /// <summary>How many masked excerpts have been predicted.</summary>
    public long Predictions { get; private set; }

    /// <summary>Overwrites <paramref name="shown"/> with what a detector sees of a masked excerpt, 115×80.</summary>
    /// <param name="excerpt">115×80, normalised.</param>
    /// <param name="mask">1 for the bins that are kept, 0 for the others.</param>
    /// <param name="side">Which bins the detector sees.</param>
    /// <param name="fill">What replaces the others: <see cref="MaskFills.Of"/>.</param>
    /// <param name="shown">The result.</param>
    public static void Show(ReadOnlySpan<float> excerpt, ReadOnlySpan<float> mask, MaskSide side, ReadOnlySpan<float> fill, Span<float> shown)
    {
        for (int i = 0; i < shown.Length; i++) shown[i] = mask[i] * excerpt[i];
        if (side == MaskSide.Removed) TensorPrimitives.Subtract(excerpt, shown, shown);
        for (int i = 0; i < fill.Length; i++)
        {
            if (mask[i] != 0 != (side == MaskSide.Kept)) shown[i] = fill[i];
        }
    }

    /// <summary>Asks for the probability of a masked excerpt, which goes to <paramref name="results"/>[<paramref name="index"/>].</summary>
    /// <inheritdoc cref="Show"/>
    /// <exception cref="EngineException">A feature or a probability is not finite.</exception>
    public void Add(ReadOnlySpan<float> excerpt, ReadOnlySpan<float> mask, MaskSide side, ReadOnlySpan<float> fill, float[] results, int index)
    {
        _wanted[_count] = (results, index);
        Show(excerpt, mask, side, fill, _inputs.AsSpan(_count++ * ExcerptLength, ExcerptLength));
        if (_count == BatchSize) Flush();
    }

    /// <summary>Predicts the excerpts that are still waiting.</summary>
    /// <exception cref="EngineException">A feature or a probability is not finite.</exception>
    public void Flush()
    {
        if (_count == 0) return;
        using DetectorAnswer answer = detector.Ask(_inputs.AsSpan(0, _count * ExcerptLength));
        for (int i = 0; i < _count; i++) _wanted[i].Results[_wanted[i].Index] = answer.Probabilities[i];
        Predictions += _count;
        _count = 0;
    }
}
