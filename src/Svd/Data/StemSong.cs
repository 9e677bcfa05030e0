using Engine.Kernels;
using Engine.Svd.Audio;

namespace Engine.Svd.Data;

/// <summary>A song whose voice and accompaniment are known; the song is the sum of the two.</summary>
/// <param name="Name">The files' name without extension.</param>
/// <param name="VoicePath">The voice alone.</param>
/// <param name="MusicPath">The accompaniment alone, equally long.</param>
/// <param name="Decoder">What decodes the files.</param>
public sealed record StemSong(string Name, string VoicePath, string MusicPath, Decoder Decoder = Decoder.Auto)
{
    private const string Voice = "voice";
    private const string Music = "music";

    // macOS leaves files such as ._song.wav on shared disks. On other systems only the name tells that they are hidden.
    private static readonly EnumerationOptions _visible = new() { AttributesToSkip = FileAttributes.Hidden, IgnoreInaccessible = false };

    /// <summary>
    /// The songs of a folder in the order of their names. Each has a <c>voice/NAME.wav</c> and a <c>music/NAME.wav</c>. Hidden files are ignored.
    /// </summary>
    /// <exception cref="EngineException">The folder or one of its two subfolders does not exist or holds no such files, or a file has no partner.</exception>
    public static IReadOnlyList<StemSong> In(string folder, Decoder decoder = Decoder.Auto)
    {
        if (!Directory.Exists(folder)) throw new EngineException($"{folder} does not exist or is not a folder");
        Dictionary<string, string> voices = Files(folder, Voice), music = Files(folder, Music);
        RequirePartners(voices, music, Path.Combine(folder, Music));
        RequirePartners(music, voices, Path.Combine(folder, Voice));
        return [.. voices.Select(voice => new StemSong(Path.GetFileNameWithoutExtension(voice.Key), voice.Value, music[voice.Key], decoder))];
    }

    /// <summary>Opens the song itself.</summary>
    /// <exception cref="EngineException">A file cannot be read.</exception>
    public AudioStream OpenMix()
    {
        AudioStream voice = OpenVoice();
        try
        {
            return new MixStream(voice, OpenMusic());
        }
        catch
        {
            voice.Dispose();
            throw;
        }
    }

    /// <summary>Opens the voice alone.</summary>
    /// <exception cref="EngineException">The file cannot be read.</exception>
    public AudioStream OpenVoice() => AudioStream.Open(VoicePath, decoder: Decoder);

    /// <summary>Opens the accompaniment alone.</summary>
    /// <exception cref="EngineException">The file cannot be read.</exception>
    public AudioStream OpenMusic() => AudioStream.Open(MusicPath, decoder: Decoder);

    private static void RequirePartners(Dictionary<string, string> stems, Dictionary<string, string> partners, string folder)
    {
        if (stems.FirstOrDefault(stem => !partners.ContainsKey(stem.Key)) is { Value: { } alone })
        {
            throw new EngineException($"{alone} has no partner {Path.Combine(folder, Path.GetFileName(alone))}");
        }
    }

    // The files by name, in the order of the names.
    private static Dictionary<string, string> Files(string folder, string part)
    {
        string stems = Path.Combine(folder, part);
        string[] files = Directory.Exists(stems) ? [.. Directory.GetFiles(stems, "*.wav", _visible).Where(file => Path.GetFileName(file)[0] != '.')] : [];
        return files.Length > 0
            ? files.Order(StringComparer.Ordinal).ToDictionary(file => Path.GetFileName(file))
            : throw new EngineException($"{stems} does not exist or holds no .wav file; a folder of stems has {Voice}/NAME.wav and {Music}/NAME.wav");
    }
}
