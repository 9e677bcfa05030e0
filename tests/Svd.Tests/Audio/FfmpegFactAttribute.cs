using Engine.Svd.Audio;
using Engine.Tests;

namespace Engine.Svd.Tests.Audio;

/// <summary>A fact that needs ffmpeg, and is skipped, saying so, where it is not on the PATH.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FfmpegFactAttribute : FactAttribute
{
    public FfmpegFactAttribute() => Skip = FfmpegSkip.Reason;
}

/// <summary>A theory that needs ffmpeg, and is skipped, saying so, where it is not on the PATH.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FfmpegTheoryAttribute : TheoryAttribute
{
    public FfmpegTheoryAttribute() => Skip = FfmpegSkip.Reason;
}

/// <summary>A fact that needs ffmpeg and the reference material, and is skipped, saying so, where one is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FfmpegReferenceFactAttribute : FactAttribute
{
    public FfmpegReferenceFactAttribute() => Skip = FfmpegSkip.Reason ?? ReferenceSkip.Reason;
}

/// <summary>A fact that plays ffmpeg with a shell script, and is skipped on Windows.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ShellFactAttribute : FactAttribute
{
    public ShellFactAttribute() => Skip = OperatingSystem.IsWindows() ? "needs a Unix shell" : null;
}

internal static class FfmpegSkip
{
    public static string? SearchPath { get; } = Environment.GetEnvironmentVariable("PATH");

    public static string? Reason => AudioTool.Find(SearchPath, "ffmpeg") is null ? "needs ffmpeg on the PATH" : null;
}
