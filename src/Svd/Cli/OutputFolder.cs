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
}
