using Engine.Kernels;
using Engine.Svd.Explain;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Evaluate;

/// <summary>
/// The paper's evaluation (section III.C) of the excerpts of a song: each is explained at every threshold, and the detector asked in each case about what
/// the mask leaves. Masks shrink as the threshold rises, so two of as many bins are the same: such, and those that keep all or nothing, are not predicted
/// again.
/// </summary>
public sealed class SongEvaluator : IDisposable
{
    private const int BatchSize = 32;

    private readonly IBackend _backend;
    private readonly SvdNet _network;
    private readonly InversionNetwork _inversion;
    private readonly MaskedPredictor _predictor;

    // What the detector says, in each case, where nothing of an excerpt is left.
    private readonly float[] _ofNothing = new float[MaskingCases.All.Count];

    /// <summary>Evaluates with these networks at thresholds that rise.</summary>
    public SongEvaluator(IBackend backend, SvdNet network, InversionNetwork inversion, BandStatistics statistics, double[] thresholds)
    {
        (_backend, _network, _inversion, Thresholds) = (backend, network, inversion, thresholds);
        _predictor = new MaskedPredictor(backend, network, statistics);
        float[] excerpt = new float[ExcerptLength], mask = new float[ExcerptLength];
        foreach (MaskingCase masking in MaskingCases.All) _predictor.Add(excerpt, mask, masking, _ofNothing, (int)masking);
        _predictor.Flush();
    }

    /// <summary>The masking thresholds, rising.</summary>
    public double[] Thresholds { get; }

    /// <summary>How often the detector was asked about masked excerpts so far.</summary>
    public long Predictions => _predictor.Predictions;

    /// <summary>Evaluates excerpts of a song.</summary>
    /// <param name="frames">The song's normalised log-mel, frames×80.</param>
    /// <param name="starts">The excerpts' first frames.</param>
    /// <param name="progress">Is told how many excerpts are done.</param>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    public SongEvaluation Evaluate(ReadOnlySpan<float> frames, int[] starts, Action<int> progress)
    {
        int answers = Thresholds.Length * starts.Length;
        SongEvaluation song = new(starts, Thresholds, new float[starts.Length], new float[MaskingCases.All.Count * answers], new float[answers]);
        float[] inputs = new float[BatchSize * ExcerptLength], inverted = new float[BatchSize * ExcerptLength];
        for (int first = 0; first < starts.Length; first += BatchSize)
        {
            int count = Math.Min(BatchSize, starts.Length - first), length = count * ExcerptLength;
            for (int n = 0; n < count; n++) frames.Slice(starts[first + n] * Bands, ExcerptLength).CopyTo(inputs.AsSpan(n * ExcerptLength));
            Invert(inputs.AsSpan(0, length), song.Probability.AsSpan(first, count), inverted.AsSpan(0, length));
            for (int n = 0; n < count; n++)
            {
                Range excerpt = (n * ExcerptLength)..((n + 1) * ExcerptLength);
                PredictMasked(song, first + n, inputs.AsSpan(excerpt), inverted.AsSpan(excerpt));
            }

            _predictor.Flush();
            for (int n = 0; n < count; n++) CopyRepeated(song, first + n);
            progress(first + count);
        }

        return song;
    }

    /// <inheritdoc/>
    public void Dispose() => _predictor.Dispose();

    private void Invert(ReadOnlySpan<float> excerpts, Span<float> probabilities, Span<float> inverted)
    {
        using Tensor input = Tensor.From(_backend, new Shape(probabilities.Length, 1, ExcerptFrames, Bands), excerpts);
        using Tensor features = _network.Features(input);
        using Tensor probability = _network.Probability(features);
        using Tensor inversion = _inversion.Forward(features);
        probability.CopyTo(probabilities);
        inversion.CopyTo(inverted);
        Overflow.Check(probabilities, "SVDNet");
        Overflow.Check(inverted, "the inversion network");
    }

    private void PredictMasked(SongEvaluation song, int excerpt, ReadOnlySpan<float> input, ReadOnlySpan<float> inverted)
    {
        Span<float> mask = stackalloc float[ExcerptLength];
        for (int threshold = 0; threshold < Thresholds.Length; threshold++)
        {
            Explainer.Threshold(inverted, Thresholds[threshold], mask);
            song.RelativeArea[song.IndexOf(threshold, excerpt)] = TensorPrimitives.Sum(mask) / ExcerptLength;
            if (IsRepeated(song, threshold, excerpt)) continue;
            foreach (MaskingCase masking in MaskingCases.All)
                _predictor.Add(input, mask, masking, song.MaskedProbability, song.IndexOf(masking, threshold, excerpt));
        }
    }

    private static bool IsRepeated(SongEvaluation song, int threshold, int excerpt)
    {
        float area = song.RelativeArea[song.IndexOf(threshold, excerpt)];
        return area is 0 or 1 || (threshold > 0 && area == song.RelativeArea[song.IndexOf(threshold - 1, excerpt)]);
    }

    private void CopyRepeated(SongEvaluation song, int excerpt)
    {
        for (int threshold = 0; threshold < Thresholds.Length; threshold++)
        {
            if (!IsRepeated(song, threshold, excerpt)) continue;
            float area = song.RelativeArea[song.IndexOf(threshold, excerpt)];
            foreach (MaskingCase masking in MaskingCases.All)
            {
                song.MaskedProbability[song.IndexOf(masking, threshold, excerpt)] = masking.AreaShown(area) switch
                {
                    0 => _ofNothing[(int)masking],
                    1 => song.Probability[excerpt],
                    _ => song.MaskedProbability[song.IndexOf(masking, threshold - 1, excerpt)],
                };
            }
        }
    }
}
