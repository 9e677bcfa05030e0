using System.Diagnostics;
using Engine.Kernels;
using Engine.Svd.Explain.Methods;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Evaluate;

/// <summary>A song whose excerpts are explained.</summary>
/// <param name="Frames">Normalised log-mel, frames×80.</param>
/// <param name="Starts">The excerpts' first frames.</param>
public sealed record ComparedSong(float[] Frames, int[] Starts);

/// <summary>
/// Is a mask better than chance? Every method's masks keep equally many bins of an excerpt; what the detector makes of them says how much of the decision
/// they hold. Excerpts are numbered song by song.
/// </summary>
public sealed class MethodComparison : IDisposable
{
    private const int BatchSize = 32;

    private readonly IReadOnlyList<ComparedSong> _songs;
    private readonly IReadOnlyList<MaskSize> _sizes;
    private readonly Detector _detector;
    private readonly MethodIngredients _ingredients;
    private readonly double _logitThreshold;
    private readonly int[] _firsts;
    private readonly bool[] _isSinging;
    private readonly float[][] _inverted;

    /// <summary>Predicts and inverts every excerpt.</summary>
    /// <param name="backend">Where to compute.</param>
    /// <param name="network">The detector.</param>
    /// <param name="inversion">Its inversion network.</param>
    /// <param name="statistics">What the songs are normalised with.</param>
    /// <param name="songs">At least one excerpt in all.</param>
    /// <param name="sizes">How many bins masks keep.</param>
    /// <param name="classThreshold">From which probability on it counts as singing.</param>
    /// <param name="seed">Decides all that is random.</param>
    /// <param name="progress">Is told how many excerpts of how many are done.</param>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    public MethodComparison(
        IBackend backend, SvdNet network, InversionNetwork inversion, BandStatistics statistics, IReadOnlyList<ComparedSong> songs,
        IReadOnlyList<MaskSize> sizes, double classThreshold, ulong seed, Action<int, int> progress)
    {
        (_songs, _sizes) = (songs, sizes);
        _detector = new Detector(backend, network);
        _logitThreshold = Math.Log(classThreshold / (1 - classThreshold));
        _firsts = new int[songs.Count + 1];
        for (int song = 0; song < songs.Count; song++) _firsts[song + 1] = _firsts[song] + songs[song].Starts.Length;
        _isSinging = new bool[Count];
        _inverted = new float[Count][];
        Inverter invert = Inversion.With(backend, network, inversion);
        _ingredients = new MethodIngredients(_detector, invert, _inverted, statistics, seed);
        for (int song = 0; song < songs.Count; song++)
        {
            foreach ((int first, float[] excerpts) in BatchesOf(song))
            {
                int number = _firsts[song] + first, count = excerpts.Length / ExcerptLength;
                Labels(excerpts, _isSinging.AsSpan(number, count));
                float[] inverted = new float[excerpts.Length];
                invert(excerpts, inverted);
                for (int n = 0; n < count; n++) _inverted[number + n] = inverted.AsSpan(n * ExcerptLength, ExcerptLength).ToArray();
                progress(number + count, Count);
            }
        }
    }

    /// <summary>How many excerpts there are.</summary>
    public int Count => _firsts[^1];

    /// <summary>How many excerpts a song has.</summary>
    public int CountOf(int song) => _songs[song].Starts.Length;

    /// <summary>The song of every excerpt.</summary>
    public IReadOnlyList<int> SongOf => [.. _songs.SelectMany((song, i) => song.Starts.Select(_ => i))];

    /// <summary>Makes a method for these excerpts.</summary>
    public IExplanationMethod Create(string method) => ExplanationMethods.Create(method, _ingredients);

    /// <summary>Explains a song's excerpts by a method and measures the masks.</summary>
    /// <param name="method">The method.</param>
    /// <param name="song">The song's number.</param>
    /// <param name="progress">Is told how many of the song's excerpts are done.</param>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    public MethodScores Measure(IExplanationMethod method, int song, Action<int> progress)
    {
        int all = _songs[song].Starts.Length;
        double[][] values = [.. MethodScores.Measures.Select(_ => new double[_sizes.Count * all])];
        TimeSpan time = default;
        ImportanceOrder[] orders = [.. Enumerable.Range(0, BatchSize).Select(_ => new ImportanceOrder())];
        foreach ((int first, float[] excerpts) in BatchesOf(song))
        {
            int number = _firsts[song] + first, count = excerpts.Length / ExcerptLength;
            bool[] isSinging = _isSinging[number..(number + count)];
            float[] importance = new float[excerpts.Length];
            long start = Stopwatch.GetTimestamp();
            method.Explain(new ExplanationBatch(number, excerpts, isSinging), importance);
            Overflow.Check(importance, $"the method {method.Name}");
            for (int n = 0; n < count; n++) orders[n].Sort(importance.AsSpan(n * ExcerptLength, ExcerptLength));
            time += Stopwatch.GetElapsedTime(start);

            float[] mask = new float[ExcerptLength], masked = new float[2 * excerpts.Length];
            bool[] labels = new bool[2 * count];
            for (int size = 0; size < _sizes.Count; size++)
            {
                for (int n = 0; n < count; n++)
                {
                    int at = size * all + first + n, bins = _sizes[size].Bins(_inverted[method.SizedAs(number + n)]);
                    ReadOnlySpan<float> excerpt = excerpts.AsSpan(n * ExcerptLength, ExcerptLength);
                    Span<float> kept = masked.AsSpan(n * ExcerptLength, ExcerptLength);
                    orders[n].Mask(bins, mask);
                    TensorPrimitives.Multiply(mask, excerpt, kept);
                    TensorPrimitives.Subtract(excerpt, kept, masked.AsSpan((count + n) * ExcerptLength, ExcerptLength));
                    Contiguity contiguity = Contiguity.Of(mask);
                    values[(int)MaskMeasure.Area][at] = (double)bins / ExcerptLength;
                    values[(int)MaskMeasure.Components][at] = contiguity.Components;
                    values[(int)MaskMeasure.LargestShare][at] = contiguity.LargestShare;
                }

                Labels(masked, labels);
                for (int n = 0; n < count; n++)
                {
                    values[(int)MaskMeasure.KeptAlone][size * all + first + n] = labels[n] != isSinging[n] ? 1 : 0;
                    values[(int)MaskMeasure.KeptRemoved][size * all + first + n] = labels[count + n] != isSinging[n] ? 1 : 0;
                }
            }

            progress(first + count);
        }

        return new MethodScores(all, values, time.TotalSeconds);
    }

    /// <inheritdoc/>
    public void Dispose() => _detector.Dispose();

    // A song's excerpts a few at a time, each time with the number of the first.
    private IEnumerable<(int First, float[] Excerpts)> BatchesOf(int song)
    {
        (float[] frames, int[] starts) = _songs[song];
        for (int first = 0; first < starts.Length; first += BatchSize)
        {
            float[] excerpts = new float[Math.Min(BatchSize, starts.Length - first) * ExcerptLength];
            for (int n = 0; n * ExcerptLength < excerpts.Length; n++)
            {
                Array.Copy(frames, starts[first + n] * Bands, excerpts, n * ExcerptLength, ExcerptLength);
            }

            yield return (first, excerpts);
        }
    }

    private void Labels(ReadOnlySpan<float> excerpts, Span<bool> isSinging)
    {
        float[] logits = new float[isSinging.Length];
        _detector.Logits(excerpts, logits);
        for (int n = 0; n < logits.Length; n++) isSinging[n] = logits[n] >= _logitThreshold;
    }
}
