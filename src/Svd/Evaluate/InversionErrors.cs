using Engine.Svd.Explain.Methods;
using Engine.Svd.Model;

namespace Engine.Svd.Evaluate;

/// <summary>
/// How well an inversion x* restores the features of an excerpt x, ‖Φ(x*) − Φ(x)‖² / ‖Φ(x)‖², and the excerpt itself, ‖x* − x‖² / ‖x‖², both in %. The points
/// are the steps of the optimisation; a network has the same error at all of them.
/// </summary>
internal sealed class InversionErrors(MethodComparison comparison, ulong seed) : CurveMeasure(comparison)
{
    private const int Features = 0, Input = 1;

    private static readonly int[] _steps = [.. ((int[])[5, 10, 20, 50]).Append(new PreimageSettings().Steps)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Curves { get; } = ["features", "input"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Points { get; } = [.. _steps.Select(steps => $"{steps}")];

    /// <inheritdoc/>
    public override IReadOnlyList<CurveSummary> Summaries { get; } =
        [new("error of features", curves => curves[Features][^1]), new("error of input", curves => curves[Input][^1])];

    /// <inheritdoc/>
    public override double WorkOf(IExplanationMethod method) =>
        method.Passes + (method is OptimisedInversion ? 3 * _steps[..^1].Sum() : 0) + _steps.Length;

    /// <inheritdoc/>
    protected override void Measure(IExplanationMethod method, ExplanationBatch batch, float[] importance, SetPoint set)
    {
        using DetectorAnswer wanted = Comparison.Detector.Ask(batch.Excerpts);
        for (int point = 0; point < _steps.Length; point++)
        {
            float[] inverted = importance;
            if (method is OptimisedInversion && point < _steps.Length - 1)
            {
                PreimageSettings settings = new() { Steps = _steps[point] };
                inverted = MethodComparison.ImportanceBy(new OptimisedInversion(Comparison.Detector, seed, settings), batch);
            }

            using DetectorAnswer found = Comparison.Detector.Ask(inverted);
            for (int n = 0; n < batch.Count; n++)
            {
                Range features = (n * SvdNet.FeatureCount)..((n + 1) * SvdNet.FeatureCount);
                set(Features, point, n, RelativeError(found.FeatureValues.AsSpan(features), wanted.FeatureValues.AsSpan(features)));
                set(Input, point, n, RelativeError(Excerpt(inverted, n), batch[n]));
            }
        }
    }

    private static double RelativeError(ReadOnlySpan<float> found, ReadOnlySpan<float> wanted)
    {
        double error = 0, norm = 0;
        for (int i = 0; i < wanted.Length; i++)
        {
            error += Math.Pow((double)found[i] - wanted[i], 2);
            norm += (double)wanted[i] * wanted[i];
        }

        return 100 * error / norm;
    }
}
