using System.Diagnostics;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Train;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Evaluate;

/// <summary>
/// Evaluates songs one after the other and keeps each in a file, NAME.npz, so that a run that was broken off goes on with the first song that has none.
/// </summary>
/// <param name="backend">Normalises; the same as the evaluator's.</param>
/// <param name="evaluator">Explains.</param>
/// <param name="statistics">What spectrograms are normalised with.</param>
/// <param name="weights">The files that results depend on: both networks' and the statistics'.</param>
/// <param name="cache">Has the spectrograms.</param>
/// <param name="folder">Where the files are kept; made if it is not there.</param>
internal sealed class EvaluationRun(
    IBackend backend, SongEvaluator evaluator, BandStatistics statistics, IReadOnlyList<string> weights, SpectrogramCache cache, string folder)
{
    /// <summary>Excerpts explained in this run, those of finished songs not counted.</summary>
    public int Excerpts { get; private set; }

    /// <summary>How long that took.</summary>
    public TimeSpan Time { get; private set; }

    /// <summary>Evaluates the songs that are long enough for an excerpt.</summary>
    /// <param name="songs">Their numbers decide the random starts.</param>
    /// <param name="sampling">Which excerpts.</param>
    /// <param name="progress">Is told how many songs are done, with fractions, and their number.</param>
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
            double identity = Digest.Of(DeviceIdentity.Of(backend), [songs[i].AudioPath, .. weights]);
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
