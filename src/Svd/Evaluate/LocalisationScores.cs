using Engine.Kernels;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>How well a method finds the voice in N excerpts.</summary>
/// <param name="Regions">N measures for each size of the regions.</param>
/// <param name="Pointing">
/// The pointing game (Zhang et al., 2016), N numbers: 1 if the most important bin is voice-dominated, else 0; if several are equally important, their share.
/// </param>
public sealed record LocalisationScores(Localisation[][] Regions, double[] Pointing)
{
    /// <summary>Explains excerpts by a method and measures its regions.</summary>
    /// <param name="comparison">Has the excerpts.</param>
    /// <param name="method">The method.</param>
    /// <param name="voiceBins">The voice-dominated bins of each of the songs' excerpts.</param>
    /// <param name="sizes">How many bins the regions have, as shares of all.</param>
    /// <param name="progress">Told how many of the excerpts are done.</param>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    public static LocalisationScores Of(
        MethodComparison comparison, IExplanationMethod method, IReadOnlyList<IReadOnlyList<bool[]>> voiceBins, IReadOnlyList<MaskSize> sizes,
        Action<int> progress)
    {
        Localisation[][] regions = [.. sizes.Select(_ => new Localisation[comparison.Count])];
        double[] pointing = new double[comparison.Count];
        float[] mask = new float[ExcerptLength];
        int done = 0;
        for (int song = 0; song < voiceBins.Count; song++)
        {
            comparison.Explain(method, song, (n, order) =>
            {
                bool[] truth = voiceBins[song][n];
                for (int size = 0; size < sizes.Count; size++)
                {
                    order.Mask(sizes[size].Bins([]), mask);
                    regions[size][done] = Localisation.Of(truth, mask);
                }

                order.Mask(order.CountOfMostImportant, mask);
                pointing[done] = Localisation.Of(truth, mask).Precision;
                progress(++done);
            });
        }

        return new LocalisationScores(regions, pointing);
    }
}
