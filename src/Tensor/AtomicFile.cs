using System.Collections.Concurrent;
using Engine.Kernels;
using Microsoft.Win32.SafeHandles;

namespace Engine.Tensors;

/// <summary>Writes files so that a reader finds either the old content or the new, never a part.</summary>
public static class AtomicFile
{
    private const string Prefix = ".engine-", Suffix = ".tmp";

    // A process that was just killed may have left an empty file; one that was just made is empty, too.
    private static readonly TimeSpan emptyFor = TimeSpan.FromMinutes(1);

    private static readonly ConcurrentDictionary<string, bool> cleaned = new();

    /// <summary>
    /// Makes or replaces the file with what <paramref name="write"/> puts into the stream it is given, and makes the folder if it is missing.
    /// The content goes to a temporary file beside the target and is on the disk before it takes the target's name. If anything fails, the
    /// temporary file is deleted and the target stays as it was. A process that is killed leaves its temporary file; the next process that
    /// writes into the folder deletes it.
    /// </summary>
    /// <exception cref="EngineException">The file cannot be written, or <paramref name="write"/> met an input or output error.</exception>
    public static void Write(string path, Action<Stream> write) => Attempt(path, target =>
    {
        // The lock lasts until the file has its name, so no other process mistakes it for one that was left behind.
        (FileStream stream, string temporary) = CreateTemporary(target);
        try
        {
            using (stream)
            {
                write(stream);
                stream.Flush(flushToDisk: true);
                File.Move(temporary, target, overwrite: true);
            }
        }
        finally
        {
            File.Delete(temporary);
        }
    });

    /// <summary>Throws now what <see cref="Write"/> would throw later; makes the folder where there is none and changes nothing else.</summary>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    public static void RequireWritable(string path) => Attempt(path, target =>
    {
        (FileStream stream, string temporary) = CreateTemporary(target);
        stream.Dispose();
        File.Delete(temporary);
    });

    private static void Attempt(string path, Action<string> act)
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
                target = File.ResolveLinkTarget(target, returnFinalTarget: true)?.FullName ?? target; // A link stays a link.
                RequireRegular(target);
            }

            act(target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EngineException(
                $"{path} cannot be written: {e.Message.TrimEnd('.')}; check the folder's permissions and free space.", e);
        }
    }

    private static (FileStream Stream, string Path) CreateTemporary(string target)
    {
        string folder = Directory.CreateDirectory(Path.GetDirectoryName(target)!).FullName;
        if (cleaned.TryAdd(folder, true)) Clean(folder);
        string temporary = Path.Combine(folder, $"{Prefix}{Path.GetRandomFileName()}{Suffix}");
        return (new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Delete, bufferSize: 1 << 16), temporary);
    }

    /// <summary>Deletes the temporary files that killed processes left in a folder, not those that a running process has open.</summary>
    internal static void Clean(string folder)
    {
        foreach (string file in Directory.GetFiles(folder, $"{Prefix}*{Suffix}", new EnumerationOptions { AttributesToSkip = FileAttributes.ReparsePoint }))
        {
            try
            {
                FileInfo left = new(file);
                if (left.Length == 0 && DateTime.UtcNow - left.LastWriteTimeUtc < emptyFor) continue;
                using FileStream own = new(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another process has it open, or deletes it. The work at hand does not depend on it.
            }
        }
    }

    /// <summary>
    /// Throws for a device such as <c>/dev/null</c>, which a file would replace: its length is zero, yet it cannot be set to zero.
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
