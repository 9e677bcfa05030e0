using System.Text;
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
        if (Pipe.IsOne(full)) throw new EngineException($"{path} is not a regular file; save its content to a file first.");

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

    /// <summary>Whether a file exists and is empty. A named pipe, whose length is 0 too, is not.</summary>
    public static bool IsEmpty(string path) => File.Exists(path) && new FileInfo(path).Length == 0 && !Pipe.IsOne(FileName.Full(path));

    /// <summary>
    /// What a download often brings in place of the file: "is …" and what to do, for a message that starts with the file's name; null if it is none of these.
    /// </summary>
    /// <param name="start">The file's first bytes, at least eight if it is that long.</param>
    internal static string? Mistake(ReadOnlySpan<byte> start)
    {
        string text = Encoding.Latin1.GetString(start).TrimStart('\u00EF', '\u00BB', '\u00BF', ' ', '\t', '\r', '\n');
        bool Starts(string with) =>
            text.Length > 1 && string.Compare(text, 0, with, 0, Math.Min(text.Length, with.Length), StringComparison.OrdinalIgnoreCase) == 0;
        return Starts("version https://git-lfs") ? "is a git-LFS pointer, not the file itself; fetch the file with 'git lfs pull'."
            : Starts("<!doctype html") || Starts("<html") || Starts("<?xml") ? "is a web page, not the file itself; download the file once more."
            : null;
    }
}
