using System.Text;
using System.Text.Json;
using Engine.Svd.Evaluate;
using Engine.Svd.Figures;

namespace Engine.Svd.Cli;

/// <summary>What <c>svd evaluate --methods</c> measures.</summary>
internal enum MeasureKind
{
    /// <summary>Whether masks of equal size suffice and are needed.</summary>
    Masks,

    /// <summary><see cref="RegionPerturbation"/>.</summary>
    Perturbation,

    /// <summary><see cref="SanityCheck"/>.</summary>
    Sanity,

    /// <summary><see cref="InversionErrors"/>.</summary>
    Reconstruction,
}

/// <summary>The names of the measures' files.</summary>
internal static class MeasureKinds
{
    /// <summary>The folder of the kept scores, and the files without their endings.</summary>
    public static string FolderName(this MeasureKind kind) => kind == MeasureKind.Masks ? "methods" : kind.ToString().ToLowerInvariant();
}

/// <summary>The report of a measure that is curves, as JSON, as a table and as files.</summary>
internal sealed record CurvesReport(
    string Dataset, string Split, int Songs, int Excerpts, double ClassThreshold, string Device, string[] Files, IReadOnlyList<string> Points,
    IReadOnlyList<CurveRow> Rows, IReadOnlyList<string> Warnings)
{
    /// <summary>Writes the files, prints the report and returns the exit code.</summary>
    public static int Report(MethodsRequest request, CurvesReport report)
    {
        Texts texts = TextsOf(request);
        string subheading = $"{report.Dataset}, {report.Split}: {report.Excerpts} excerpts of {report.Songs} songs; bands are 95 % intervals over songs and "
            + "excerpts";
        CurveAxes axes = new(texts.Horizontal, texts.Vertical, report.Points, texts.From, texts.To, texts.Label);
        OutputFolder.WriteAll(
            report.Files,
            [
                Encoding.UTF8.GetBytes(CurveTable.ToCsv(report.Rows, report.Points)), CurveFigure.RenderPng(report.Rows, axes, texts.Heading, subheading),
                CurveFigure.RenderSvg(report.Rows, axes, texts.Heading, subheading),
            ]);
        if (request.Json) Console.WriteLine(JsonSerializer.Serialize(report, Json.Indented));
        else Print(report, texts);
        return 0;
    }

    private static void Print(CurvesReport report, Texts texts)
    {
        Console.WriteLine($"{report.Dataset}, {report.Split}: {report.Excerpts} excerpts of {report.Songs} songs, singing if P >= {report.ClassThreshold:F4}");
        Console.WriteLine(texts.Explanation);
        Console.WriteLine("brackets: 95 % intervals of a bootstrap that draws songs, then excerpts within them, 1000 times");
        Console.WriteLine();
        Console.WriteLine($"{"",-20}  {string.Join("  ", report.Rows[0].Summaries.Select(summary => $"{summary.Name,21}"))}  {"ms",8}");
        foreach (CurveRow row in report.Rows)
        {
            string format = $"F{texts.Decimals}";
            string Number(double value) => value.ToString(format);
            Console.WriteLine($"{row.Method,-20}  "
                + string.Join("  ", row.Summaries.Select(summary =>
                    $"{$"{Number(summary.Value.Mean)} [{Number(summary.Value.Low)}, {Number(summary.Value.High)}]",21}"))
                + $"  {row.Milliseconds,8:F1}");
        }

        Console.WriteLine();
        Console.WriteLine($"written: {string.Join(", ", report.Files)}");
    }

    private static Texts TextsOf(MethodsRequest request) => request.Measure switch
    {
        MeasureKind.Perturbation => new Texts(
            $"Regions of {request.RegionSize} × {request.RegionSize} bins removed one after the other", "Removed regions (%)", "P(class) (%)", 0, 100, 5, 1,
            "AOPC: the mean drop, in points, of the probability of the predicted class while regions are removed, the most or the least relevant first;\n"
            + "deletion, insertion: the mean of that probability while the most relevant regions are removed or put in first"),
        MeasureKind.Sanity => new Texts(
            "Does the importance change when the detector's weights become random?", "Randomised from fc9 to", "As before", null, 1, 2, 2,
            "rank correlation of the importance with that of the trained detector when the layers from fc9 to the named one have random weights;\n"
            + $"overlap: the share of the most important {SanityCheck.OverlapShare:P0} of the bins that stays, by chance {SanityCheck.OverlapShare:F2}"),
        _ => new Texts(
            "How well inversions restore features and input", "Steps of the optimisation", "Squared error (%)", 0, null, 1, 1,
            "squared error of the inversion's features and of the inversion itself, in % of the squared norm of the excerpt's"),
    };

    // Heading and axes of the figure, how manieth point is labelled there, decimals of the table, and what stands above the table.
    private sealed record Texts(
        string Heading, string Horizontal, string Vertical, double? From, double? To, int Label, int Decimals, string Explanation);
}
