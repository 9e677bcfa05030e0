namespace Engine.Svd.Audio;

/// <summary>What decodes audio files.</summary>
public enum Decoder
{
    /// <summary>ffmpeg where it is on the PATH, and the managed decoders otherwise.</summary>
    Auto,

    /// <summary>The decoders that come with the program, for WAV, MP3 and Ogg Vorbis.</summary>
    Managed,

    /// <summary>ffmpeg.</summary>
    Ffmpeg,
}
