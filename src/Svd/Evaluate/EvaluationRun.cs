using System.Diagnostics;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Train;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>
/// Evaluates songs one after the other. It keeps each result in a file, NAME.npz, so that an interrupted run can resume with the first song that has none.
/// </summary>
/// <param name="backend">The evaluator's backend, which normalises the spectrograms.</param>
/// <param name="evaluator">Evaluates the excerpts.</param>
/// <param name="statistics">The statistics that normalise the spectrograms.</param>
/// <param name="weights">The files that results depend on: both networks and the statistics.</param>
/// <param name="cache">Gives the spectrograms.</param>
/// <param name="folder">The folder of the files.</param>
internal sealed class EvaluationRun(
    IBackend backend, SongEvaluator evaluator, BandStatistics statistics, IReadOnlyList<string> weights, SpectrogramCache cache, string folder)
{
    /// <summary>The number of excerpts explained in this run, without those of songs that were finished before.</summary>
    public int Excerpts { get; private set; }

    /// <summary>The time that this took.</summary>
    public TimeSpan Time { get; private set; }

    /// <summary>How many songs are left to other machines that have not finished them yet.</summary>
    public int Missing { get; private set; }

    /// <summary>Evaluates the songs that are long enough for an excerpt.</summary>
    /// <param name="songs">The songs; their positions decide the random starts.</param>
    /// <param name="sampling">Which excerpts to evaluate.</param>
    /// <param name="shard">The songs to evaluate here; the others are taken from their files, if these exist.</param>
    /// <param name="progress">Gets how many songs are done, with fractions, and how many there are.</param>
    /// <exception cref="EngineException">A song cannot be decoded, a network's output is not finite, or a file cannot be written.</exception>
    public IReadOnlyList<SongEvaluation> Evaluate(IReadOnlyList<Song> songs, ExcerptSampling sampling, Shard shard, Action<double, double?> progress)
    {
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = statistics.On(backend);
        SongEvaluation?[] evaluations = new SongEvaluation?[songs.Count];
        foreach (int i in Enumerable.Range(0, songs.Count).OrderBy(i => shard.Has(i) ? 0 : 1))
        {
            string file = Path.Combine(folder, $"{ResultName.Of(songs[i].Name)}.npz");
            if (shard.Has(i) || File.Exists(file)) evaluations[i] = Evaluate(i, file);
            if (evaluations[i] is null) Missing++;
            progress(evaluations.Count(song => song is not null), songs.Count);
        }

        return [.. evaluations.OfType<SongEvaluation>().Where(song => song.Starts.Length > 0)];

        // Null where the file is another machine's and not of this run.
        SongEvaluation? Evaluate(int i, string file)
        {
            float[] logMel = cache.LogMel(extractor, songs[i].AudioPath);
            int[] starts = sampling.StartsOf(i, logMel.Length / Bands);
            double identity = Digest.Of(DeviceIdentity.Of(backend), [cache.DigestOf(songs[i].AudioPath), .. weights.Select(Digest.OfFile)]);
            SongEvaluation? song = SongEvaluation.TryRead(file, identity, starts, evaluator.Thresholds);
            if (song is not null || !shard.Has(i)) return song;
            int done = evaluations.Count(other => other is not null);
            long start = Stopwatch.GetTimestamp();
            song = evaluator.Evaluate(normalizer.NormalizeSong(logMel), starts, excerpts => progress(done + (double)excerpts / starts.Length, songs.Count));

            // A song that is too short has a file only where other machines look for it.
            if (starts.Length > 0 || shard.IsPart) song.Write(file, identity);
            Excerpts += starts.Length;
            Time += Stopwatch.GetElapsedTime(start);
            return song;
        }
    }
}
