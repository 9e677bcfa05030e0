using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Data;

/// <summary>Where an excerpt of 115 frames lies.</summary>
/// <param name="Song">The song's number in its list.</param>
/// <param name="Start">The excerpt's first frame.</param>
public readonly record struct Excerpt(int Song, int Start)
{
    /// <summary>The frame in the middle, whose label the excerpt has.</summary>
    public int LabelFrame => Start + ContextFrames;
}

/// <summary>All excerpts of some songs, which start every given number of frames, numbered song by song from the first frame.</summary>
public sealed class ExcerptList
{
    private readonly int _hop;

    // The number of each song's first excerpt.
    private readonly int[] _firsts;

    /// <summary>Numbers the excerpts of songs with these numbers of frames. Songs shorter than an excerpt have none.</summary>
    /// <exception cref="ArgumentException">There are no excerpts, or more than 2³¹.</exception>
    public ExcerptList(IReadOnlyList<int> songFrames, int hop)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hop);
        _hop = hop;
        _firsts = new int[songFrames.Count];
        long count = 0;
        for (int song = 0; song < _firsts.Length; song++)
        {
            _firsts[song] = (int)count;
            if (songFrames[song] >= ExcerptFrames) count += (songFrames[song] - ExcerptFrames) / hop + 1;
            if (count > int.MaxValue) throw new ArgumentException("the songs have more than 2³¹ excerpts", nameof(songFrames));
        }

        Count = count > 0 ? (int)count : throw new ArgumentException($"no song has the {ExcerptFrames} frames of an excerpt", nameof(songFrames));
    }

    /// <summary>How many excerpts.</summary>
    public int Count { get; }

    /// <summary>An excerpt by its number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such excerpt.</exception>
    public Excerpt this[int number]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)number, (uint)Count, nameof(number));

            // The last song that starts at or before the number; songs without excerpts share their successor's.
            int below = 0, above = _firsts.Length;
            while (above - below > 1)
            {
                int middle = (below + above) / 2;
                if (_firsts[middle] <= number) below = middle;
                else above = middle;
            }

            return new Excerpt(below, (number - _firsts[below]) * _hop);
        }
    }
}
