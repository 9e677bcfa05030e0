using System.Diagnostics;
using Engine.Svd.Explain.Methods;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>Curves of a song's N excerpts by one method: for each curve P×N numbers, point by point.</summary>
/// <param name="Count">N.</param>
/// <param name="Values">P×N numbers for each curve.</param>
/// <param name="Seconds">The time for the importance of the bins of all N excerpts, without the measuring.</param>
public sealed record MethodCurves(int Count, double[][] Values, double Seconds)
{
    /// <summary>One number per excerpt.</summary>
    public ReadOnlySpan<double> At(int curve, int point) => Values[curve].AsSpan(point * Count, Count);
}

/// <summary>A number that sums up an excerpt's curves.</summary>
/// <param name="Name">What it is called in tables.</param>
/// <param name="Of">Computes it from the curves, each of P numbers.</param>
public sealed record CurveSummary(string Name, Func<double[][], double> Of);

/// <summary>A measure that is a few curves for each excerpt.</summary>
internal abstract class CurveMeasure(MethodComparison comparison) : IMethodMeasure<MethodCurves>
{
    /// <summary>The curves' names, in files and figures.</summary>
    public abstract IReadOnlyList<string> Curves { get; }

    /// <summary>The points' names, in files and on the horizontal axis.</summary>
    public abstract IReadOnlyList<string> Points { get; }

    /// <summary>What the table shows.</summary>
    public abstract IReadOnlyList<CurveSummary> Summaries { get; }

    /// <summary>The excerpts and their labels.</summary>
    protected MethodComparison Comparison { get; } = comparison;

    /// <inheritdoc/>
    public abstract double WorkOf(IExplanationMethod method);

    /// <inheritdoc/>
    public MethodCurves Measure(IExplanationMethod method, int song, Action<int> progress)
    {
        int all = Comparison.CountOf(song), done = 0;
        double[][] values = [.. Curves.Select(_ => new double[Points.Count * all])];
        TimeSpan time = default;
        foreach (ExplanationBatch batch in Comparison.BatchesOf(song))
        {
            long start = Stopwatch.GetTimestamp();
            float[] importance = MethodComparison.ImportanceBy(method, batch);
            time += Stopwatch.GetElapsedTime(start);
            int first = done;
            Measure(method, batch, importance, (curve, point, n, value) => values[curve][point * all + first + n] = value);
            progress(done += batch.Count);
        }

        return new MethodCurves(all, values, time.TotalSeconds);
    }

    /// <inheritdoc/>
    public void Write(MethodCurves scores, string path, double[] identity) => KeptArrays.Write(
        path, identity, Curves.Select((curve, i) => (curve, scores.Values[i])).Append(("seconds", [scores.Seconds])));

    /// <inheritdoc/>
    public MethodCurves? TryRead(string path, double[] identity, int song)
    {
        int count = Comparison.CountOf(song);
        double[][]? arrays = KeptArrays.TryRead(path, identity, [.. Curves.Select(curve => (curve, Points.Count * count)), ("seconds", 1)]);
        return arrays is null || !arrays.All(array => Array.TrueForAll(array, double.IsFinite)) || arrays[^1][0] < 0
            ? null : new MethodCurves(count, arrays[..^1], arrays[^1][0]);
    }

    /// <summary>Measures a batch's explanations, N×115×80 numbers.</summary>
    /// <param name="method">The method.</param>
    /// <param name="batch">The excerpts.</param>
    /// <param name="importance">What the method says.</param>
    /// <param name="set">Takes a value of a curve at a point for the nth excerpt of the batch.</param>
    protected abstract void Measure(IExplanationMethod method, ExplanationBatch batch, float[] importance, SetPoint set);

    /// <summary>One excerpt of 115×80 numbers.</summary>
    protected static ReadOnlySpan<float> Excerpt(float[] excerpts, int n) => excerpts.AsSpan(n * ExcerptLength, ExcerptLength);

    /// <summary>Takes a value of a curve at a point for the nth excerpt of a batch.</summary>
    protected delegate void SetPoint(int curve, int point, int n, double value);
}
