using System.Text;

namespace Engine.Svd.Evaluate;

/// <summary>The mean of a number over all excerpts, with its interval.</summary>
public sealed record NamedEstimate(string Name, Estimate Value);

/// <summary>The mean of a curve over all excerpts, with its interval at each point.</summary>
public sealed record NamedCurve(string Name, IReadOnlyList<Estimate> Values);

/// <summary>The curves of a method over all excerpts. <see cref="TwoLevelBootstrap"/> gives the intervals.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Milliseconds">Per explanation.</param>
/// <param name="Summaries">What sums the curves up.</param>
/// <param name="Curves">The curves.</param>
public sealed record CurveRow(string Method, double Milliseconds, IReadOnlyList<NamedEstimate> Summaries, IReadOnlyList<NamedCurve> Curves);

/// <summary>The table of a <see cref="CurveMeasure"/>.</summary>
internal static class CurveTable
{
    /// <summary>The columns of <see cref="ToCsv"/>.</summary>
    public const string Header = "method,milliseconds,measure,point,value,low,high";

    /// <summary>A row for each method.</summary>
    /// <param name="measure">What was measured.</param>
    /// <param name="methods">The methods' names and their curves for each song.</param>
    /// <param name="songOf">The song of every excerpt.</param>
    /// <param name="seed">Seeds the draws of the intervals.</param>
    public static IReadOnlyList<CurveRow> Of(
        CurveMeasure measure, IReadOnlyList<(string Name, IReadOnlyList<MethodCurves> Songs)> methods, IReadOnlyList<int> songOf, ulong seed)
    {
        TwoLevelBootstrap bootstrap = new(songOf, seed);
        return [.. methods.Select(method =>
        {
            double[] At(int curve, int point) => [.. method.Songs.SelectMany(song => song.At(curve, point).ToArray())];

            // Of each excerpt, each curve.
            double[][][] excerpts =
            [
                .. method.Songs.SelectMany(song => Enumerable.Range(0, song.Count).Select(n => measure.Curves.Select(
                    (_, curve) => measure.Points.Select((_, point) => song.At(curve, point)[n]).ToArray()).ToArray())),
            ];
            return new CurveRow(
                method.Name, 1000 * method.Songs.Sum(song => song.Seconds) / songOf.Count,
                [.. measure.Summaries.Select(summary => new NamedEstimate(summary.Name, bootstrap.Of([.. excerpts.Select(summary.Of)])))],
                [
                    .. measure.Curves.Select((name, curve) => new NamedCurve(
                        name, [.. measure.Points.Select((_, point) => bootstrap.Of(At(curve, point)))])),
                ]);
        })];
    }

    /// <summary>The table as a CSV file: a line for each summary and for each point of each curve; numbers have four decimals.</summary>
    public static string ToCsv(IReadOnlyList<CurveRow> rows, IReadOnlyList<string> points)
    {
        StringBuilder text = new(Header + '\n');
        foreach (CurveRow row in rows)
        {
            foreach (NamedEstimate summary in row.Summaries) Line(row, summary.Name, "", summary.Value);
            foreach (NamedCurve curve in row.Curves)
            for (int point = 0; point < points.Count; point++)
            {
                Line(row, curve.Name, points[point], curve.Values[point]);
            }
        }

        return text.ToString();

        // The names of some summaries have commas.
        void Line(CurveRow row, string measure, string point, Estimate value) => text.AppendJoin(
            ',', [row.Method, MethodTable.Number(row.Milliseconds), measure.Replace(",", ""), point, .. MethodTable.Numbers(value)]).Append('\n');
    }
}
