using Engine.Kernels;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Data;

/// <summary>
/// Batches of a corpus's excerpts, which start every few frames in each song, for training over whole epochs; see <see cref="SequentialExcerpts"/>.
/// </summary>
public sealed class ExcerptBatches
{
    private readonly IReadOnlyList<float[]> _songs;
    private readonly ExcerptList _excerpts;
    private readonly SequentialExcerpts _order;

    /// <summary>Lists the excerpts.</summary>
    /// <param name="songs">Normalised log-mel frames of each song, frames×80.</param>
    /// <param name="hop">Frames from one excerpt to the next.</param>
    /// <param name="batchSize">Excerpts of a batch.</param>
    /// <param name="seed">Decides the order.</param>
    /// <exception cref="EngineException">The excerpts do not fill a batch.</exception>
    public ExcerptBatches(IReadOnlyList<float[]> songs, int hop, int batchSize, ulong seed)
    {
        _songs = songs;
        _excerpts = new ExcerptList([.. songs.Select(song => song.Length / Bands)], hop);
        if (_excerpts.Count < batchSize)
        {
            throw new EngineException($"the training songs have only {_excerpts.Count} excerpts, too few for a batch of {batchSize}; lower --hop or --batch");
        }

        _order = new SequentialExcerpts(_excerpts.Count, batchSize, seed);
    }

    /// <summary>How many excerpts there are.</summary>
    public int Count => _excerpts.Count;

    /// <summary>Batches in an epoch.</summary>
    public int BatchesPerEpoch => _order.BatchesPerEpoch;

    /// <summary>An excerpt by its number, 115×80.</summary>
    public ReadOnlySpan<float> this[int number]
    {
        get
        {
            Excerpt excerpt = _excerpts[number];
            return _songs[excerpt.Song].AsSpan(excerpt.Start * Bands, ExcerptLength);
        }
    }

    /// <summary>Copies a batch's excerpts, one after the other, and returns their numbers.</summary>
    public ReadOnlySpan<int> Read(int epoch, int batch, Span<float> destination)
    {
        ReadOnlySpan<int> numbers = _order.Batch(epoch, batch);
        for (int n = 0; n < numbers.Length; n++) this[numbers[n]].CopyTo(destination[(n * ExcerptLength)..]);
        return numbers;
    }
}
