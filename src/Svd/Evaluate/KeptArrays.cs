using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Svd.Evaluate;

/// <summary>Files that keep a song's results (.npz), so that an interrupted run can resume.</summary>
internal static class KeptArrays
{
    private const string Identity = "identity";

    /// <summary>Writes a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="identity">Numbers that stand for everything the results depend on.</param>
    /// <param name="arrays">The results.</param>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    public static void Write(string path, double[] identity, params IEnumerable<(string Name, double[] Values)> arrays) => NpzFile.Write(
        path, [.. arrays.Prepend((Identity, identity)).Select(array => (array.Item1, new NpyArray([array.Item2.Length], array.Item2)))]);

    /// <summary>Reads the arrays of such a file; null if there is no file, or if it is damaged or belongs to something else.</summary>
    public static double[][]? TryRead(string path, double[] identity, params IReadOnlyList<(string Name, int Length)> arrays)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using NpzFile file = NpzFile.Open(path);
            return file.Read(Identity, identity.Length).ToDouble().AsSpan().SequenceEqual(identity)
                ? [.. arrays.Select(array => file.Read(array.Name, array.Length).ToDouble())] : null;
        }
        catch (EngineException)
        {
            return null;
        }
    }
}
