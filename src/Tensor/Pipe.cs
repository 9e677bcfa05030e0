using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Engine.Tensors;

/// <summary>Tells the named pipes of Unix, which look like files: opening one waits until somebody writes to it.</summary>
internal static class Pipe
{
    private const int ReadOnly = 0;

    // O_NONBLOCK.
    private static readonly int withoutWaiting = OperatingSystem.IsLinux() ? 0x800 : 0x4;

    /// <summary>Whether the file is a pipe or another one that has no beginning and no end; false too if it cannot be opened.</summary>
    public static bool IsOne(string path)
    {
        if (OperatingSystem.IsWindows()) return false;
        try
        {
            int descriptor = Open(path, ReadOnly | withoutWaiting);
            if (descriptor < 0) return false;
            using SafeFileHandle handle = new(descriptor, ownsHandle: true);
            using FileStream stream = new(handle, FileAccess.Read, bufferSize: 0);
            return !stream.CanSeek;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }

    [DllImport("libc", EntryPoint = "open", BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);
}
