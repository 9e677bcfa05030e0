using System.Globalization;
using System.Text;
using Engine.Svd.Explain;
using Engine.Svd.Explain.Methods;

namespace Engine.Svd.Evaluate;

/// <summary>A line of a comparison of methods at equal area.</summary>
public interface IMethodRow
{
    /// <summary>The method's name.</summary>
    string Method { get; }

    /// <summary>How many bins its masks keep.</summary>
    MaskSize Size { get; }

    /// <summary>The same in % of all bins, on average.</summary>
    double Area { get; }
}

/// <summary>A method's results at one size. All but components and milliseconds are percentages. <see cref="TwoLevelBootstrap"/> gives the intervals.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Question">Which detector judges, and what replaces the bins that are removed.</param>
/// <param name="Size">How many bins its masks keep.</param>
/// <param name="Area">The share of kept bins.</param>
/// <param name="Sufficiency">Excerpts whose label changes if only the kept bins are shown: the explanation loss, small if the bins suffice.</param>
/// <param name="Necessity">Excerpts whose label changes if only the kept bins are removed; many if the bins are needed.</param>
/// <param name="Components">Connected components of a mask.</param>
/// <param name="MedianComponents">Their median.</param>
/// <param name="LargestShare">The share of the kept bins that lie in the largest component.</param>
/// <param name="Milliseconds">Per explanation.</param>
/// <param name="SufficiencyLessRandom">Sufficiency minus that of random bins, excerpt by excerpt; null if random bins were not measured.</param>
/// <param name="NecessityLessRandom">The same for necessity.</param>
/// <param name="SungSufficiency">The mean of sufficiency over the excerpts that the judge calls sung; null if there are none.</param>
/// <param name="UnsungSufficiency">The same for those that it calls unsung.</param>
/// <param name="SungNecessity">The mean of necessity over the excerpts that the judge calls sung.</param>
/// <param name="UnsungNecessity">The same for those that it calls unsung.</param>
public sealed record MethodRow(
    string Method, MaskQuestion Question, MaskSize Size, double Area, Estimate Sufficiency, Estimate Necessity, Estimate Components,
    double MedianComponents, Estimate LargestShare, double Milliseconds,
    Estimate? SufficiencyLessRandom, Estimate? NecessityLessRandom, double? SungSufficiency, double? UnsungSufficiency, double? SungNecessity,
    double? UnsungNecessity) : IMethodRow;

/// <summary>The table of a comparison of methods.</summary>
public static class MethodTable
{
    /// <summary>The columns of <see cref="ToCsv"/>.</summary>
    public const string Header =
        "judge,fill,size,method,area_percent,sufficiency_percent,sufficiency_low,sufficiency_high,necessity_percent,necessity_low,necessity_high,"
        + "components,components_low,components_high,components_median,largest_share_percent,largest_share_low,largest_share_high,milliseconds,"
        + "sufficiency_less_random,sufficiency_less_random_low,sufficiency_less_random_high,"
        + "necessity_less_random,necessity_less_random_low,necessity_less_random_high,"
        + "sung_sufficiency_percent,unsung_sufficiency_percent,sung_necessity_percent,unsung_necessity_percent";

    /// <summary>A row for each question, size and method, in this order.</summary>
    /// <param name="sizes">The sizes of the masks.</param>
    /// <param name="questions">The judges and fillings.</param>
    /// <param name="methods">The methods' names and their scores for each song.</param>
    /// <param name="songOf">The song of every excerpt.</param>
    /// <param name="isSinging">For each question, whether its judge calls the excerpts sung.</param>
    /// <param name="seed">Seeds the draws of the intervals.</param>
    public static IReadOnlyList<MethodRow> Of(
        IReadOnlyList<MaskSize> sizes, IReadOnlyList<MaskQuestion> questions, IReadOnlyList<(string Name, IReadOnlyList<MethodScores> Songs)> methods,
        IReadOnlyList<int> songOf, IReadOnlyList<IReadOnlyList<bool>> isSinging, ulong seed)
    {
        TwoLevelBootstrap bootstrap = new(songOf, seed);
        IReadOnlyList<MethodScores>? random = methods.FirstOrDefault(method => method.Name == ExplanationMethods.Random).Songs;
        List<MethodRow> rows = [];
        for (int question = 0; question < questions.Count; question++)
        for (int size = 0; size < sizes.Count; size++)
        {
            foreach ((string name, IReadOnlyList<MethodScores> songs) in methods)
            {
                double[] Of(IReadOnlyList<MethodScores> scores, MaskMeasure measure) =>
                    [.. scores.SelectMany(song => song[measure, size, question].ToArray())];
                Estimate Percent(MaskMeasure measure) => bootstrap.Of(Scale(Of(songs, measure), 100));
                Estimate? LessRandom(MaskMeasure measure) => random is null || name == ExplanationMethods.Random ? null : bootstrap.Of(
                    Scale([.. Of(songs, measure).Zip(Of(random, measure), (ours, chance) => ours - chance)], 100));
                double? OfLabel(MaskMeasure measure, bool singing) =>
                    Of(songs, measure).Where((_, excerpt) => isSinging[question][excerpt] == singing).Select(changed => (double?)(100 * changed)).Average();
                double[] components = Of(songs, MaskMeasure.Components);
                rows.Add(new MethodRow(
                    name, questions[question], sizes[size], Percent(MaskMeasure.Area).Mean, Percent(MaskMeasure.KeptAlone),
                    Percent(MaskMeasure.KeptRemoved), bootstrap.Of(components), Median(components), Percent(MaskMeasure.LargestShare),
                    1000 * songs.Sum(song => song.Seconds) / songOf.Count, LessRandom(MaskMeasure.KeptAlone), LessRandom(MaskMeasure.KeptRemoved),
                    OfLabel(MaskMeasure.KeptAlone, true), OfLabel(MaskMeasure.KeptAlone, false), OfLabel(MaskMeasure.KeptRemoved, true),
                    OfLabel(MaskMeasure.KeptRemoved, false)));
            }
        }

        return rows;
    }

    /// <summary>The table as a CSV file. Numbers have four decimals; a missing number is empty.</summary>
    public static string ToCsv(IReadOnlyList<MethodRow> rows)
    {
        StringBuilder text = new(Header + '\n');
        foreach (MethodRow row in rows)
        {
            text.AppendJoin(
                ',',
                [
                    row.Question.JudgeName, row.Question.Fill.Name(), row.Size.ToString(), row.Method, Number(row.Area), .. Numbers(row.Sufficiency),
                    .. Numbers(row.Necessity), .. Numbers(row.Components), Number(row.MedianComponents), .. Numbers(row.LargestShare),
                    Number(row.Milliseconds), .. Numbers(row.SufficiencyLessRandom), .. Numbers(row.NecessityLessRandom),
                    .. ((double?[])[row.SungSufficiency, row.UnsungSufficiency, row.SungNecessity, row.UnsungNecessity])
                        .Select(share => share is { } percent ? Number(percent) : ""),
                ]).Append('\n');
        }

        return text.ToString();
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static double[] Scale(double[] values, double factor) => Array.ConvertAll(values, value => factor * value);

    /// <summary>An estimate's three columns; empty if there is no estimate.</summary>
    internal static string[] Numbers(Estimate? estimate) =>
        estimate is { } e ? [Number(e.Mean), Number(e.Low), Number(e.High)] : ["", "", ""];

    /// <summary>With four decimals.</summary>
    internal static string Number(double value) => value.ToString("F4", CultureInfo.InvariantCulture);
}
