using System.Globalization;
using System.Text;

namespace Engine.Svd.Evaluate;

/// <summary>How a method does at a size; percentages but for components and milliseconds, intervals as <see cref="TwoLevelBootstrap"/> has them.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Size">How many bins its masks keep.</param>
/// <param name="Area">Kept bins of all bins.</param>
/// <param name="Sufficiency">Excerpts whose label changes when only the kept bins are left: the explanation loss, small where they suffice.</param>
/// <param name="Necessity">Excerpts whose label changes when the kept bins alone are removed, many where they are needed.</param>
/// <param name="Components">Connected components of a mask.</param>
/// <param name="LargestShare">Kept bins in the largest component of all kept bins.</param>
/// <param name="Milliseconds">Per explanation.</param>
/// <param name="SufficiencyLessRandom">Sufficiency less that of random bins, excerpt by excerpt; null where those were not asked for.</param>
/// <param name="NecessityLessRandom">The same of necessity.</param>
public sealed record MethodRow(
    string Method, MaskSize Size, double Area, Estimate Sufficiency, Estimate Necessity, Estimate Components, Estimate LargestShare, double Milliseconds,
    Estimate? SufficiencyLessRandom, Estimate? NecessityLessRandom);

/// <summary>The table of a comparison of methods.</summary>
public static class MethodTable
{
    /// <summary>The columns of <see cref="ToCsv"/>.</summary>
    public const string Header =
        "size,method,area_percent,sufficiency_percent,sufficiency_low,sufficiency_high,necessity_percent,necessity_low,necessity_high,"
        + "components,components_low,components_high,largest_share_percent,largest_share_low,largest_share_high,milliseconds,"
        + "sufficiency_less_random,sufficiency_less_random_low,sufficiency_less_random_high,"
        + "necessity_less_random,necessity_less_random_low,necessity_less_random_high";

    private const string Random = "random";

    /// <summary>A row for each size and method: size by size, the methods as given.</summary>
    /// <param name="sizes">The sizes of the masks.</param>
    /// <param name="methods">The methods' names and their scores of each song.</param>
    /// <param name="songOf">The song of every excerpt.</param>
    /// <param name="seed">Decides the intervals' draws.</param>
    public static IReadOnlyList<MethodRow> Of(
        IReadOnlyList<MaskSize> sizes, IReadOnlyList<(string Name, IReadOnlyList<MethodScores> Songs)> methods, IReadOnlyList<int> songOf, ulong seed)
    {
        TwoLevelBootstrap bootstrap = new(songOf, seed);
        IReadOnlyList<MethodScores>? random = methods.FirstOrDefault(method => method.Name == Random).Songs;
        List<MethodRow> rows = [];
        for (int size = 0; size < sizes.Count; size++)
        {
            foreach ((string name, IReadOnlyList<MethodScores> songs) in methods)
            {
                Estimate Percent(MaskMeasure measure) => bootstrap.Of(Scale(Gather(songs, measure, size), 100));
                Estimate? LessRandom(MaskMeasure measure) => random is null || name == Random ? null : bootstrap.Of(
                    Scale([.. Gather(songs, measure, size).Zip(Gather(random, measure, size), (ours, chance) => ours - chance)], 100));
                rows.Add(new MethodRow(
                    name, sizes[size], Percent(MaskMeasure.Area).Mean, Percent(MaskMeasure.KeptAlone), Percent(MaskMeasure.KeptRemoved),
                    bootstrap.Of(Gather(songs, MaskMeasure.Components, size)), Percent(MaskMeasure.LargestShare),
                    1000 * songs.Sum(song => song.Seconds) / songOf.Count,
                    LessRandom(MaskMeasure.KeptAlone), LessRandom(MaskMeasure.KeptRemoved)));
            }
        }

        return rows;
    }

    /// <summary>The table as a CSV file: numbers with four decimals, nothing where there is none.</summary>
    public static string ToCsv(IReadOnlyList<MethodRow> rows)
    {
        StringBuilder text = new(Header + '\n');
        foreach (MethodRow row in rows)
        {
            text.AppendJoin(
                ',',
                [
                    row.Size.ToString(), row.Method, Number(row.Area), .. Numbers(row.Sufficiency), .. Numbers(row.Necessity), .. Numbers(row.Components),
                    .. Numbers(row.LargestShare), Number(row.Milliseconds), .. Numbers(row.SufficiencyLessRandom), .. Numbers(row.NecessityLessRandom),
                ]).Append('\n');
        }

        return text.ToString();
    }

    private static double[] Gather(IReadOnlyList<MethodScores> songs, MaskMeasure measure, int size) =>
        [.. songs.SelectMany(song => song[measure, size].ToArray())];

    private static double[] Scale(double[] values, double factor) => Array.ConvertAll(values, value => factor * value);

    private static string[] Numbers(Estimate? estimate) =>
        estimate is { } e ? [Number(e.Mean), Number(e.Low), Number(e.High)] : ["", "", ""];

    private static string Number(double value) => value.ToString("F4", CultureInfo.InvariantCulture);
}
