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
/// Compares masks with chance and with each other. The masks of all methods keep the same number of bins of an excerpt, and the detector's answers tell how
/// much of the decision the bins hold. Excerpts are numbered song by song.
/// </summary>
public sealed class MethodComparison : IMethodMeasure<MethodScores>, IDisposable
{
    private const int BatchSize = 32;

    private readonly InversionNetwork _inversion;
    private readonly MaskNetwork? _mask;
    private readonly ulong _seed;
    private readonly IReadOnlyList<ComparedSong> _songs;
    private readonly IReadOnlyList<MaskSize> _sizes;
    private readonly IReadOnlyList<MaskQuestion> _questions;
    private readonly BandStatistics _statistics;

    // The detector that is explained, and a second one if there is one.
    private readonly ExcerptDetector[] _judges;
    private readonly MaskedPredictor[] _predictors;
    private readonly MethodIngredients _ingredients;
    private readonly double _classThreshold;
    private readonly int[] _firsts;

    // Each judge's label of each excerpt.
    private readonly bool[][] _isSinging;
    private readonly float[][] _inverted;

    /// <summary>Predicts and inverts every excerpt.</summary>
    /// <param name="backend">The backend that computes.</param>
    /// <param name="network">The detector.</param>
    /// <param name="inversion">Its inversion network.</param>
    /// <param name="mask">Its mask network; null if that method is not compared.</param>
    /// <param name="judge">A second detector, for inputs with the same statistics, that judges the same masks; or null.</param>
    /// <param name="statistics">The statistics that normalised the songs.</param>
    /// <param name="songs">The songs, with at least one excerpt in all.</param>
    /// <param name="sizes">How many bins the masks keep; each size is measured.</param>
    /// <param name="fills">What replaces the bins that a judge does not see; each is measured.</param>
    /// <param name="classThreshold">Excerpts with a probability of at least this count as singing.</param>
    /// <param name="seed">Seeds everything random.</param>
    /// <param name="progress">Gets the number of excerpts that are done, and of all.</param>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    public MethodComparison(
        IBackend backend, SvdNet network, InversionNetwork inversion, MaskNetwork? mask, SvdNet? judge, BandStatistics statistics,
        IReadOnlyList<ComparedSong> songs, IReadOnlyList<MaskSize> sizes, IReadOnlyList<MaskFill> fills, double classThreshold, ulong seed,
        Action<int, int> progress)
    {
        (_inversion, _mask, _seed) = (inversion, mask, seed);
        (_songs, _sizes, _statistics) = (songs, sizes, statistics);
        _judges = judge is null ? [new ExcerptDetector(backend, network)] : [new ExcerptDetector(backend, network), new ExcerptDetector(backend, judge)];
        _questions = [.. _judges.SelectMany((_, number) => fills.Select(fill => new MaskQuestion(number, fill)))];
        _predictors = [.. _judges.Select(detector => new MaskedPredictor(detector))];
        _classThreshold = classThreshold;
        _firsts = new int[songs.Count + 1];
        for (int song = 0; song < songs.Count; song++) _firsts[song + 1] = _firsts[song] + songs[song].Starts.Length;
        _isSinging = [.. _judges.Select(_ => new bool[Count])];
        _inverted = new float[Count][];
        NetworkMethod inverter = NetworkMethod.Of(_judges[0], inversion);
        for (int song = 0; song < songs.Count; song++)
        {
            foreach ((int first, float[] excerpts) in ExcerptsOf(song))
            {
                int number = _firsts[song] + first, count = excerpts.Length / ExcerptLength;
                for (int j = 0; j < _judges.Length; j++)
                {
                    using DetectorAnswer answer = _judges[j].Ask(excerpts);
                    for (int n = 0; n < count; n++) _isSinging[j][number + n] = answer.Probabilities[n] >= classThreshold;
                    if (j == 0) Split(inverter.ImportanceOf(answer)).CopyTo(_inverted, number);
                }

                progress(number + count, Count);
            }
        }

        _ingredients = IngredientsOf(_judges[0], _inverted);
    }

    /// <summary>How many excerpts there are.</summary>
    public int Count => _firsts[^1];

    /// <summary>The detector that is explained.</summary>
    internal ExcerptDetector Detector => _judges[0];

    /// <summary>Asks that detector about masked excerpts.</summary>
    internal MaskedPredictor Predictor => _predictors[0];

    /// <summary>The statistics that normalised the songs.</summary>
    internal BandStatistics Statistics => _statistics;

    /// <summary>Every judge with every fill.</summary>
    public IReadOnlyList<MaskQuestion> Questions => _questions;

    /// <summary>How many excerpts a song has.</summary>
    public int CountOf(int song) => _songs[song].Starts.Length;

    /// <summary>The song of every excerpt.</summary>
    public IReadOnlyList<int> SongOf => [.. _songs.SelectMany((song, i) => song.Starts.Select(_ => i))];

    /// <summary>Whether the judge of a question calls the excerpts sung.</summary>
    public IReadOnlyList<bool> IsSinging(MaskQuestion question) => _isSinging[question.Judge];

    /// <summary>Makes a method for these excerpts.</summary>
    public IExplanationMethod Create(string method) => ExplanationMethods.Create(method, _ingredients);

    /// <summary>What methods need to explain these excerpts with another detector, whose inversions it computes.</summary>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    internal MethodIngredients IngredientsFor(ExcerptDetector detector)
    {
        NetworkMethod inverter = NetworkMethod.Of(detector, _inversion);
        float[][] inverted = new float[Count][];
        for (int song = 0; song < _songs.Count; song++)
        {
            foreach (ExplanationBatch batch in BatchesOf(song)) Split(ImportanceBy(inverter, batch)).CopyTo(inverted, batch.First);
        }

        return IngredientsOf(detector, inverted);
    }

    /// <inheritdoc/>
    public double WorkOf(IExplanationMethod method) => method.Passes + 2 * _sizes.Count * _questions.Count;

    /// <inheritdoc/>
    public void Write(MethodScores scores, string path, double[] identity) => scores.Write(path, identity);

    /// <inheritdoc/>
    public MethodScores? TryRead(string path, double[] identity, int song) =>
        MethodScores.TryRead(path, identity, _sizes.Count, _questions.Count, CountOf(song));

    /// <inheritdoc/>
    public MethodScores Measure(IExplanationMethod method, int song, Action<int> progress)
    {
        int all = _songs[song].Starts.Length;
        double[][] values = [.. MethodScores.Measures.Select(measure => new double[MethodScores.RowsOf(measure, _sizes.Count, _questions.Count) * all])];
        TimeSpan time = default;
        ImportanceOrder[] orders = NewOrders();
        foreach ((int first, float[] excerpts) in ExcerptsOf(song))
        {
            int number = _firsts[song] + first, count = excerpts.Length / ExcerptLength;
            long start = Stopwatch.GetTimestamp();
            Explain(method, BatchAt(number, excerpts), orders);
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

    /// <summary>A song's excerpts in batches, with the labels that the detector gives them.</summary>
    internal IEnumerable<ExplanationBatch> BatchesOf(int song) => ExcerptsOf(song).Select(batch => BatchAt(_firsts[song] + batch.First, batch.Excerpts));

    /// <summary>The importance of every bin of a batch by a method.</summary>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    internal static float[] ImportanceBy(IExplanationMethod method, ExplanationBatch batch)
    {
        float[] importance = new float[batch.Excerpts.Length];
        method.Explain(batch, importance);
        NetworkOutput.RequireFinite(importance, $"the method {method.Name}");
        return importance;
    }

    /// <summary>Explains a song's excerpts by a method. The observer gets each excerpt's number within the song and the order of its bins.</summary>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    internal void Explain(IExplanationMethod method, int song, Action<int, ImportanceOrder> observe)
    {
        ImportanceOrder[] orders = NewOrders();
        foreach (ExplanationBatch batch in BatchesOf(song))
        {
            Explain(method, batch, orders);
            for (int n = 0; n < batch.Count; n++) observe(batch.First - _firsts[song] + n, orders[n]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ExcerptDetector judge in _judges) judge.Dispose();
    }

    // Overwrites 1 if the label changes when only the masks' bins are shown (or, in the second array, only the others), else 0.
    private void Ask(MaskQuestion question, int number, float[] excerpts, float[] masks, Span<double> keptAlone, Span<double> keptRemoved)
    {
        int count = keptAlone.Length;
        float[] kept = new float[count], removed = new float[count];
        MaskedPredictor predictor = _predictors[question.Judge];
        for (int n = 0; n < count; n++)
        {
            Range at = (n * ExcerptLength)..((n + 1) * ExcerptLength);
            ReadOnlySpan<float> excerpt = excerpts.AsSpan(at), mask = masks.AsSpan(at);
            float[] fill = MaskFills.Of(question.Fill, excerpt, _statistics);
            predictor.Add(excerpt, mask, MaskSide.Kept, fill, kept, n);
            predictor.Add(excerpt, mask, MaskSide.Removed, fill, removed, n);
        }

        predictor.Flush();
        for (int n = 0; n < count; n++)
        {
            bool isSinging = _isSinging[question.Judge][number + n];
            keptAlone[n] = kept[n] >= _classThreshold != isSinging ? 1 : 0;
            keptRemoved[n] = removed[n] >= _classThreshold != isSinging ? 1 : 0;
        }
    }

    private static ImportanceOrder[] NewOrders() => [.. Enumerable.Range(0, BatchSize).Select(_ => new ImportanceOrder())];

    private static float[][] Split(float[] excerpts) => [.. excerpts.Chunk(ExcerptLength)];

    private MethodIngredients IngredientsOf(ExcerptDetector detector, float[][] inverted) => new(
        detector, NetworkMethod.Of(detector, _inversion), new OptimisedInversion(detector, _seed), _mask is null ? null : NetworkMethod.Of(detector, _mask),
        inverted, _statistics, _seed);

    // Sorts each excerpt's bins.
    private static void Explain(IExplanationMethod method, ExplanationBatch batch, ImportanceOrder[] orders)
    {
        float[] importance = ImportanceBy(method, batch);
        for (int n = 0; n < batch.Count; n++) orders[n].Sort(importance.AsSpan(n * ExcerptLength, ExcerptLength));
    }

    private ExplanationBatch BatchAt(int number, float[] excerpts) =>
        new(number, excerpts, _isSinging[0][number..(number + excerpts.Length / ExcerptLength)]);

    // A song's excerpts in batches, each with the number of its first excerpt.
    private IEnumerable<(int First, float[] Excerpts)> ExcerptsOf(int song)
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
}
