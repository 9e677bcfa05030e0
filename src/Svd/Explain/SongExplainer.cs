using Engine.Kernels;
using Engine.Svd.Explain.Methods;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>Sees the probabilities of singing of the frames from <paramref name="firstFrame"/> on.</summary>
public delegate void ProbabilityObserver(long firstFrame, ReadOnlySpan<float> probabilities);

/// <summary>
/// Explains a whole song: an excerpt every few frames, by the mask network and the inversion. What <see cref="Explainer"/> computes for each excerpt anew
/// is here computed once for each frame, where the excerpts share it; memory does not grow with the song.
/// </summary>
public sealed class SongExplainer : IDisposable
{
    /// <summary>Of so many explained excerpts, the detector is asked about the masks of one: it takes longer than all the rest.</summary>
    public const int AskedOfExplained = 3;

    private const int BatchSize = 32;
    private const string ClassifierName = "SVDNet", InversionName = "the inversion network", MaskName = "the mask network";

    private readonly IBackend _backend;
    private readonly SvdNet _network;
    private readonly InversionNetwork _inversion;
    private readonly MaskNetwork _mask;
    private readonly ExcerptDetector _detector;
    private readonly MaskedPredictor _predictor;
    private readonly SongStretches _stretches;
    private readonly MaskShares _shares;
    private readonly int _every;
    private readonly ThreadLocal<ImportanceOrder> _order = new(() => new ImportanceOrder());

    /// <summary>Takes the networks, which stay their owner's.</summary>
    /// <param name="backend">Where they are.</param>
    /// <param name="network">The detector.</param>
    /// <param name="inversion">Its inversion network.</param>
    /// <param name="mask">Its mask network.</param>
    /// <param name="statistics">What the frames are normalised with.</param>
    /// <param name="shares">The sizes of the masks.</param>
    /// <param name="every">An excerpt starts every so many frames.</param>
    public SongExplainer(
        IBackend backend, SvdNet network, InversionNetwork inversion, MaskNetwork mask, BandStatistics statistics, MaskShares shares, int every)
    {
        (_backend, _network, _inversion, _mask, _shares, _every) = (backend, network, inversion, mask, shares, every);
        _detector = new ExcerptDetector(backend, network);
        _predictor = new MaskedPredictor(_detector);
        _stretches = new SongStretches(statistics);
    }

    /// <summary>The methods, in the order of <see cref="SongExcerpt.Methods"/>.</summary>
    public static IReadOnlyList<string> Methods { get; } = [ExplanationMethods.Mask, ExplanationMethods.Inversion];

    /// <summary>
    /// Explains a song of normalised log-mel frames. Excerpts start at frame 0 and then every few frames; one more ends with the song. Returns the number
    /// of frames.
    /// </summary>
    /// <exception cref="EngineException">The audio cannot be decoded, or a network's output is not finite.</exception>
    public long Explain(FrameReader reader, ProbabilityObserver seesProbabilities, Action<SongExcerpt> seesExcerpt)
    {
        long read = 0, lastStart = -1;
        float[] last = new float[ExcerptLength];
        long frames = _stretches.ForEach(
            destination =>
            {
                int count = reader(destination);
                read += count;
                return count;
            },
            (firstFrame, count, rows) =>
            {
                // Row 0 is this frame of the song; rows before the song and after it are silence.
                long first = firstFrame - ContextFrames, end = Math.Min(first + count, read - ExcerptFrames + 1);
                Stretch stretch = Look(rows);
                seesProbabilities(firstFrame, stretch.Probabilities);
                List<int> starts = [];
                for (long start = (Math.Max(first, 0) + _every - 1) / _every * _every; start < end; start += _every) starts.Add((int)(start - first));
                Explain(stretch, rows, first, starts, seesExcerpt);
                if (end <= first || end != read - ExcerptFrames + 1) return;
                lastStart = end - 1;
                rows.Slice((int)(lastStart - first) * Bands, ExcerptLength).CopyTo(last);
            });
        if (lastStart >= 0 && lastStart % _every != 0)
        {
            // A stretch of a single excerpt.
            Stretch stretch = Look(last);
            Explain(stretch, last, lastStart, [0], seesExcerpt);
        }

        return frames;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _order.Dispose();
        _detector.Dispose();
    }

    private Stretch Look(ReadOnlySpan<float> rows)
    {
        using Tensor song = Tensor.From(_backend, new Shape(1, 1, rows.Length / Bands, Bands), rows);
        using SvdNetMaps maps = _network.MapsOfEveryFrame(song);
        using Tensor probability = _network.ProbabilityOfEveryFrame(maps);
        using MaskNetworkMaps beside = _mask.Beside(maps);
        float[] probabilities = probability.ToArray();
        NetworkOutput.RequireFinite(probabilities, ClassifierName);
        return new Stretch(
            _backend, probabilities, HostMap.Of(maps.Features), HostMap.Of(beside.Pool6), HostMap.Of(beside.Conv4), HostMap.Of(beside.Pool3));
    }

    // Shows the excerpts when the detector has answered.
    private void Explain(Stretch stretch, ReadOnlySpan<float> rows, long first, List<int> starts, Action<SongExcerpt> seesExcerpt)
    {
        byte[][][] levels = [.. Methods.Select(_ => new byte[starts.Count][])];
        float[][] masked = [.. Methods.Select(_ => Enumerable.Repeat(float.NaN, starts.Count).ToArray())];
        float[] mask = new float[ExcerptLength];
        for (int done = 0; done < starts.Count; done += BatchSize)
        {
            List<int> batch = starts.GetRange(done, Math.Min(BatchSize, starts.Count - done));
            float[][] importance = ImportanceOf(stretch, rows, batch);
            int from = done;
            Parallel.For(0, Methods.Count * batch.Count, i =>
            {
                (int method, int n) = (i % Methods.Count, i / Methods.Count);
                ImportanceOrder order = _order.Value!;
                order.Sort(importance[method].AsSpan(n * ExcerptLength, ExcerptLength));
                order.Levels(_shares.Counts, levels[method][from + n] = new byte[ExcerptLength]);
            });
        }

        for (int i = 0; i < starts.Count; i++)
        {
            long start = first + starts[i];
            if (start % (_every * AskedOfExplained) != 0 && start % _every == 0) continue;
            for (int method = 0; method < Methods.Count; method++)
            {
                _shares.Mask(levels[method][i], mask);
                _predictor.Add(rows.Slice(starts[i] * Bands, ExcerptLength), mask, MaskSide.Kept, [], masked[method], i);
            }
        }

        _predictor.Flush();
        for (int i = 0; i < starts.Count; i++)
        {
            seesExcerpt(new SongExcerpt(
                first + starts[i], stretch.Probabilities[starts[i]],
                [.. Methods.Select((_, m) => new ExcerptLevels(levels[m][i], float.IsNaN(masked[m][i]) ? null : masked[m][i]))]));
        }
    }

    // By the mask network, and by the inversion: N×115×80 each.
    private float[][] ImportanceOf(Stretch stretch, ReadOnlySpan<float> rows, List<int> starts)
    {
        float[] excerpts = new float[starts.Count * ExcerptLength];
        for (int n = 0; n < starts.Count; n++) rows.Slice(starts[n] * Bands, ExcerptLength).CopyTo(excerpts.AsSpan(n * ExcerptLength));
        using Tensor input = Tensor.From(_backend, new Shape(starts.Count, 1, ExcerptFrames, Bands), excerpts);
        using Tensor features = stretch.FeaturesOf(starts);
        using Tensor chosen = _mask.Forward(input, features, stretch.MaskMapsOf(starts)), inverted = _inversion.Forward(features);
        float[][] importance = [chosen.ToArray(), inverted.ToArray()];
        NetworkOutput.RequireFinite(importance[0], MaskName);
        NetworkOutput.RequireFinite(importance[1], InversionName);
        return importance;
    }

    /// <summary>A map of 1×C×H×W on the host.</summary>
    private readonly record struct HostMap(float[] Values, int Channels, int Rows, int Columns)
    {
        public static HostMap Of(Tensor map) => new(map.ToArray(), map.Shape[1], map.Shape[2], map.Shape[3]);

        /// <summary>N×C×count×W: of each start s the rows s, s + step, …</summary>
        public Tensor Gather(IBackend backend, List<int> starts, int step, int count)
        {
            float[] gathered = new float[starts.Count * Channels * count * Columns];
            Span<float> rest = gathered;
            foreach (int start in starts)
            for (int channel = 0; channel < Channels; channel++)
            for (int row = 0; row < count; row++)
            {
                Values.AsSpan((channel * Rows + start + row * step) * Columns, Columns).CopyTo(rest);
                rest = rest[Columns..];
            }

            return Tensor.From(backend, new Shape(starts.Count, Channels, count, Columns), gathered);
        }
    }

    /// <summary>What the networks make of a stretch: <see cref="SvdNet.MapsOfEveryFrame"/> says where an excerpt's part is.</summary>
    private sealed record Stretch(IBackend Backend, float[] Probabilities, HostMap Features, HostMap Pool6, HostMap Conv4, HostMap Pool3)
    {
        private const int PooledOnce = 3, PooledTwice = 9, Pool6Rows = 11, Conv4Rows = 35, Pool3Rows = 37;

        public Tensor FeaturesOf(List<int> starts)
        {
            using Tensor features = Features.Gather(Backend, starts, 1, 1);
            return features.Reshape(new Shape(starts.Count, SvdNet.FeatureCount));
        }

        public MaskNetworkMaps MaskMapsOf(List<int> starts) => new(
            Pool6.Gather(Backend, starts, PooledTwice, Pool6Rows), Conv4.Gather(Backend, starts, PooledOnce, Conv4Rows),
            Pool3.Gather(Backend, starts, PooledOnce, Pool3Rows));
    }
}
