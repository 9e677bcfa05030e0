using Engine.Kernels;

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
            throw new EngineException($"the folder {folder} cannot be written: {failure.Message}", failure);
        }
    }
}
