using Engine.Kernels;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Model;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>What is found in a stretch of a song.</summary>
/// <param name="Probabilities">Of singing, of the excerpt that starts at each of its rows.</param>
/// <param name="Excerpts">Those that were to be explained.</param>
internal sealed record ExplainedStretch(float[] Probabilities, IReadOnlyList<SongExcerpt> Excerpts);

/// <summary>Explains the excerpts of a stretch of a song, which share the maps of the detector. One thread at a time may use it.</summary>
public sealed class StretchExplainer : IDisposable
{
    // With more at a time, the mask network's maps would leave the caches.
    private const int BatchSize = 16;
    private const string ClassifierName = "SVDNet", InversionName = "the inversion network", MaskName = "the mask network";

    // SvdNet.MapsOfEveryFrame says where an excerpt's part of a map is.
    private const int PooledOnce = 3, PooledTwice = 9, Pool6Rows = 11, Conv4Rows = 35, Pool3Rows = 37;

    private readonly IBackend _backend;
    private readonly SvdNet _network;
    private readonly InversionNetwork _inversion;
    private readonly MaskNetwork _mask;
    private readonly MaskShares _shares;
    private readonly ExcerptDetector _detector;
    private readonly MaskedPredictor _predictor;
    private readonly ImportanceOrder _order = new();
    private readonly HostMap _features = new(), _pool6 = new(), _conv4 = new(), _pool3 = new();
    private readonly float[] _excerpts = new float[BatchSize * ExcerptLength];
    private readonly float[] _importance = new float[BatchSize * ExcerptLength];
    private readonly float[] _shown = new float[ExcerptLength];
    private float[] _rows = [];
    private int _rowCount;

    /// <summary>Takes the networks, which stay their owner's.</summary>
    /// <param name="backend">Where they are.</param>
    /// <param name="network">The detector.</param>
    /// <param name="inversion">Its inversion network.</param>
    /// <param name="mask">Its mask network.</param>
    /// <param name="shares">The sizes of the masks.</param>
    /// <param name="every">An excerpt starts every so many frames of the song.</param>
    public StretchExplainer(IBackend backend, SvdNet network, InversionNetwork inversion, MaskNetwork mask, MaskShares shares, int every)
    {
        (_backend, _network, _inversion, _mask, _shares, Every) = (backend, network, inversion, mask, shares, every);
        _detector = new ExcerptDetector(backend, network);
        _predictor = new MaskedPredictor(_detector);
    }

    /// <summary>An excerpt starts every so many frames of the song.</summary>
    internal int Every { get; }

    /// <summary>Copies the rows×80 numbers of a stretch.</summary>
    internal void Take(ReadOnlySpan<float> rows)
    {
        if (_rows.Length < rows.Length) _rows = new float[rows.Length];
        rows.CopyTo(_rows);
        _rowCount = rows.Length / Bands;
    }

    /// <summary>Explains excerpts of the stretch that was taken last.</summary>
    /// <param name="first">Which frame of the song its first row is.</param>
    /// <param name="starts">The rows at which the excerpts start.</param>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    internal ExplainedStretch Explain(long first, IReadOnlyList<int> starts)
    {
        float[] probabilities = Look();
        byte[][][] levels = [.. SongExplainer.Methods.Select(_ => new byte[starts.Count][])];
        for (int done = 0; done < starts.Count; done += BatchSize)
        {
            int[] batch = [.. starts.Skip(done).Take(BatchSize)];
            using Tensor input = Excerpts(batch), features = Features(batch);
            using (Tensor chosen = _mask.Forward(input, features, MaskMaps(batch))) Rank(chosen, MaskName, levels[0].AsSpan(done, batch.Length));
            using (Tensor inverted = _inversion.Forward(features)) Rank(inverted, InversionName, levels[1].AsSpan(done, batch.Length));
        }

        float[][] masked = [.. levels.Select(own => AskAbout(own, first, starts))];
        return new ExplainedStretch(probabilities,
        [
            .. starts.Select((start, i) => new SongExcerpt(
                first + start, probabilities[start],
                [.. levels.Select((own, method) => new ExcerptLevels(own[i], float.IsNaN(masked[method][i]) ? null : masked[method][i]))])),
        ]);
    }

    /// <summary>Explains a short stretch of nothing, so that all is compiled and much of the memory is there when the first one of a song comes.</summary>
    internal void WarmUp()
    {
        Take(new float[(BatchSize - 1 + ExcerptFrames) * Bands]);
        Explain(0, [.. Enumerable.Range(0, BatchSize)]);
    }

    /// <inheritdoc/>
    public void Dispose() => _detector.Dispose();

    // Keeps the maps that the excerpts share, and returns the probabilities.
    private float[] Look()
    {
        using Tensor song = Tensor.From(_backend, new Shape(1, 1, _rowCount, Bands), _rows.AsSpan(0, _rowCount * Bands));
        using SvdNetMaps maps = _network.MapsOfEveryFrame(song);
        using Tensor probability = _network.ProbabilityOfEveryFrame(maps);
        using MaskNetworkMaps beside = _mask.Beside(maps);
        float[] probabilities = probability.ToArray();
        NetworkOutput.RequireFinite(probabilities, ClassifierName);
        _features.Load(maps.Features);
        _pool6.Load(beside.Pool6);
        _conv4.Load(beside.Conv4);
        _pool3.Load(beside.Pool3);
        return probabilities;
    }

    private Tensor Excerpts(int[] starts)
    {
        for (int n = 0; n < starts.Length; n++) Excerpt(starts[n]).CopyTo(_excerpts.AsSpan(n * ExcerptLength));
        return Tensor.From(_backend, new Shape(starts.Length, 1, ExcerptFrames, Bands), _excerpts.AsSpan(0, starts.Length * ExcerptLength));
    }

    private Tensor Features(int[] starts)
    {
        using Tensor features = _features.Gather(_backend, starts, 1, 1);
        return features.Reshape(new Shape(starts.Length, SvdNet.FeatureCount));
    }

    private MaskNetworkMaps MaskMaps(int[] starts) => new(
        _pool6.Gather(_backend, starts, PooledTwice, Pool6Rows), _conv4.Gather(_backend, starts, PooledOnce, Conv4Rows),
        _pool3.Gather(_backend, starts, PooledOnce, Pool3Rows));

    // The levels of each bin, from its importance N×1×115×80.
    private void Rank(Tensor importance, string name, Span<byte[]> levels)
    {
        Span<float> values = _importance.AsSpan(0, importance.Shape.Length);
        importance.CopyTo(values);
        NetworkOutput.RequireFinite(values, name);
        for (int n = 0; n < levels.Length; n++)
        {
            _order.Sort(values.Slice(n * ExcerptLength, ExcerptLength));
            _order.Levels(_shares.Counts, levels[n] = new byte[ExcerptLength]);
        }
    }

    // What the detector says of the excerpts that it is asked about; NaN for the others.
    private float[] AskAbout(byte[][] levels, long first, IReadOnlyList<int> starts)
    {
        float[] masked = new float[starts.Count];
        masked.AsSpan().Fill(float.NaN);
        for (int i = 0; i < starts.Count; i++)
        {
            // The last excerpt starts where the song wants it.
            long start = first + starts[i];
            if (start % (Every * SongExplainer.AskedOfExplained) != 0 && start % Every == 0) continue;
            _shares.Mask(levels[i], _shown);
            _predictor.Add(Excerpt(starts[i]), _shown, MaskSide.Kept, [], masked, i);
        }

        _predictor.Flush();
        return masked;
    }

    private ReadOnlySpan<float> Excerpt(int start) => _rows.AsSpan(start * Bands, ExcerptLength);

    /// <summary>A map of 1×C×H×W on the host.</summary>
    private sealed class HostMap
    {
        private float[] _values = [];
        private float[] _gathered = [];
        private int _channels, _rows, _columns;

        public void Load(Tensor map)
        {
            (_channels, _rows, _columns) = (map.Shape[1], map.Shape[2], map.Shape[3]);
            if (_values.Length < map.Shape.Length) _values = new float[map.Shape.Length];
            map.CopyTo(_values.AsSpan(0, map.Shape.Length));
        }

        /// <summary>N×C×count×W: of each start s the rows s, s + step, …</summary>
        public Tensor Gather(IBackend backend, int[] starts, int step, int count)
        {
            Shape shape = new(starts.Length, _channels, count, _columns);
            if (_gathered.Length < shape.Length) _gathered = new float[shape.Length];
            Span<float> rest = _gathered;
            foreach (int start in starts)
            for (int channel = 0; channel < _channels; channel++)
            for (int row = 0; row < count; row++)
            {
                _values.AsSpan((channel * _rows + start + row * step) * _columns, _columns).CopyTo(rest);
                rest = rest[_columns..];
            }

            return Tensor.From(backend, shape, _gathered.AsSpan(0, shape.Length));
        }
    }
}
