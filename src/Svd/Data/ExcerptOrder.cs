using Engine.Nn;

namespace Engine.Svd.Data;

/// <summary>The purpose of a stream of random numbers. Each purpose has its own stream, so that another draw for one does not change the others.</summary>
internal enum RandomPurpose
{
    ExcerptOrder = 1,
    Augmentation = 2,
    EvaluationStart = 3,
    MaskArea = 4,
    LocalisedExcerpts = 5,
    Mixing = 6,
    ReconstructedExcerpts = 7,
    SanityCheck = 8,
    Phases = 9,
}

/// <summary>The order of the excerpts in each epoch, shuffled by a generator that is seeded with the seed and the epoch's number. It is thread-safe.</summary>
internal sealed class ExcerptOrder(int count, ulong seed)
{
    private readonly Lock _gate = new();

    // Batches that are prepared at the same time belong to one epoch or to two consecutive ones.
    private readonly (long Epoch, int[] Numbers)[] _recent = [(-1, []), (-1, [])];

    /// <summary>The excerpts' numbers in an epoch's order. Do not write to the array.</summary>
    public int[] Of(long epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        lock (_gate)
        {
            ref (long Epoch, int[] Numbers) slot = ref _recent[epoch & 1];
            if (slot.Epoch != epoch)
            {
                int[] numbers = new int[count];
                for (int i = 0; i < count; i++) numbers[i] = i;
                new RandomSource(seed, (ulong)RandomPurpose.ExcerptOrder, (ulong)epoch).Shuffle<int>(numbers);
                slot = (epoch, numbers);
            }

            return slot.Numbers;
        }
    }
}

/// <summary>
/// Batches for training over whole epochs. Each epoch has every excerpt once, in an order drawn from (seed, epoch); excerpts that do not fill a batch at
/// the end are dropped. Training can resume at any epoch and batch without going through the earlier ones.
/// </summary>
public sealed class SequentialExcerpts
{
    private readonly ExcerptOrder _order;
    private readonly int _batchSize;

    /// <summary>Prepares the batches of <paramref name="excerptCount"/> excerpts.</summary>
    /// <exception cref="ArgumentException">There are fewer excerpts than a batch has.</exception>
    public SequentialExcerpts(int excerptCount, int batchSize, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        if (excerptCount < batchSize) throw new ArgumentException($"{excerptCount} excerpts do not fill a batch of {batchSize}", nameof(excerptCount));
        _order = new ExcerptOrder(excerptCount, seed);
        _batchSize = batchSize;
        BatchesPerEpoch = excerptCount / batchSize;
    }

    /// <summary>Batches in an epoch.</summary>
    public int BatchesPerEpoch { get; }

    /// <summary>The numbers of the excerpts in a batch of an epoch, both counted from 0; numbers as in <see cref="ExcerptList"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such batch.</exception>
    public ReadOnlySpan<int> Batch(int epoch, int batch)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)batch, (uint)BatchesPerEpoch, nameof(batch));
        return _order.Of(epoch).AsSpan(batch * _batchSize, _batchSize);
    }
}

/// <summary>
/// Endless batches of random excerpts. As in the SVDNet authors' code, they are drawn without replacement: each position once in random order, then all
/// again in another order. Batch i depends only on the seed and i, so any thread can make it, and training can resume there.
/// </summary>
public sealed class ExcerptSampler(ExcerptList excerpts, ulong seed)
{
    private readonly ExcerptOrder _order = new(excerpts.Count, seed);

    /// <summary>What is drawn from.</summary>
    public ExcerptList Excerpts => excerpts;

    /// <summary>Writes the excerpts of a batch, counted from 0; all batches must have the same size.</summary>
    public void Batch(long batch, Span<Excerpt> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(batch);
        long first = checked(batch * destination.Length);
        for (int i = 0; i < destination.Length; i++)
        {
            (long round, long place) = Math.DivRem(first + i, excerpts.Count);
            destination[i] = excerpts[_order.Of(round)[place]];
        }
    }
}
