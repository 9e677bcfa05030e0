using System.Diagnostics.CodeAnalysis;

namespace Engine.Svd.Audio.Formats;

/// <summary>Decodes a file piece by piece to interleaved float32, full scale being ±1, as many channels and samples a second as the file has.</summary>
internal abstract class SampleSource : IDisposable
{
    /// <summary>Samples a second of each channel, in Hz.</summary>
    public abstract int SampleRate { get; }

    /// <summary>How many channels there are, and what each is worth in the mix: <see cref="Formats.Downmix"/>.</summary>
    public abstract Downmix Downmix { get; }

    /// <summary>The length in seconds; null where it is unknown.</summary>
    public abstract double? EndSeconds { get; }

    /// <summary>Whether <see cref="EndSeconds"/> is only a guess from the bit rate, so that a shorter file may be whole.</summary>
    public virtual bool IsEstimate => false;

    /// <summary>The first damage met so far; null where there is none.</summary>
    public Damage? FirstDamage { get; private set; }

    /// <summary>The gaps so far that are longer than a tenth of a second: the first, and null where there is none. They hold silence.</summary>
    public (double Start, double End)? FirstGap { get; private protected set; }

    /// <summary>Fills the buffer, a multiple of the channels long, with the next samples; fewer come only at the end, and then none.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public abstract int Read(Span<float> interleaved);

    /// <inheritdoc/>
    public abstract void Dispose();

    private protected void ReportDamage(double seconds, string what) => FirstDamage ??= new Damage(seconds, what);
}

/// <summary>A damage of a file.</summary>
/// <param name="Seconds">Where it is, in seconds of what was decoded.</param>
/// <param name="What">What is wrong.</param>
[SuppressMessage("Naming", "CA1716", Justification = "No other language is asked for.")]
internal sealed record Damage(double Seconds, string What);
