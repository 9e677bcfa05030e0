namespace Engine.Svd.Audio;

/// <summary>Passes on the samples of another stream, which it takes over, and shows them to an observer on the way.</summary>
internal sealed class SoundTap(AudioStream inner, Action<ReadOnlySpan<float>> observe) : AudioStream(inner.FilePath, inner.DurationSeconds)
{
    /// <inheritdoc/>
    public override Decoder Decoder => inner.Decoder;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Warnings => inner.Warnings;

    /// <inheritdoc/>
    public override string? SilenceHint => inner.SilenceHint;

    /// <inheritdoc/>
    public override void Dispose() => inner.Dispose();

    private protected override int ReadSamples(Span<float> destination)
    {
        int count = inner.Read(destination);
        observe(destination[..count]);
        MissingSeconds = inner.MissingSeconds;
        return count;
    }
}
