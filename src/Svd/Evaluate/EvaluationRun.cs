using System.Diagnostics;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Train;
using Engine.Tensors;
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

    /// <summary>Evaluates the songs that are long enough for an excerpt.</summary>
    /// <param name="songs">The songs; their positions decide the random starts.</param>
    /// <param name="sampling">Which excerpts to evaluate.</param>
    /// <param name="progress">Gets how many songs are done, with fractions, and how many there are.</param>
    /// <exception cref="EngineException">A song cannot be decoded, a network's output is not finite, or a file cannot be written.</exception>
    public IReadOnlyList<SongEvaluation> Evaluate(IReadOnlyList<Song> songs, ExcerptSampling sampling, Action<double, double?> progress)
    {
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = statistics.On(backend);
        List<SongEvaluation> evaluations = [];
        for (int i = 0; i < songs.Count; i++)
        {
            int done = i;
            float[] logMel = cache.LogMel(extractor, songs[i].AudioPath);
            int[] starts = sampling.StartsOf(i, logMel.Length / Bands);
            if (starts.Length == 0) continue;
            string file = Path.Combine(folder, $"{ResultName.Of(songs[i].Name)}.npz");
            double identity = Digest.Of(DeviceIdentity.Of(backend), [cache.DigestOf(songs[i].AudioPath), .. weights.Select(Digest.OfFile)]);
            SongEvaluation? song = SongEvaluation.TryRead(file, identity, starts, evaluator.Thresholds);
            if (song is null)
            {
                long start = Stopwatch.GetTimestamp();
                using Tensor frames = Tensor.From(backend, new Shape(logMel.Length / Bands, Bands), logMel);
                using Tensor normalized = normalizer.Normalize(frames);
                song = evaluator.Evaluate(normalized.ToArray(), starts, excerpts => progress(done + (double)excerpts / starts.Length, songs.Count));
                song.Write(file, identity);
                Excerpts += starts.Length;
                Time += Stopwatch.GetElapsedTime(start);
            }

            evaluations.Add(song);
            progress(i + 1, songs.Count);
        }

        return evaluations;
    }
}
