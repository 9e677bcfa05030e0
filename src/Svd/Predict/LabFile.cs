using System.Security.Cryptography;
using System.Text;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Tensors;

namespace Engine.Svd.Predict;

/// <summary>
/// The label files that predictions are written to: a comment line that says how they came about, and a segment a line. The comment ends with a digest of the
/// segments, so a file that somebody made or changed by hand is told from one that may be replaced.
/// </summary>
internal static class LabFile
{
    private const string Start = "# svd predict: ";
    private const string DigestMark = "; segments ";
    private const int DigestLength = 16;
    private const long LargestFile = 16 << 20;

    /// <summary>The file's bytes.</summary>
    /// <param name="segments">What was found.</param>
    /// <param name="how">For people, on one line: the class threshold.</param>
    public static byte[] Encode(IEnumerable<Segment> segments, string how)
    {
        string text = Segments.ToLab(segments);
        return Encoding.UTF8.GetBytes($"{Start}{MessageText.Line(how)}{DigestMark}{DigestOf(text)}\n{text}");
    }

    /// <summary>Whether a file is as <see cref="Encode"/> wrote it.</summary>
    public static bool IsUnchanged(string path)
    {
        try
        {
            using FileStream file = InputFile.Open(path);
            if (file.Length > LargestFile) return false;
            using StreamReader reader = new(file, Encoding.UTF8);
            string comment = reader.ReadLine() ?? "", text = reader.ReadToEnd();
            return comment.StartsWith(Start, StringComparison.Ordinal) && comment.EndsWith(DigestMark + DigestOf(text), StringComparison.Ordinal);
        }
        catch (Exception e) when (e is EngineException or IOException)
        {
            return false;
        }
    }

    private static string DigestOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..DigestLength];
}
