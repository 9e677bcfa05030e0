using Engine.Nn;
using Engine.Svd.Data;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>
/// Which excerpts of a song are explained. The defaults are those of the published code: one every 0.5 s from a start, for 200 s or to the song's end.
/// </summary>
/// <param name="StartSeconds">Where the first excerpt of every song starts; null to draw a whole second from 5 to 19 for each song.</param>
/// <param name="Most">The largest number of excerpts from one song.</param>
/// <param name="Seed">Seeds the random starts.</param>
/// <param name="IntervalSeconds">From the start of one excerpt to that of the next; more than 0.</param>
public sealed record ExcerptSampling(double? StartSeconds, int Most, ulong Seed, double IntervalSeconds = ExcerptSampling.PublishedInterval)
{
    /// <summary>The number of excerpts in 200 s, including both ends.</summary>
    public const int PublishedCount = 401;

    /// <summary>The first whole second that may be drawn.</summary>
    public const int EarliestStart = 5;

    /// <summary>The first whole second after those that may be drawn.</summary>
    public const int LatestStart = 20;

    /// <summary>The published interval.</summary>
    public const double PublishedInterval = 0.5;

    // The published code takes batches of 32 and stops when the song has fewer excerpts left.
    private const int Room = 32;

    /// <summary>The first frames of a song's excerpts; empty if the song is too short.</summary>
    /// <param name="song">The song's number in its list.</param>
    /// <param name="frames">How many frames it has.</param>
    public int[] StartsOf(int song, int frames)
    {
        double start = StartSeconds
            ?? EarliestStart + new RandomSource(Seed, (ulong)RandomPurpose.EvaluationStart, (ulong)song).NextInt(LatestStart - EarliestStart);
        return
        [
            .. Enumerable.Range(0, Most).Select(i => Math.Round((start + i * IntervalSeconds) * FramesPerSecond))
                .TakeWhile(first => first + Room + ExcerptFrames - 1 <= frames).Select(first => (int)first),
        ];
    }
}
