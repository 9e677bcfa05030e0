using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.FrontEnd;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Data;

/// <summary>A song to train with.</summary>
public sealed class TrainingSong
{
    /// <summary>Computes the song's level.</summary>
    /// <param name="spectrogram">The song's magnitudes.</param>
    /// <param name="labels">One label per frame, 1 if sung, else 0: <see cref="LabelTrack.ForFrames"/>.</param>
    /// <exception cref="ArgumentException">There is not one label per frame.</exception>
    public TrainingSong(MagnitudeSpectrogram spectrogram, float[] labels)
    {
        if (labels.Length != spectrogram.Frames) throw new ArgumentException("a song needs one label per frame", nameof(labels));
        (Spectrogram, Labels, IsSung) = (spectrogram, labels, labels.AsSpan().ContainsAnyExcept(0f));
        double power = 0;
        int frames = 0;
        for (int frame = 0; frame < labels.Length; frame++)
        {
            if (IsSung && labels[frame] == 0) continue;
            power += spectrogram.Power(frame);
            frames++;
        }

        Level = 10 * Math.Log10(power / frames);
    }

    /// <summary>The magnitudes.</summary>
    public MagnitudeSpectrogram Spectrogram { get; }

    /// <summary>The labels.</summary>
    public float[] Labels { get; }

    /// <summary>Whether any frame is sung.</summary>
    public bool IsSung { get; }

    /// <summary>The mean power in dB of the sung frames, or of all if none is sung. A recording of digital silence has −∞.</summary>
    public double Level { get; }
}

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
/// <remarks>
/// With solo singing, the batches are mixed at random, too, so that the network meets each singer over much music and each piece of music with and without
/// singers. <see cref="SongShare"/> of a batch are excerpts of songs that somebody sings in. Of these, <see cref="MusicShare"/> get instrumental music under
/// them and <see cref="VoiceShare"/> a singer above them. The others are instrumental music at the level of a random song, half of them with a singer above
/// it.
/// </remarks>
public sealed class TrainingExcerpts
{
    /// <summary>The share of a mixed batch that comes from songs in which somebody sings.</summary>
    public const double SongShare = 0.6;

    /// <summary>The share of these that get instrumental music under them, 5 to 20 dB below the song.</summary>
    public const double MusicShare = 0.25;

    /// <summary>The share of these that get another singer, from 8 dB below the song to 2 dB above it. It counts where the song itself is not sung.</summary>
    public const double VoiceShare = 0.1;

    private readonly Source _songs;
    private readonly Source? _music;
    private readonly Source? _solo;
    private readonly ExcerptMaker _maker;
    private readonly Augmentation _augmentation;
    private readonly ulong _seed;

    /// <summary>Prepares for batches from these songs.</summary>
    /// <param name="songs">The songs. Those that nobody sings in are the instrumental music.</param>
    /// <param name="solo">Recordings of singers alone, to mix with the songs; if there are none, nothing is mixed.</param>
    /// <param name="statistics">Normalise the excerpts.</param>
    /// <param name="augmentation">Limits the random changes.</param>
    /// <param name="seed">Decides everything random.</param>
    /// <exception cref="ArgumentException">No song is as long as an excerpt.</exception>
    /// <exception cref="EngineException">There is solo singing, but nothing of another kind that is needed to mix.</exception>
    public TrainingExcerpts(
        IReadOnlyList<TrainingSong> songs, IReadOnlyList<TrainingSong> solo, BandStatistics statistics, Augmentation augmentation, ulong seed)
    {
        (_augmentation, _seed) = (augmentation, seed);
        _maker = new ExcerptMaker(statistics);
        if (solo.Count == 0)
        {
            _songs = new Source(songs, seed);
            return;
        }

        // Silence cannot be brought to a level.
        _songs = Audible(songs, isSung: true, "songs that somebody sings in");
        _music = Audible(songs, isSung: false, "songs that nobody sings in");
        _solo = Audible(solo, isSung: true, "solo singing with sung frames");

        Source Audible(IReadOnlyList<TrainingSong> from, bool isSung, string what)
        {
            TrainingSong[] found = [.. from.Where(song => song.IsSung == isSung && double.IsFinite(song.Level))];
            return found.Length > 0 ? new Source(found, seed) : throw new EngineException(
                $"filelists/solo has singers to mix with the training songs, but there are no {what}; add some, or remove filelists/solo");
        }
    }

    /// <summary>Makes a batch, counted from 0; all batches must have the same size.</summary>
    public void Fill(long batch, ExcerptBatch destination)
    {
        int size = destination.Labels.Length, ofSongs = _music is null ? size : (int)Math.Round(SongShare * size);
        Span<Excerpt> excerpts = new Excerpt[size];
        _songs.Sampler.Batch(batch, excerpts[..ofSongs]);
        _music?.Sampler.Batch(batch, excerpts[ofSongs..]);
        RandomSource random = new(_seed, (ulong)RandomPurpose.Augmentation, (ulong)batch), mixing = new(_seed, (ulong)RandomPurpose.Mixing, (ulong)batch);
        for (int i = 0; i < size; i++)
        {
            Source source = i < ofSongs ? _songs : _music!;
            (ExcerptLayer first, float label) = source.Layer(excerpts[i], _augmentation.Draw(random), 0);
            ExcerptLayer? second = null;
            if (_music is not null)
            {
                double level = source.Songs[excerpts[i].Song].Level, chance = mixing.NextDouble();
                if (source == _music)
                {
                    double target = _songs.Songs[mixing.NextInt(_songs.Songs.Count)].Level + mixing.NextDouble(-8, 2);
                    first = first with { Decibels = target - level };
                    if (chance < 0.5) second = Over(_solo!, target + mixing.NextDouble(-5, 8), mixing, ref label);
                }
                else if (chance < MusicShare)
                {
                    second = Over(_music, level - mixing.NextDouble(5, 20), mixing, ref label);
                }
                else if (chance < MusicShare + VoiceShare)
                {
                    second = Over(_solo!, level + mixing.NextDouble(-8, 2), mixing, ref label);
                }
            }

            _maker.Make(first, second, destination.Inputs.AsSpan(i * ExcerptLength, ExcerptLength));
            destination.Labels[i] = label;
        }
    }

    // A random excerpt of a source at a level in dB; what it adds is sung if its own frame is.
    private ExcerptLayer Over(Source source, double level, RandomSource random, ref float label)
    {
        Excerpt excerpt = source.Excerpts[random.NextInt(source.Excerpts.Count)];
        (ExcerptLayer layer, float sung) = source.Layer(excerpt, _augmentation.Draw(random), level - source.Songs[excerpt.Song].Level);
        label = Math.Max(label, sung);
        return layer;
    }

    private sealed class Source(IReadOnlyList<TrainingSong> songs, ulong seed)
    {
        public IReadOnlyList<TrainingSong> Songs => songs;

        public ExcerptList Excerpts => Sampler.Excerpts;

        public ExcerptSampler Sampler { get; } = new(new ExcerptList([.. songs.Select(song => song.Spectrogram.Frames)], 1), seed);

        public (ExcerptLayer Layer, float Label) Layer(Excerpt excerpt, in Augmentation.Change change, double decibels) =>
            (new ExcerptLayer(songs[excerpt.Song].Spectrogram, excerpt.LabelFrame, change, decibels), songs[excerpt.Song].Labels[excerpt.LabelFrame]);
    }
}
