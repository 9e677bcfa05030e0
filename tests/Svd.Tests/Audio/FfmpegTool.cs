using System.Diagnostics;
using Engine.Svd.Audio;

namespace Engine.Svd.Tests.Audio;

/// <summary>Makes audio files with ffmpeg.</summary>
internal static class FfmpegTool
{
    public static void Run(params string[] arguments)
    {
        using Process process = Process.Start(AudioTool.Find(FfmpegSkip.SearchPath, "ffmpeg")!, ["-v", "error", "-nostdin", "-y", .. arguments]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    /// <summary>Makes a file of noise, which does not compress well, so that a share of its bytes is a share of its time.</summary>
    /// <returns>Its bytes.</returns>
    public static byte[] Noise(int seconds, string path)
    {
        Run("-f", "lavfi", "-i", $"anoisesrc=seed=1:amplitude=0.3:duration={seconds}", "-b:a", "128k", path);
        return File.ReadAllBytes(path);
    }
}
