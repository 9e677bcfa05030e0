using System.Security.Cryptography;
using System.Text;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Tensors;

namespace Engine.Svd.Predict;

/// <summary>
/// The label files of predictions: a comment line that says how they were made, and one segment per line. The comment ends with a digest of the segments,
/// which tells a file that may be replaced from one that somebody made or changed by hand.
/// </summary>
internal static class LabFile
{
    private const string Start = "# svd predict: ";
    private const string DigestMark = "; segments ";
    private const int DigestLength = 16;
    private const long LargestFile = 16 << 20;

    /// <summary>The file's bytes.</summary>
    /// <param name="segments">The segments.</param>
    /// <param name="how">How they were found, on one line for people to read.</param>
    public static byte[] Encode(IEnumerable<Segment> segments, string how)
    {
        string text = Segments.ToLab(segments);
        return Encoding.UTF8.GetBytes($"{Start}{MessageText.Line(how)}{DigestMark}{DigestOf(text)}\n{text}");
    }

    /// <summary>Whether a file is exactly as <see cref="Encode"/> wrote it.</summary>
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
