using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>What the names of files go through before they are used.</summary>
internal static class FileName
{
    /// <summary>The full path of <paramref name="path"/>.</summary>
    /// <exception cref="EngineException">The name is blank or holds a null character.</exception>
    public static string Full(string path) =>
        string.IsNullOrWhiteSpace(path) || path.Contains('\0')
            ? throw new EngineException("A file name is blank or holds a null character; give the name of a file.")
            : Path.GetFullPath(path);
}
