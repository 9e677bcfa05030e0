using System.Diagnostics;
using Engine.Tests;

namespace Engine.Svd.Tests.Pages;

/// <summary>A fact that mounts a small file system, and is skipped, saying so, where that is not allowed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute() => Skip = SmallDisk.SkipReason;
}

/// <summary>A small file system in memory, mounted on a folder.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder;

    public SmallDisk(string folder, string size)
    {
        _folder = folder;
        Assert.True(Succeeds("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", folder));
    }

    public static string? SkipReason { get; } = IsAllowed() ? null : "needs to be root on Linux, with the right to mount";

    public void Dispose() => Succeeds("umount", _folder);

    private static bool IsAllowed()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root") return false;
        using TempFolder temp = new();
        if (!Succeeds("mount", "-t", "tmpfs", "tmpfs", temp.Folder)) return false;
        return Succeeds("umount", temp.Folder);
    }

    private static bool Succeeds(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
