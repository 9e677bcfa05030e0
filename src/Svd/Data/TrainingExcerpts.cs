using Engine.Nn;
using Engine.Svd.FrontEnd;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Data;

/// <summary>A song to train with.</summary>
/// <param name="Spectrogram">The song's magnitudes.</param>
/// <param name="Labels">One label per frame, 1 if sung, else 0: <see cref="LabelTrack.ForFrames"/>.</param>
public sealed record TrainingSong(MagnitudeSpectrogram Spectrogram, float[] Labels);

/// <summary>Excerpts and their labels.</summary>
public sealed class ExcerptBatch
{
    /// <summary>Makes room for <paramref name="size"/> excerpts.</summary>
    public ExcerptBatch(int size) => (Inputs, Labels) = (new float[size * ExcerptLength], new float[size]);

    /// <summary>The excerpts, normalised: size×115×80 in C order.</summary>
    public float[] Inputs { get; }

    /// <summary>The labels: 1 if sung, else 0.</summary>
    public float[] Labels { get; }
}

/// <summary>
/// The batches that train the classifier: random excerpts of songs, each changed at random. Batch i depends only on the seed and i, so any number of threads
/// may make batches at the same time.
/// </summary>
public sealed class TrainingExcerpts
{
    private readonly IReadOnlyList<TrainingSong> _songs;
    private readonly ExcerptMaker _maker;
    private readonly Augmentation _augmentation;
    private readonly ExcerptSampler _sampler;
    private readonly ulong _seed;

    /// <summary>Prepares for batches from these songs.</summary>
    /// <exception cref="ArgumentException">No song is as long as an excerpt, or a song does not have one label per frame.</exception>
    public TrainingExcerpts(IReadOnlyList<TrainingSong> songs, BandStatistics statistics, Augmentation augmentation, ulong seed)
    {
        if (songs.Any(song => song.Labels.Length != song.Spectrogram.Frames)) throw new ArgumentException("a song needs one label per frame", nameof(songs));
        (_songs, _augmentation, _seed) = (songs, augmentation, seed);
        _maker = new ExcerptMaker(statistics);
        _sampler = new ExcerptSampler(new ExcerptList([.. songs.Select(song => song.Spectrogram.Frames)], 1), seed);
    }

    /// <summary>Makes a batch, counted from 0; all batches must have the same size.</summary>
    public void Fill(long batch, ExcerptBatch destination)
    {
        Span<Excerpt> excerpts = new Excerpt[destination.Labels.Length];
        _sampler.Batch(batch, excerpts);
        RandomSource random = new(_seed, (ulong)RandomPurpose.Augmentation, (ulong)batch);
        for (int i = 0; i < excerpts.Length; i++)
        {
            TrainingSong song = _songs[excerpts[i].Song];
            int frame = excerpts[i].LabelFrame;
            _maker.Make(song.Spectrogram, frame, _augmentation.Draw(random), destination.Inputs.AsSpan(i * ExcerptLength, ExcerptLength));
            destination.Labels[i] = song.Labels[frame];
        }
    }
}
