using System.Text;
using Engine.Kernels;
using Engine.Svd.Data;

namespace Engine.Svd.Predict;

/// <summary>The label files of predictions: a comment line that says how they were made, and one segment per line.</summary>
internal static class LabFile
{
    /// <summary>The file's bytes.</summary>
    /// <param name="segments">The segments.</param>
    /// <param name="how">How they were found, on one line for people to read.</param>
    public static byte[] Encode(IEnumerable<Segment> segments, string how) =>
        Encoding.UTF8.GetBytes($"# svd predict: {MessageText.Line(how)}\n{Segments.ToLab(segments)}");
}
