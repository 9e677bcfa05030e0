using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Svd.Cli;

/// <summary>Where a command writes.</summary>
internal static class OutputFolder
{
    /// <summary>Makes the folder and tries to write there, so that a long computation does not end with its results lost.</summary>
    /// <exception cref="EngineException">The folder cannot be made or written.</exception>
    public static void Prepare(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            string probe = Path.Combine(folder, Path.GetRandomFileName());
            using FileStream file = new(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new EngineException(
                $"the folder {folder} cannot be written: {failure.Message.TrimEnd('.')}; give another with --out", failure);
        }
    }

    /// <summary>
    /// Writes a file and, with <paramref name="writeOther"/>, the one that belongs to it: where one cannot be written, as on a full disk,
    /// both stay as they were.
    /// </summary>
    /// <exception cref="EngineException">One of them cannot be written.</exception>
    public static void WriteBoth(string path, byte[] content, Action writeOther) => AtomicFile.Write(path, stream =>
    {
        stream.Write(content);
        stream.Flush();
        writeOther();
    });

    /// <summary>Writes files that belong together: where one cannot be written, all stay as they were.</summary>
    /// <param name="paths">The files, at least one.</param>
    /// <param name="contents">One each.</param>
    /// <exception cref="EngineException">One of them cannot be written.</exception>
    public static void WriteAll(string[] paths, byte[][] contents) => WriteBoth(paths[0], contents[0], () =>
    {
        if (paths.Length > 1) WriteAll(paths[1..], contents[1..]);
    });
}
