using Engine.Kernels;
using Microsoft.Win32.SafeHandles;

namespace Engine.Tensors;

/// <summary>Writes files so that whoever opens one finds the old content or the new, never a part.</summary>
public static class AtomicFile
{
    /// <summary>
    /// Makes or replaces the file, and its folder where there is none, with what <paramref name="write"/> puts into the stream it is given.
    /// The content goes to a temporary file beside the target and is on the disk before it takes the target's name. Whatever fails, the
    /// temporary file is deleted and the target stays as it was.
    /// </summary>
    /// <exception cref="EngineException">The file cannot be written, or <paramref name="write"/> met an input or output error.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string target = FileName.Full(path);
        if (Path.EndsInDirectorySeparator(target) || Directory.Exists(target))
        {
            throw new EngineException($"{path} cannot be written: it is a folder; give the name of a file.");
        }

        try
        {
            if (File.Exists(target))
            {
                target = File.ResolveLinkTarget(target, returnFinalTarget: true)?.FullName ?? target; // A link stays one.
                RequireRegular(target);
            }

            string folder = Directory.CreateDirectory(Path.GetDirectoryName(target)!).FullName;
            string temporary = Path.Combine(folder, $".{Path.GetRandomFileName()}.tmp");
            try
            {
                using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
                {
                    write(stream);
                    stream.Flush(flushToDisk: true);
                }

                File.Move(temporary, target, overwrite: true);
            }
            finally
            {
                File.Delete(temporary);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EngineException(
                $"{path} cannot be written: {e.Message.TrimEnd('.')}; check the folder's permissions and free space.", e);
        }
    }

    /// <summary>
    /// Throws for a device such as <c>/dev/null</c>, which a file would replace: what has no length, yet cannot be cut to none.
    /// </summary>
    private static void RequireRegular(string target)
    {
        if (new FileInfo(target).Length > 0) return;
        try
        {
            using SafeFileHandle file = File.OpenHandle(target, FileMode.Open, FileAccess.ReadWrite);
            RandomAccess.SetLength(file, 0);
        }
        catch (Exception e) when (e is IOException or NotSupportedException)
        {
            throw new IOException("it is not a regular file", e);
        }
    }
}
