using System.Text;
using Engine.Svd.Explain;

namespace Engine.Svd.Evaluate;

/// <summary>How well a method finds the voice at one size, in %; intervals are from <see cref="TwoLevelBootstrap"/>.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Size">How many bins its regions have.</param>
/// <param name="Area">The share of all bins that lie in the region.</param>
/// <param name="Recall">The share of the voice-dominated bins that lie in the region; chance gives the area.</param>
/// <param name="Precision">The share of the region's bins that are voice-dominated; chance gives the share of voice-dominated bins.</param>
/// <param name="Pointing">Excerpts whose most important bin is voice-dominated; the same at every size, and chance gives the same as for precision.</param>
public sealed record LocalisationRow(string Method, MaskSize Size, double Area, Estimate Recall, Estimate Precision, Estimate Pointing) : IMethodRow;

/// <summary>The table of how well methods find the voice.</summary>
public static class LocalisationTable
{
    /// <summary>The columns of <see cref="ToCsv"/>.</summary>
    public const string Header =
        "size,method,area_percent,voice_percent,recall_percent,recall_low,recall_high,precision_percent,precision_low,precision_high,"
        + "pointing_percent,pointing_low,pointing_high";

    /// <summary>A row for each size and method, in this order.</summary>
    /// <param name="sizes">The sizes of the regions, shares of all bins.</param>
    /// <param name="methods">The methods' names and their scores for all excerpts.</param>
    /// <param name="songOf">The song of every excerpt.</param>
    /// <param name="seed">Seeds the draws of the intervals.</param>
    public static IReadOnlyList<LocalisationRow> Of(
        IReadOnlyList<MaskSize> sizes, IReadOnlyList<(string Name, LocalisationScores Scores)> methods, IReadOnlyList<int> songOf, ulong seed)
    {
        TwoLevelBootstrap bootstrap = new(songOf, seed);
        return
        [
            .. from size in Enumerable.Range(0, sizes.Count)
               from method in methods
               let regions = method.Scores.Regions[size]
               select new LocalisationRow(
                   method.Name, sizes[size], 100 * regions.Average(region => region.Area),
                   bootstrap.Of(Array.ConvertAll(regions, region => 100 * region.Recall)),
                   bootstrap.Of(Array.ConvertAll(regions, region => 100 * region.Precision)),
                   bootstrap.Of(Array.ConvertAll(method.Scores.Pointing, hit => 100 * hit))),
        ];
    }

    /// <summary>The table as a CSV file; numbers have four decimals.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="voicePercent">The share of voice-dominated bins.</param>
    public static string ToCsv(IReadOnlyList<LocalisationRow> rows, double voicePercent)
    {
        StringBuilder text = new(Header + '\n');
        foreach (LocalisationRow row in rows)
        {
            text.AppendJoin(
                ',',
                [
                    row.Size.ToString(), row.Method, MethodTable.Number(row.Area), MethodTable.Number(voicePercent), .. MethodTable.Numbers(row.Recall),
                    .. MethodTable.Numbers(row.Precision), .. MethodTable.Numbers(row.Pointing),
                ]).Append('\n');
        }

        return text.ToString();
    }
}
