using Engine.Kernels;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>What is measured of a method's mask of an excerpt.</summary>
public enum MaskMeasure
{
    /// <summary>Kept bins / all bins.</summary>
    Area,

    /// <summary>
    /// 1 if the label changes when only the kept bins are left and the others are filled with something else, else 0; its mean is the explanation loss.
    /// </summary>
    KeptAlone,

    /// <summary>1 if the label changes when the kept bins alone are filled with something else, else 0.</summary>
    KeptRemoved,

    /// <summary>Connected components of the kept bins.</summary>
    Components,

    /// <summary>The share of the kept bins that is in the largest component.</summary>
    LargestShare,
}

/// <summary>What became of a song's N excerpts under a method's masks of S sizes, and under Q questions about each.</summary>
/// <param name="Count">N.</param>
/// <param name="Values">For every <see cref="MaskMeasure"/> S×N numbers in C order, or Q×S×N of those that depend on the question.</param>
/// <param name="Seconds">How long the method took for all N: importance and order of the bins, without what is measured of them.</param>
public sealed record MethodScores(int Count, double[][] Values, double Seconds)
{
    /// <summary>Every measure, in the order of <see cref="Values"/>.</summary>
    public static IReadOnlyList<MaskMeasure> Measures { get; } = Enum.GetValues<MaskMeasure>();

    /// <summary>One number an excerpt; a measure that does not depend on the question is the same for all.</summary>
    public ReadOnlySpan<double> this[MaskMeasure measure, int size, int question = 0] =>
        Values[(int)measure].AsSpan(size * Count + (DependsOnTheQuestion(measure) ? question * Values[(int)MaskMeasure.Area].Length : 0), Count);

    /// <summary>How many numbers an excerpt has of a measure.</summary>
    public static int RowsOf(MaskMeasure measure, int sizes, int questions) => DependsOnTheQuestion(measure) ? sizes * questions : sizes;

    /// <summary>Writes an .npz file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">Numbers that stand for all that the scores depend on.</param>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    public void Write(string path, double[] identity) => NpzFile.Write(
        path,
        [
            ("identity", new NpyArray([identity.Length], identity)), ("seconds", new NpyArray([], [Seconds])),
            .. Measures.Select(measure => (NameOf(measure), new NpyArray([Values[(int)measure].Length], Values[(int)measure]))),
        ]);

    /// <summary>Reads a file that <see cref="Write"/> wrote; null where there is none, or one that is damaged or of something else.</summary>
    public static MethodScores? TryRead(string path, double[] identity, int sizes, int questions, int count)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using NpzFile file = NpzFile.Open(path);
            double[] Read(string name, int length) => file.Read(name, length).ToDouble();
            if (!Read("identity", identity.Length).AsSpan().SequenceEqual(identity)) return null;
            double[][] values = [.. Measures.Select(measure => Read(NameOf(measure), RowsOf(measure, sizes, questions) * count))];
            double seconds = Read("seconds", 1)[0];
            return seconds >= 0 && double.IsFinite(seconds) && Measures.All(measure => Array.TrueForAll(values[(int)measure], value => IsPossible(measure, value)))
                ? new MethodScores(count, values, seconds) : null;
        }
        catch (EngineException)
        {
            return null;
        }
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
