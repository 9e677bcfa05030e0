using Engine.Svd.FrontEnd;
using Engine.Svd.Tests.Audio;

namespace Engine.Svd.Tests.Cli;

/// <summary>Makes a corpus of three songs of noise: one and two to train with, three to validate and to test with.</summary>
internal static class NoiseCorpus
{
    public const int SongFrames = FrontEndSettings.ExcerptFrames + 120;

    /// <summary>Makes the folder and all that is in it.</summary>
    public static void Make(string folder)
    {
        foreach (string part in (string[])["audio", "labels", "filelists"]) Directory.CreateDirectory(Path.Combine(folder, part));
        foreach (string name in (string[])["one", "two", "three"])
        {
            const int samples = (SongFrames - 1) * FrontEndSettings.Hop + FrontEndSettings.FrameLength;
            string song = Path.Combine(folder, "audio", $"{name}.wav");
            File.WriteAllBytes(song, Wav.File(1, 16, Wav.Noise(samples + name.Length)));

            // So long ago that the first command notes its digest, and no later one makes a new file.
            File.SetLastWriteTimeUtc(song, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
            File.WriteAllText(Path.Combine(folder, "labels", $"{name}.lab"), "0 1.7 nosing\n1.7 3.4 sing\n");
        }

        File.WriteAllText(Path.Combine(folder, "filelists", "train"), "one.wav\ntwo.wav\n");
        File.WriteAllText(Path.Combine(folder, "filelists", "valid"), "three.wav\n");
        File.WriteAllText(Path.Combine(folder, "filelists", "test"), "three.wav\n");
    }
}
