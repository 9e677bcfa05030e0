namespace Engine.Svd.Audio;

/// <summary>Which channel of a stereo recording to use. For a mono recording all three give the same.</summary>
public enum Channel
{
    /// <summary>All channels, mixed.</summary>
    Mix,

    /// <summary>The first channel alone.</summary>
    Left,

    /// <summary>The second channel alone.</summary>
    Right,
}
