using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>
/// Region perturbation (Samek et al., IEEE TNNLS 2017): an excerpt is cut into square regions, and these are removed one after the other, the most relevant
/// first or the least relevant first. The curves are the probability of the class that the detector predicted for the whole excerpt, in %, while the share of
/// removed regions grows from nothing to everything. The area over the perturbation curve (AOPC) is the mean drop along a curve.
/// </summary>
/// <remarks>
/// The most-relevant-first curve is also the deletion curve of Petsiuk et al. (BMVC 2018), and the other, read from its end, their insertion curve, since
/// inserting the most relevant regions into an empty excerpt is removing the least relevant ones backwards.
/// </remarks>
/// <param name="comparison">Has the excerpts.</param>
/// <param name="size">Frames and bands of a region; those at the upper ends are smaller.</param>
/// <param name="fill">What replaces removed bins.</param>
internal sealed class RegionPerturbation(MethodComparison comparison, int size, MaskFill fill) : CurveMeasure(comparison)
{
    /// <summary>The usual size of a region.</summary>
    public const int UsualSize = 5;

    private const int Steps = 20, MostFirst = 0, LeastFirst = 1;

    private static readonly int[] _directions = [MostFirst, LeastFirst];

    private readonly int[][] _regions = RegionsOf(size);

    /// <inheritdoc/>
    public override IReadOnlyList<string> Curves { get; } = ["most relevant first", "least relevant first"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Points { get; } = [.. Enumerable.Range(0, Steps + 1).Select(step => $"{100 * step / Steps}")];

    /// <inheritdoc/>
    public override IReadOnlyList<CurveSummary> Summaries { get; } =
    [
        new("AOPC, most first", curves => DropOf(curves[MostFirst])),
        new("AOPC, least first", curves => DropOf(curves[LeastFirst])),
        new("difference", curves => DropOf(curves[MostFirst]) - DropOf(curves[LeastFirst])),
        new("deletion", curves => curves[MostFirst].Average()),
        new("insertion", curves => curves[LeastFirst].Average()),
    ];

    /// <inheritdoc/>
    public override double WorkOf(IExplanationMethod method) => method.Passes + Curves.Count * (Steps + 1);

    /// <inheritdoc/>
    protected override void Measure(IExplanationMethod method, ExplanationBatch batch, float[] importance, SetPoint set)
    {
        float[][] probabilities = [.. _directions.Select(_ => new float[(Steps + 1) * batch.Count])];
        float[] mask = new float[ExcerptLength];
        for (int n = 0; n < batch.Count; n++)
        {
            int[][] mostFirst = Sorted(Excerpt(importance, n));
            float[] filling = MaskFills.Of(fill, batch[n], Comparison.Statistics);
            foreach (int direction in _directions)
            {
                Array.Fill(mask, 1);
                for (int step = 0, removed = 0; step <= Steps; step++)
                {
                    for (; removed < step * mostFirst.Length / Steps; removed++)
                    {
                        foreach (int bin in mostFirst[direction == MostFirst ? removed : mostFirst.Length - 1 - removed]) mask[bin] = 0;
                    }

                    Comparison.Predictor.Add(batch[n], mask, MaskSide.Kept, filling, probabilities[direction], step * batch.Count + n);
                }
            }
        }

        Comparison.Predictor.Flush();
        foreach (int direction in _directions)
        for (int i = 0; i < probabilities[direction].Length; i++)
        {
            (int step, int n) = (i / batch.Count, i % batch.Count);
            double singing = probabilities[direction][i];
            set(direction, step, n, 100 * (batch.IsSinging[n] ? singing : 1 - singing));
        }
    }

    // From the region of the most important bins on average to the least; equal ones stay in their order.
    private int[][] Sorted(ReadOnlySpan<float> importance)
    {
        double[] means = new double[_regions.Length];
        for (int region = 0; region < means.Length; region++)
        {
            foreach (int bin in _regions[region]) means[region] += importance[bin];
            means[region] /= _regions[region].Length;
        }

        return [.. Enumerable.Range(0, means.Length).OrderByDescending(region => means[region]).Select(region => _regions[region])];
    }

    // The bins of each region, from the first frames and the lowest bands on.
    private static int[][] RegionsOf(int size) =>
    [
        .. Enumerable.Range(0, ExcerptLength).GroupBy(bin => (bin / Bands / size, bin % Bands / size)).Select(region => region.ToArray()),
    ];

    private static double DropOf(double[] curve) => curve[0] - curve.Average();
}
