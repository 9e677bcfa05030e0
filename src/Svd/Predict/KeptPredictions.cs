using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Tensors;

namespace Engine.Svd.Predict;

/// <summary>Predictions of songs in a folder that several machines share, a file a song.</summary>
/// <param name="folder">The folder; it is made if it is not there.</param>
/// <param name="shard">Which songs this machine predicts.</param>
/// <param name="identityOf">A number that stands for all that a song's prediction depends on.</param>
internal sealed class KeptPredictions(string folder, Shard shard, Func<Song, double> identityOf)
{
    private const string Identity = "identity", Probabilities = "probabilities";

    /// <summary>Whether the song with this number is left to another machine.</summary>
    public bool IsOthers(int song) => !shard.Has(song);

    /// <summary>The smoothed probabilities of a song; null where there is no file, or one that is damaged or of something else.</summary>
    public float[]? TryRead(Song song)
    {
        string path = PathOf(song);
        if (!File.Exists(path)) return null;
        try
        {
            using NpzFile file = NpzFile.Open(path);
            if (file.Read(Identity, 1).ToDouble()[0] != identityOf(song)) return null;
            float[] probabilities = file.Read(Probabilities).ToSingle();
            return probabilities.All(p => p is >= 0 and <= 1) ? probabilities : null;
        }
        catch (EngineException)
        {
            return null;
        }
    }

    /// <summary>Keeps them.</summary>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    public void Write(Song song, float[] probabilities) => NpzFile.Write(
        PathOf(song), [(Identity, new NpyArray([], [identityOf(song)])), (Probabilities, new NpyArray([probabilities.Length], probabilities))]);

    private string PathOf(Song song) => Path.Combine(folder, $"{ResultName.Of(song.Name)}.npz");
}
