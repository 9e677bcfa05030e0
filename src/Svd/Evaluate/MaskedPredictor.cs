using Engine.Kernels;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Evaluate;

/// <summary>
/// The probability of singing of masked excerpts. They are collected and the detector asked about many at a time; a probability is there after
/// <see cref="Flush"/>.
/// </summary>
public sealed class MaskedPredictor : IDisposable
{
    private const int BatchSize = 64;

    private readonly IBackend _backend;
    private readonly SvdNet _network;
    private readonly Tensor _batch;
    private readonly float[] _inputs = new float[BatchSize * ExcerptLength];
    private readonly float[] _probabilities = new float[BatchSize];
    private readonly (float[] Results, int Index)[] _wanted = new (float[], int)[BatchSize];
    private readonly float[] _unnormalizedZero = new float[ExcerptLength];
    private readonly float[] _scratch = new float[ExcerptLength];
    private int _count;

    /// <summary>Predicts with a network, whose inputs are normalised with these statistics.</summary>
    public MaskedPredictor(IBackend backend, SvdNet network, BandStatistics statistics)
    {
        (_backend, _network) = (backend, network);
        _batch = Tensor.Allocate(backend, new Shape(BatchSize, 1, ExcerptFrames, Bands));
        for (int i = 0; i < ExcerptLength; i++) _unnormalizedZero[i] = (float)(-statistics.Mean[i % Bands] / statistics.Std[i % Bands]);
    }

    /// <summary>How many masked excerpts were predicted so far.</summary>
    public long Predictions { get; private set; }

    /// <summary>Asks for the probability of a masked excerpt.</summary>
    /// <param name="excerpt">115×80, normalised.</param>
    /// <param name="mask">1 for the bins that are kept, 0 for the others.</param>
    /// <param name="masking">What the detector is shown.</param>
    /// <param name="results">Where the probability goes.</param>
    /// <param name="index">The place there.</param>
    public void Add(ReadOnlySpan<float> excerpt, ReadOnlySpan<float> mask, MaskingCase masking, float[] results, int index)
    {
        _wanted[_count] = (results, index);
        Span<float> input = _inputs.AsSpan(_count++ * ExcerptLength, ExcerptLength);
        TensorPrimitives.Multiply(mask, excerpt, input);
        if (masking == MaskingCase.M2Published)
        {
            TensorPrimitives.Subtract(excerpt, input, input);
        }
        else if (masking == MaskingCase.M2Paper)
        {
            // One of the two terms is zero: nothing is rounded.
            TensorPrimitives.Multiply(mask, _unnormalizedZero, _scratch);
            TensorPrimitives.Subtract(_unnormalizedZero, _scratch, _scratch);
            TensorPrimitives.Add(input, _scratch, input);
        }

        if (_count == BatchSize) Flush();
    }

    /// <summary>Predicts what is still waiting.</summary>
    /// <exception cref="EngineException">A probability is not finite.</exception>
    public void Flush()
    {
        if (_count == 0) return;
        using (Tensor inputs = _batch.Slice(0, _count))
        {
            _backend.Upload(_inputs.AsSpan(0, _count * ExcerptLength), inputs.View);
            using Tensor features = _network.Features(inputs);
            using Tensor probability = _network.Probability(features);
            probability.CopyTo(_probabilities.AsSpan(0, _count));
        }

        Overflow.Check(_probabilities.AsSpan(0, _count), "SVDNet");
        for (int i = 0; i < _count; i++) _wanted[i].Results[_wanted[i].Index] = _probabilities[i];
        Predictions += _count;
        _count = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _batch.Dispose();
}
