namespace Engine.Svd.Audio;

/// <summary>What is heard of a recording with two channels. A mono recording is the same in all three.</summary>
public enum Channel
{
    /// <summary>All channels, mixed.</summary>
    Mix,

    /// <summary>The first channel alone.</summary>
    Left,

    /// <summary>The second channel alone.</summary>
    Right,
}
