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
    /// <summary>Explains a song's excerpts by a method and measures its regions.</summary>
    /// <param name="comparison">Has the excerpts.</param>
    /// <param name="method">The method.</param>
    /// <param name="song">The song's number.</param>
    /// <param name="voiceBins">The voice-dominated bins of each of the song's excerpts.</param>
    /// <param name="sizes">How many bins the regions have, as shares of all.</param>
    /// <param name="progress">Told how many of the excerpts are done.</param>
    /// <exception cref="EngineException">A network's output is not finite.</exception>
    public static LocalisationScores Of(
        MethodComparison comparison, IExplanationMethod method, int song, IReadOnlyList<bool[]> voiceBins, IReadOnlyList<MaskSize> sizes,
        Action<int> progress)
    {
        Localisation[][] regions = [.. sizes.Select(_ => new Localisation[voiceBins.Count])];
        double[] pointing = new double[voiceBins.Count];
        float[] mask = new float[ExcerptLength];
        comparison.Explain(method, song, (n, order) =>
        {
            for (int size = 0; size < sizes.Count; size++)
            {
                order.Mask(sizes[size].Bins([]), mask);
                regions[size][n] = Localisation.Of(voiceBins[n], mask);
            }

            order.Mask(order.CountOfMostImportant, mask);
            pointing[n] = Localisation.Of(voiceBins[n], mask).Precision;
            progress(n + 1);
        });
        return new LocalisationScores(regions, pointing);
    }

    /// <summary>The scores of all songs' excerpts, one song after the other.</summary>
    public static LocalisationScores Together(IReadOnlyList<LocalisationScores> songs) => new(
        [.. songs[0].Regions.Select((_, size) => songs.SelectMany(song => song.Regions[size]).ToArray())], [.. songs.SelectMany(song => song.Pointing)]);

    /// <summary>Writes an .npz file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">Numbers that stand for all that the scores depend on.</param>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    internal void Write(string path, double[] identity) => KeptArrays.Write(
        path, identity, ("pointing", Pointing),
        ("regions", [.. Regions.SelectMany(regions => regions).SelectMany(region => (double[])[region.Area, region.Recall, region.Precision])]));

    /// <summary>Reads a file that <see cref="Write"/> wrote; null if there is none, or if it is damaged or belongs to something else.</summary>
    internal static LocalisationScores? TryRead(string path, double[] identity, int sizes, int count)
    {
        double[][]? arrays = KeptArrays.TryRead(path, identity, ("pointing", count), ("regions", 3 * sizes * count));
        if (arrays is not [double[] pointing, double[] regions] || !regions.Concat(pointing).All(share => share is >= 0 and <= 1)) return null;
        Localisation At(int i) => new(regions[3 * i], regions[3 * i + 1], regions[3 * i + 2]);
        return new LocalisationScores(
            [.. Enumerable.Range(0, sizes).Select(size => Enumerable.Range(0, count).Select(n => At(size * count + n)).ToArray())], pointing);
    }
}
