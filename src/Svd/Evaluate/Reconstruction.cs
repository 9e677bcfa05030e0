using Engine.Kernels;
using Engine.Nn;
using Engine.Svd.Data;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using Engine.Svd.Train;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Evaluate;

/// <summary>How well one inversion network reconstructs the excerpts of a corpus.</summary>
/// <param name="Network">The network's file, without folder and ending.</param>
/// <param name="Layer">The layer that it inverts.</param>
/// <param name="Architecture">Its design.</param>
/// <param name="Numbers">How many numbers its parameters hold.</param>
/// <param name="Error">The normalised reconstruction error and its interval over songs.</param>
/// <param name="MeanSquaredError">The mean squared error of a bin.</param>
public sealed record ReconstructionRow(string Network, string Layer, string Architecture, int Numbers, Estimate Error, double MeanSquaredError);

/// <summary>
/// The normalised reconstruction error of inversion networks (Mishra, Sturm and Dixon, ISMIR 2018): the mean distance ‖x − x*‖₂ between an excerpt and its
/// inversion, divided by the mean distance ‖xᵢ − xⱼ‖₂ of two excerpts. A few random excerpts of each song make a draw, and the error is the mean over draws.
/// An error of 1 is that of another excerpt in place of the inversion.
/// </summary>
/// <param name="backend">Where the networks are.</param>
/// <param name="detector">The detector.</param>
/// <param name="networks">The networks, each with its file.</param>
/// <param name="statistics">The statistics that normalise the songs.</param>
/// <param name="sampling">Which excerpts are looked at.</param>
internal sealed class Reconstruction(
    IBackend backend, ExcerptDetector detector, IReadOnlyList<(string File, InversionNetwork Network)> networks, BandStatistics statistics,
    ReconstructionSampling sampling)
{
    private const int BatchSize = 8;

    /// <summary>Looks at the songs one after the other. Each result is kept in a file, NAME.npz, from which an interrupted run goes on.</summary>
    /// <param name="songs">The songs; their positions decide the random excerpts.</param>
    /// <param name="cache">Gives the spectrograms.</param>
    /// <param name="weights">All files that results depend on.</param>
    /// <param name="folder">The folder of the files.</param>
    /// <param name="shard">The songs to look at; of the others, what is kept in the folder is read.</param>
    /// <param name="progress">Gets how many songs are done, and how many there are.</param>
    /// <returns>A row for each network, how many songs are long enough for an excerpt, and how many nobody has looked at; then there are no rows.</returns>
    /// <exception cref="EngineException">A song cannot be decoded, none is long enough, or a network's output is not finite.</exception>
    public (IReadOnlyList<ReconstructionRow> Rows, int Songs, int Missing) Measure(
        IReadOnlyList<Song> songs, SpectrogramCache cache, IReadOnlyList<string> weights, string folder, Shard shard, Action<double, double?> progress)
    {
        using LogMelExtractor extractor = new(backend);
        using BandNormalizer normalizer = statistics.On(backend);
        SongPart?[] parts = new SongPart?[songs.Count];
        byte[][] digests = [.. weights.Select(Digest.OfFile)];
        int missing = 0, seen = 0;
        foreach (int i in Enumerable.Range(0, songs.Count).OrderBy(i => shard.Has(i) ? 0 : 1))
        {
            string file = Path.Combine(folder, $"{ResultName.Of(songs[i].Name)}.npz");
            if (shard.Has(i) || File.Exists(file)) parts[i] = PartOf(i, file);
            if (parts[i] is null) missing++;
            progress(++seen, songs.Count);
        }

        if (missing > 0) return ([], 0, missing);
        SongPart[] used = [.. parts.OfType<SongPart>().Where(part => part.Excerpts.Length > 0)];
        if (used.Length == 0) throw new EngineException($"no song is as long as an excerpt of {ExcerptFrames} frames");
        return (RowsOf(used), used.Length, 0);

        // Null where the file is another machine's and not of this run.
        SongPart? PartOf(int i, string file)
        {
            float[] logMel = cache.LogMel(extractor, songs[i].AudioPath);
            int[] starts = sampling.StartsOf(i, logMel.Length / Bands);
            float[] values = starts.Length > 0 ? normalizer.NormalizeSong(logMel) : [];
            float[][] excerpts = [.. starts.Select(start => values[(start * Bands)..(start * Bands + ExcerptLength)])];
            double identity = Digest.Of($"{DeviceIdentity.Of(backend)}, {string.Join(' ', starts)}", [cache.DigestOf(songs[i].AudioPath), .. digests]);
            if (TryRead(file, identity, excerpts.Length) is { } kept) return new SongPart(excerpts, kept);
            if (!shard.Has(i)) return null;
            double[][] distances = DistancesOf(excerpts);

            // A song that is too short has a file only where other machines look for it.
            if (starts.Length > 0 || shard.IsPart) Write(file, identity, distances);
            return new SongPart(excerpts, distances);
        }
    }

    private ReconstructionRow[] RowsOf(SongPart[] parts)
    {
        double[] between = [.. Enumerable.Range(0, sampling.Draws).Select(draw =>
            MeanDistance([.. parts.SelectMany(part => part.Excerpts.Skip(draw * sampling.Excerpts).Take(sampling.Excerpts))]))];
        int perSong = sampling.Draws * sampling.Excerpts;
        TwoLevelBootstrap bootstrap = new([.. parts.Index().SelectMany(part => Enumerable.Repeat(part.Index, perSong))], seed: 0);
        return
        [
            .. networks.Select((one, n) =>
            {
                double[] distances = [.. parts.SelectMany(part => part.Distances[n])];
                return new ReconstructionRow(
                    Path.GetFileNameWithoutExtension(one.File), one.Network.Architecture.Layer.Name, one.Network.Architecture.Name, one.Network.ParameterCount,
                    bootstrap.Of([.. distances.Select((distance, i) => distance / between[i % perSong / sampling.Excerpts])]),
                    distances.Average(distance => distance * distance) / ExcerptLength);
            }),
        ];
    }

    // ‖x − x*‖₂ of each excerpt, for each network.
    private double[][] DistancesOf(float[][] excerpts)
    {
        double[][] distances = [.. networks.Select(_ => new double[excerpts.Length])];
        for (int first = 0; first < excerpts.Length; first += BatchSize)
        {
            float[][] batch = excerpts[first..Math.Min(first + BatchSize, excerpts.Length)];
            using DetectorAnswer answer = detector.Ask([.. batch.SelectMany(excerpt => excerpt)]);
            for (int n = 0; n < networks.Count; n++)
            {
                using Tensor features = detector.Output(answer, networks[n].Network.Architecture.Layer), inverted = networks[n].Network.Forward(features);
                float[] values = inverted.ToArray();
                NetworkOutput.RequireFinite(values, networks[n].File);
                for (int i = 0; i < batch.Length; i++)
                {
                    distances[n][first + i] = TensorPrimitives.Distance(batch[i], values.AsSpan(i * ExcerptLength, ExcerptLength));
                }
            }
        }

        return distances;
    }

    private static void Write(string path, double identity, double[][] distances) => NpzFile.Write(
        path,
        [
            ("identity", new NpyArray([], [identity])),
            ("distance", new NpyArray([distances.Length, distances[0].Length], [.. distances.SelectMany(values => values)])),
        ]);

    private double[][]? TryRead(string path, double identity, int count)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using NpzFile file = NpzFile.Open(path);
            if (!file.Read("identity", 1).ToDouble().AsSpan().SequenceEqual([identity])) return null;
            double[] all = file.Read("distance", networks.Count * count).ToDouble();
            return all.All(double.IsFinite) ? [.. networks.Select((_, n) => all[(n * count)..((n + 1) * count)])] : null;
        }
        catch (EngineException)
        {
            return null;
        }
    }

    /// <summary>The mean distance of two of these excerpts.</summary>
    internal static double MeanDistance(float[][] excerpts)
    {
        double sum = 0;
        for (int i = 0; i < excerpts.Length; i++)
        for (int j = 0; j < i; j++)
        {
            sum += TensorPrimitives.Distance<float>(excerpts[i], excerpts[j]);
        }

        return sum / (excerpts.Length * (excerpts.Length - 1) / 2.0);
    }

    private sealed record SongPart(float[][] Excerpts, double[][] Distances);
}

/// <summary>Random excerpts of each song, in draws.</summary>
/// <param name="Excerpts">Excerpts of a song in a draw; eight are published.</param>
/// <param name="Draws">How many draws; ten are published.</param>
/// <param name="Seed">Seeds them.</param>
internal sealed record ReconstructionSampling(int Excerpts, int Draws, ulong Seed)
{
    /// <summary>The first frames of a song's excerpts, draw by draw; empty if the song is too short.</summary>
    /// <param name="song">The song's number in its list.</param>
    /// <param name="frames">How many frames it has.</param>
    public int[] StartsOf(int song, int frames)
    {
        if (frames < ExcerptFrames) return [];
        RandomSource random = new(Seed, (ulong)RandomPurpose.ReconstructedExcerpts, (ulong)song);
        return [.. Enumerable.Range(0, Draws * Excerpts).Select(_ => random.NextInt(frames - ExcerptFrames + 1))];
    }
}
