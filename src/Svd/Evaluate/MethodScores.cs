using Engine.Kernels;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>The measures of a method's mask of an excerpt.</summary>
public enum MaskMeasure
{
    /// <summary>Kept bins / all bins.</summary>
    Area,

    /// <summary>
    /// 1 if the label changes when only the kept bins are shown and the others are replaced, else 0; the mean is the explanation loss.
    /// </summary>
    KeptAlone,

    /// <summary>1 if the label changes when only the kept bins are replaced, else 0.</summary>
    KeptRemoved,

    /// <summary>The number of connected components of the kept bins.</summary>
    Components,

    /// <summary>The share of the kept bins that lie in the largest component.</summary>
    LargestShare,
}

/// <summary>The measures of a method's masks for a song's N excerpts, with S sizes of masks and Q questions about each.</summary>
/// <param name="Count">N.</param>
/// <param name="Values">For each <see cref="MaskMeasure"/>, S×N numbers in C order, or Q×S×N if the measure depends on the question.</param>
/// <param name="Seconds">The time for the importance and the order of the bins of all N excerpts, without the measuring.</param>
public sealed record MethodScores(int Count, double[][] Values, double Seconds)
{
    private const string SecondsName = "seconds";

    /// <summary>Every measure, in the order of <see cref="Values"/>.</summary>
    public static IReadOnlyList<MaskMeasure> Measures { get; } = Enum.GetValues<MaskMeasure>();

    /// <summary>One number per excerpt. A measure that does not depend on the question is the same for all questions.</summary>
    public ReadOnlySpan<double> this[MaskMeasure measure, int size, int question = 0] =>
        Values[(int)measure].AsSpan(size * Count + (DependsOnTheQuestion(measure) ? question * Values[(int)MaskMeasure.Area].Length : 0), Count);

    /// <summary>How many numbers of a measure an excerpt has.</summary>
    public static int RowsOf(MaskMeasure measure, int sizes, int questions) => DependsOnTheQuestion(measure) ? sizes * questions : sizes;

    /// <summary>Writes an .npz file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">Numbers that stand for everything the scores depend on.</param>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    public void Write(string path, double[] identity) => KeptArrays.Write(
        path, identity, Measures.Select(measure => (NameOf(measure), Values[(int)measure])).Append((SecondsName, [Seconds])));

    /// <summary>Reads a file that <see cref="Write"/> wrote; null if there is none, or if it is damaged or belongs to something else.</summary>
    public static MethodScores? TryRead(string path, double[] identity, int sizes, int questions, int count)
    {
        double[][]? arrays = KeptArrays.TryRead(
            path, identity, [.. Measures.Select(measure => (NameOf(measure), RowsOf(measure, sizes, questions) * count)), (SecondsName, 1)]);
        return arrays is [.. double[][] values, [var seconds]] && seconds >= 0 && double.IsFinite(seconds)
            && Measures.All(measure => Array.TrueForAll(values[(int)measure], value => IsPossible(measure, value)))
            ? new MethodScores(count, values, seconds) : null;
    }

    private static bool IsPossible(MaskMeasure measure, double value) => measure switch
    {
        MaskMeasure.KeptAlone or MaskMeasure.KeptRemoved => value is 0 or 1,
        MaskMeasure.Components => value is >= 0 and <= ExcerptLength && double.IsInteger(value),
        _ => value is >= 0 and <= 1,
    };

    private static bool DependsOnTheQuestion(MaskMeasure measure) => measure is MaskMeasure.KeptAlone or MaskMeasure.KeptRemoved;

    private static string NameOf(MaskMeasure measure) => measure switch
    {
        MaskMeasure.Area => "area",
        MaskMeasure.KeptAlone => "changed_kept_alone",
        MaskMeasure.KeptRemoved => "changed_kept_removed",
        MaskMeasure.Components => "components",
        MaskMeasure.LargestShare => "largest_share",
        _ => throw new ArgumentOutOfRangeException(nameof(measure)),
    };
}
