using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>Opens the files that a user names.</summary>
public static class InputFile
{
    /// <summary>Opens an existing, regular, non-empty file for sequential reading.</summary>
    /// <exception cref="EngineException">The file is missing, a folder, not a regular file, empty or unreadable.</exception>
    public static FileStream Open(string path)
    {
        string full = FileName.Full(path);
        if (Directory.Exists(full)) throw new EngineException($"{path} is a folder; give the name of a file.");

        FileStream stream;
        try
        {
            stream = new FileStream(full, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new EngineException($"{path} does not exist; check the name.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new EngineException($"{path} cannot be read: permission denied; check who may read it.", e);
        }
        catch (IOException e)
        {
            throw new EngineException($"{path} cannot be opened: {e.Message}", e);
        }

        string? problem = !stream.CanSeek ? "is not a regular file; save its content to a file first."
            : stream.Length == 0 ? "is empty; copy or save it again."
            : null;
        if (problem is null) return stream;

        stream.Dispose();
        throw new EngineException($"{path} {problem}");
    }
}
