using Engine.Kernels;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Evaluate;

/// <summary>
/// The paper's evaluation (section III.C) of the excerpts of a song. It explains each excerpt at every threshold and asks the detector, in each case, about
/// what the mask keeps. Masks shrink as the threshold rises, so two masks with the same number of bins are the same. Such a mask is not predicted again, and
/// neither is one that keeps everything or nothing.
/// </summary>
public sealed class SongEvaluator
{
    private const int BatchSize = 32;

    private readonly NetworkMethod _inversion;
    private readonly BandStatistics _statistics;
    private readonly MaskedPredictor _predictor;

    // The detector's probability in each case if it sees nothing of an excerpt.
    private readonly float[] _ofNothing = new float[MaskingCase.Evaluated.Count];

    /// <summary>Evaluates a detector and its inversion.</summary>
    /// <param name="detector">The detector.</param>
    /// <param name="inversion">The method that uses its inversion network.</param>
    /// <param name="statistics">The statistics that normalise the songs.</param>
    /// <param name="thresholds">The masking thresholds, rising.</param>
    public SongEvaluator(ExcerptDetector detector, NetworkMethod inversion, BandStatistics statistics, double[] thresholds)
    {
        (_inversion, _statistics, Thresholds, _predictor) = (inversion, statistics, thresholds, new MaskedPredictor(detector));
        float[] excerpt = new float[ExcerptLength], mask = new float[ExcerptLength];
        for (int masking = 0; masking < _ofNothing.Length; masking++)
        {
            MaskingCase shown = MaskingCase.Evaluated[masking].Case;
            _predictor.Add(excerpt, mask, shown.Shown, MaskFills.Of(shown.Fill, excerpt, statistics), _ofNothing, masking);
        }

        _predictor.Flush();
    }

    /// <summary>The masking thresholds, rising.</summary>
    public double[] Thresholds { get; }

    /// <summary>How many masked excerpts the detector has predicted.</summary>
    public long Predictions => _predictor.Predictions;

    /// <summary>Evaluates excerpts of a song.</summary>
    /// <param name="frames">The song's normalised log-mel, frames×80.</param>
    /// <param name="starts">The excerpts' first frames.</param>
    /// <param name="progress">Gets the number of excerpts that are done.</param>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    public SongEvaluation Evaluate(ReadOnlySpan<float> frames, int[] starts, Action<int> progress)
    {
        int answers = Thresholds.Length * starts.Length;
        SongEvaluation song = new(starts, Thresholds, new float[starts.Length], new float[MaskingCase.Evaluated.Count * answers], new float[answers]);
        float[] inputs = new float[BatchSize * ExcerptLength];
        for (int first = 0; first < starts.Length; first += BatchSize)
        {
            int count = Math.Min(BatchSize, starts.Length - first);
            for (int n = 0; n < count; n++) frames.Slice(starts[first + n] * Bands, ExcerptLength).CopyTo(inputs.AsSpan(n * ExcerptLength));
            using DetectorAnswer answer = _inversion.Ask(inputs.AsSpan(0, count * ExcerptLength));
            answer.Probabilities.CopyTo(song.Probability, first);
            float[] inverted = _inversion.ImportanceOf(answer);
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

    private void PredictMasked(SongEvaluation song, int excerpt, ReadOnlySpan<float> input, ReadOnlySpan<float> inverted)
    {
        Span<float> mask = stackalloc float[ExcerptLength];
        float[][] fills = new float[MaskingCase.Evaluated.Count][];
        for (int masking = 0; masking < fills.Length; masking++) fills[masking] = MaskFills.Of(MaskingCase.Evaluated[masking].Case.Fill, input, _statistics);
        for (int threshold = 0; threshold < Thresholds.Length; threshold++)
        {
            MaskSize.Threshold(Thresholds[threshold]).Mask(inverted, mask);
            song.RelativeArea[song.IndexOf(threshold, excerpt)] = TensorPrimitives.Sum(mask) / ExcerptLength;
            if (IsRepeated(song, threshold, excerpt)) continue;
            for (int masking = 0; masking < fills.Length; masking++)
            {
                _predictor.Add(
                    input, mask, MaskingCase.Evaluated[masking].Case.Shown, fills[masking], song.MaskedProbability,
                    song.IndexOf(masking, threshold, excerpt));
            }
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
            for (int masking = 0; masking < MaskingCase.Evaluated.Count; masking++)
            {
                song.MaskedProbability[song.IndexOf(masking, threshold, excerpt)] = MaskingCase.Evaluated[masking].Case.AreaShown(area) switch
                {
                    0 => _ofNothing[masking],
                    1 => song.Probability[excerpt],
                    _ => song.MaskedProbability[song.IndexOf(masking, threshold - 1, excerpt)],
                };
            }
        }
    }
}
