using System.Diagnostics;
using Engine.Kernels;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;

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
    private readonly IReadOnlyList<MaskQuestion> _questions;
    private readonly BandStatistics _statistics;

    // The detector that is explained, and a second one if there is one.
    private readonly Detector[] _judges;
    private readonly MethodIngredients _ingredients;
    private readonly double _logitThreshold;
    private readonly int[] _firsts;

    // What each judge says of each excerpt.
    private readonly bool[][] _isSinging;
    private readonly float[][] _inverted;

    /// <summary>Predicts and inverts every excerpt.</summary>
    /// <param name="backend">Where to compute.</param>
    /// <param name="network">The detector.</param>
    /// <param name="inversion">Its inversion network.</param>
    /// <param name="mask">Its mask network; null where that method is not asked for.</param>
    /// <param name="judge">A second detector that judges the same masks, its inputs normalised with the same statistics; or null.</param>
    /// <param name="statistics">What the songs are normalised with.</param>
    /// <param name="songs">At least one excerpt in all.</param>
    /// <param name="sizes">How many bins masks keep.</param>
    /// <param name="fills">What stands in place of bins that are taken away, each in its turn.</param>
    /// <param name="classThreshold">From which probability on it counts as singing.</param>
    /// <param name="seed">Decides all that is random.</param>
    /// <param name="progress">Is told how many excerpts of how many are done.</param>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    public MethodComparison(
        IBackend backend, SvdNet network, InversionNetwork inversion, MaskNetwork? mask, SvdNet? judge, BandStatistics statistics,
        IReadOnlyList<ComparedSong> songs, IReadOnlyList<MaskSize> sizes, IReadOnlyList<MaskFill> fills, double classThreshold, ulong seed, Action<int, int> progress)
    {
        (_songs, _sizes, _statistics) = (songs, sizes, statistics);
        _judges = judge is null ? [new Detector(backend, network)] : [new Detector(backend, network), new Detector(backend, judge)];
        _questions = [.. _judges.SelectMany((_, number) => fills.Select(fill => new MaskQuestion(number, fill)))];
        _logitThreshold = Math.Log(classThreshold / (1 - classThreshold));
        _firsts = new int[songs.Count + 1];
        for (int song = 0; song < songs.Count; song++) _firsts[song + 1] = _firsts[song] + songs[song].Starts.Length;
        _isSinging = [.. _judges.Select(_ => new bool[Count])];
        _inverted = new float[Count][];
        Inverter invert = Inversion.With(backend, network, inversion);
        _ingredients = new MethodIngredients(
            _judges[0], invert, mask is null ? null : MaskImportance.With(backend, network, mask), _inverted, statistics, seed);
        for (int song = 0; song < songs.Count; song++)
        {
            foreach ((int first, float[] excerpts) in BatchesOf(song))
            {
                int number = _firsts[song] + first, count = excerpts.Length / ExcerptLength;
                for (int j = 0; j < _judges.Length; j++) Labels(_judges[j], excerpts, _isSinging[j].AsSpan(number, count));
                float[] inverted = new float[excerpts.Length];
                invert(excerpts, inverted);
                for (int n = 0; n < count; n++) _inverted[number + n] = inverted.AsSpan(n * ExcerptLength, ExcerptLength).ToArray();
                progress(number + count, Count);
            }
        }
    }

    /// <summary>How many excerpts there are.</summary>
    public int Count => _firsts[^1];

    /// <summary>Who judges, and what masked bins are filled with: every judge with every filling.</summary>
    public IReadOnlyList<MaskQuestion> Questions => _questions;

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
        double[][] values = [.. MethodScores.Measures.Select(measure => new double[MethodScores.RowsOf(measure, _sizes.Count, _questions.Count) * all])];
        TimeSpan time = default;
        ImportanceOrder[] orders = NewOrders();
        foreach ((int first, float[] excerpts) in BatchesOf(song))
        {
            int number = _firsts[song] + first, count = excerpts.Length / ExcerptLength;
            long start = Stopwatch.GetTimestamp();
            Explain(method, number, excerpts, orders);
            time += Stopwatch.GetElapsedTime(start);

            float[] masks = new float[excerpts.Length];
            for (int size = 0; size < _sizes.Count; size++)
            {
                for (int n = 0; n < count; n++)
                {
                    int at = size * all + first + n, bins = _sizes[size].Bins(_inverted[method.SizedAs(number + n)]);
                    Span<float> mask = masks.AsSpan(n * ExcerptLength, ExcerptLength);
                    orders[n].Mask(bins, mask);
                    Contiguity contiguity = Contiguity.Of(mask);
                    values[(int)MaskMeasure.Area][at] = (double)bins / ExcerptLength;
                    values[(int)MaskMeasure.Components][at] = contiguity.Components;
                    values[(int)MaskMeasure.LargestShare][at] = contiguity.LargestShare;
                }

                for (int question = 0; question < _questions.Count; question++)
                {
                    int at = (question * _sizes.Count + size) * all + first;
                    Ask(_questions[question], number, excerpts, masks, values[(int)MaskMeasure.KeptAlone].AsSpan(at, count),
                        values[(int)MaskMeasure.KeptRemoved].AsSpan(at, count));
                }
            }

            progress(first + count);
        }

        return new MethodScores(all, values, time.TotalSeconds);
    }

    /// <summary>Explains a song's excerpts by a method and shows the order of each one's bins, with its number within the song, to an observer.</summary>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    internal void Explain(IExplanationMethod method, int song, Action<int, ImportanceOrder> observe)
    {
        ImportanceOrder[] orders = NewOrders();
        foreach ((int first, float[] excerpts) in BatchesOf(song))
        {
            Explain(method, _firsts[song] + first, excerpts, orders);
            for (int n = 0; n * ExcerptLength < excerpts.Length; n++) observe(first + n, orders[n]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Detector judge in _judges) judge.Dispose();
    }

    // Overwrites 1 where the label changes when only what the masks keep is left, and when only it is taken away, else 0.
    private void Ask(MaskQuestion question, int number, float[] excerpts, float[] masks, Span<double> keptAlone, Span<double> keptRemoved)
    {
        int count = keptAlone.Length;
        float[] shown = new float[2 * excerpts.Length], fill = new float[ExcerptLength];
        bool[] labels = new bool[2 * count];
        for (int n = 0; n < count; n++)
        {
            Range at = (n * ExcerptLength)..((n + 1) * ExcerptLength);
            ReadOnlySpan<float> excerpt = excerpts.AsSpan(at), mask = masks.AsSpan(at);
            Span<float> kept = shown.AsSpan(at), removed = shown.AsSpan((count + n) * ExcerptLength, ExcerptLength);
            MaskFills.Of(question.Fill, excerpt, _statistics, fill);
            for (int i = 0; i < ExcerptLength; i++) (kept[i], removed[i]) = mask[i] != 0 ? (excerpt[i], fill[i]) : (fill[i], excerpt[i]);
        }

        Labels(_judges[question.Judge], shown, labels);
        for (int n = 0; n < count; n++)
        {
            bool isSinging = _isSinging[question.Judge][number + n];
            (keptAlone[n], keptRemoved[n]) = (labels[n] != isSinging ? 1 : 0, labels[count + n] != isSinging ? 1 : 0);
        }
    }

    private static ImportanceOrder[] NewOrders() => [.. Enumerable.Range(0, BatchSize).Select(_ => new ImportanceOrder())];

    // Puts each excerpt's bins in order; the number is the first one's.
    private void Explain(IExplanationMethod method, int number, float[] excerpts, ImportanceOrder[] orders)
    {
        int count = excerpts.Length / ExcerptLength;
        float[] importance = new float[excerpts.Length];
        method.Explain(new ExplanationBatch(number, excerpts, _isSinging[0][number..(number + count)]), importance);
        Overflow.Check(importance, $"the method {method.Name}");
        for (int n = 0; n < count; n++) orders[n].Sort(importance.AsSpan(n * ExcerptLength, ExcerptLength));
    }

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

    private void Labels(Detector judge, ReadOnlySpan<float> excerpts, Span<bool> isSinging)
    {
        float[] logits = new float[isSinging.Length];
        judge.Logits(excerpts, logits);
        for (int n = 0; n < logits.Length; n++) isSinging[n] = logits[n] >= _logitThreshold;
    }
}
