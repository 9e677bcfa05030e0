using System.Globalization;
using System.Text;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.Explain;

namespace Engine.Svd.Evaluate;

/// <summary>A point of the curves in the paper's Fig. 5.</summary>
/// <param name="Dataset">What was evaluated.</param>
/// <param name="Case">A case's name.</param>
/// <param name="Threshold">α of the mask.</param>
/// <param name="Excerpts">The number of excerpts that were explained.</param>
/// <param name="Changed">The number of them whose label changes when they are masked.</param>
/// <param name="ExplanationLossPercent">100 · changed / excerpts.</param>
/// <param name="RelativeAreaPercent">100 · the mean of shown bins / all bins.</param>
public sealed record EvaluationPoint(
    string Dataset, string Case, double Threshold, int Excerpts, int Changed, double ExplanationLossPercent, double RelativeAreaPercent);

/// <summary>The curves of the paper's Fig. 5, as a list of points and as a CSV file.</summary>
public static class EvaluationCurves
{
    private const string Header = "dataset,case,threshold,excerpts,changed,explanation_loss_percent,relative_area_percent";

    /// <summary>The curves over all excerpts of some songs, case by case, with rising thresholds.</summary>
    /// <param name="dataset">The data set's name.</param>
    /// <param name="songs">At least one excerpt in all; every song at the same thresholds.</param>
    /// <param name="classThreshold">Excerpts with a probability of at least this count as singing.</param>
    public static IReadOnlyList<EvaluationPoint> Of(string dataset, IReadOnlyList<SongEvaluation> songs, double classThreshold)
    {
        List<EvaluationPoint> points = [];
        for (int masking = 0; masking < MaskingCase.Evaluated.Count; masking++)
        {
            (string name, MaskingCase shown) = MaskingCase.Evaluated[masking];
            for (int threshold = 0; threshold < songs[0].Thresholds.Length; threshold++)
            {
                int excerpts = 0, changed = 0;
                double area = 0;
                foreach (SongEvaluation song in songs)
                {
                    for (int excerpt = 0; excerpt < song.Starts.Length; excerpt++, excerpts++)
                    {
                        bool singing = song.Probability[excerpt] >= classThreshold;
                        if (song.MaskedProbability[song.IndexOf(masking, threshold, excerpt)] >= classThreshold != singing) changed++;
                        area += shown.AreaShown(song.RelativeArea[song.IndexOf(threshold, excerpt)]);
                    }
                }

                points.Add(new EvaluationPoint(
                    dataset, name, songs[0].Thresholds[threshold], excerpts, changed, 100.0 * changed / excerpts, 100 * area / excerpts));
            }
        }

        return points;
    }

    /// <summary>The points as the text of a CSV file; percentages have two decimals.</summary>
    public static string ToCsv(IEnumerable<EvaluationPoint> points)
    {
        StringBuilder text = new($"{Header}\n");
        foreach (EvaluationPoint point in points)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{point.Dataset},{point.Case},{point.Threshold:0.0#####},{point.Excerpts},{point.Changed},")
                .Append(CultureInfo.InvariantCulture, $"{point.ExplanationLossPercent:F2},{point.RelativeAreaPercent:F2}\n");
        }

        return text.ToString();
    }

    /// <summary>Reads such a file.</summary>
    /// <exception cref="EngineException">The file is missing or has other columns, no points, or a malformed line; the message names the line.</exception>
    public static IReadOnlyList<EvaluationPoint> Read(string path)
    {
        List<EvaluationPoint> points = [];
        bool begun = false;
        foreach ((int number, string line) in TextLines.Read(path))
        {
            if (!begun && line != Header) throw new EngineException($"{path} does not hold evaluation curves: its first line must be {Header}");
            if (begun) points.Add(Parse(line) ?? throw new EngineException($"{path}, line {number}: {MessageText.Quote(line)} is not a point of a curve"));
            begun = true;
        }

        return points.Count > 0 ? points : throw new EngineException($"{path} holds no points of evaluation curves");
    }

    private static EvaluationPoint? Parse(string line) =>
        line.Split(',') is [string dataset, string masking, string threshold, string excerpts, string changed, string loss, string area]
        && MaskingCase.Evaluated.Any(known => known.Name == masking)
        && int.TryParse(excerpts, NumberStyles.None, CultureInfo.InvariantCulture, out int all) && all > 0
        && int.TryParse(changed, NumberStyles.None, CultureInfo.InvariantCulture, out int some) && some <= all
        && Number(threshold) is { } alpha && Number(loss) is <= 100 and var lossPercent && Number(area) is <= 100 and var areaPercent
            ? new EvaluationPoint(dataset, masking, alpha, all, some, lossPercent, areaPercent)
            : null;

    // Null for anything but a finite number of at least 0.
    private static double? Number(string field) =>
        double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value is >= 0 and < double.PositiveInfinity
            ? value
            : null;
}
