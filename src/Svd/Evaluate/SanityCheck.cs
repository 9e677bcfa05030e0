using Engine.Nn;
using Engine.Svd.Data;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>
/// The sanity check of Adebayo et al. (NeurIPS 2018), cascading randomisation: the detector's layers get random weights one after the other, from the output
/// to the input, and each time the excerpts are explained again. The curves compare the importance with that of the trained detector: Spearman's rank
/// correlation, and the share of the most important fifth of the bins that stays. A method that hardly changes explains the song, not the detector. The
/// inversion and the mask network stay as they are; they see the features of the randomised detector.
/// </summary>
internal sealed class SanityCheck : CurveMeasure, IDisposable
{
    /// <summary>The share of the bins whose overlap is measured; it is also the overlap of two random masks.</summary>
    public const double OverlapShare = 0.2;

    private const int Correlation = 0, Overlap = 1;

    private readonly (SvdNet Network, ExcerptDetector Detector, MethodIngredients Ingredients)[] _stages;

    /// <summary>Makes the randomised detectors and inverts all excerpts by each.</summary>
    /// <param name="comparison">Has the excerpts, which the trained detector labels.</param>
    /// <param name="network">The trained detector.</param>
    /// <param name="seed">Seeds the random weights.</param>
    public SanityCheck(MethodComparison comparison, SvdNet network, ulong seed)
        : base(comparison)
    {
        _stages =
        [
            .. Points.Select((_, i) =>
            {
                SvdNet randomised = network.WithRandomTop(i + 1, layer => new RandomSource(seed, (ulong)RandomPurpose.SanityCheck, (ulong)layer));
                ExcerptDetector detector = new(network.Backend, randomised);
                return (randomised, detector, comparison.IngredientsFor(detector));
            }),
        ];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Curves { get; } = ["rank correlation", "overlap"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Points { get; } = SvdNet.LayersFromTheTop;

    /// <inheritdoc/>
    public override IReadOnlyList<CurveSummary> Summaries { get; } =
    [
        .. SvdNet.LayersFromTheTop.Index().Where(layer => layer.Item is "fc9" or "fc8" or "conv5")
            .Select(layer => new CurveSummary($"to {layer.Item}", curves => curves[Correlation][layer.Index])),
        new("all layers", curves => curves[Correlation][^1]),
        new("overlap, all layers", curves => curves[Overlap][^1]),
    ];

    /// <inheritdoc/>
    public override double WorkOf(IExplanationMethod method) => (1 + Points.Count) * (method.Passes + 1);

    /// <summary>Frees the randomised detectors.</summary>
    public void Dispose()
    {
        foreach ((SvdNet network, ExcerptDetector detector, _) in _stages)
        {
            detector.Dispose();
            network.Dispose();
        }
    }

    /// <inheritdoc/>
    protected override void Measure(IExplanationMethod method, ExplanationBatch batch, float[] importance, SetPoint set)
    {
        double[][] ranks = RanksOf(importance, batch.Count);
        float[][] masks = MasksOf(importance, batch.Count);
        for (int stage = 0; stage < _stages.Length; stage++)
        {
            float[] changed = MethodComparison.ImportanceBy(ExplanationMethods.Create(method.Name, _stages[stage].Ingredients), batch);
            double[][] changedRanks = RanksOf(changed, batch.Count);
            float[][] changedMasks = MasksOf(changed, batch.Count);
            for (int n = 0; n < batch.Count; n++)
            {
                set(Correlation, stage, n, RankCorrelation.Of(ranks[n], changedRanks[n]));
                set(Overlap, stage, n, masks[n].Zip(changedMasks[n], (one, other) => one * other).Sum() / masks[n].Sum());
            }
        }
    }

    private static double[][] RanksOf(float[] importance, int count) =>
        [.. Enumerable.Range(0, count).Select(n => RankCorrelation.RanksOf(Excerpt(importance, n)))];

    private static float[][] MasksOf(float[] importance, int count) => [.. Enumerable.Range(0, count).Select(n =>
    {
        float[] mask = new float[ExcerptLength];
        MaskSize.Share(OverlapShare).Mask(Excerpt(importance, n), mask);
        return mask;
    })];
}
