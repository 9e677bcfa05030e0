using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.Explain.Methods;

namespace Engine.Svd.Evaluate;

/// <summary>
/// Compares methods song by song. It keeps each method's scores for each song in a file, METHOD/SONG.npz, so that an interrupted run can resume with the
/// songs that have none.
/// </summary>
/// <param name="comparison">Has the songs and their excerpts.</param>
/// <param name="measure">What is measured.</param>
/// <param name="names">The songs' names, which name their files.</param>
/// <param name="identityOf">Numbers that stand for everything a method's scores depend on.</param>
/// <param name="folder">The folder of the files.</param>
/// <param name="shard">The songs to measure here; the others are taken from their files, if these exist.</param>
internal sealed class MethodRun<TScores>(
    MethodComparison comparison, IMethodMeasure<TScores> measure, IReadOnlyList<string> names, Func<string, double[]> identityOf, string folder, Shard shard)
    where TScores : class
{
    /// <summary>The number of songs that other machines have not finished yet.</summary>
    public int Missing { get; private set; }

    /// <summary>Each method's scores for each song; empty if songs are <see cref="Missing"/>.</summary>
    /// <param name="methods">The methods' names.</param>
    /// <param name="progress">Gets how much work is done of how much, in runs of the detector; kept files do not count.</param>
    /// <exception cref="EngineException">A network's output is not finite, or a file cannot be written.</exception>
    public IReadOnlyList<(string Name, IReadOnlyList<TScores> Songs)> Run(IReadOnlyList<string> methods, Action<double, double?> progress)
    {
        Dictionary<(string Method, int Song), TScores> scores = [];
        List<(IExplanationMethod Method, int Song)> left = [];
        foreach (string method in methods)
        {
            for (int song = 0; song < names.Count; song++)
            {
                TScores? kept = measure.TryRead(FileOf(method, song), identityOf(method), song);
                if (kept is not null) scores[(method, song)] = kept;
                else if (shard.Has(song)) left.Add((comparison.Create(method), song));
            }
        }

        double done = 0, all = left.Sum(part => measure.WorkOf(part.Method) * comparison.CountOf(part.Song));
        foreach ((IExplanationMethod method, int song) in left)
        {
            double work = measure.WorkOf(method), before = done;
            Directory.CreateDirectory(Path.Combine(folder, method.Name));
            TScores measured = measure.Measure(method, song, excerpts => progress(done = before + excerpts * work, all));
            measure.Write(measured, FileOf(method.Name, song), identityOf(method.Name));
            scores[(method.Name, song)] = measured;
        }

        Missing = Enumerable.Range(0, names.Count).Count(song => methods.Any(method => !scores.ContainsKey((method, song))));
        if (Missing > 0) return [];
        return
        [
            .. methods.Select(method => (method, (IReadOnlyList<TScores>)[.. Enumerable.Range(0, names.Count).Select(song => scores[(method, song)])])),
        ];
    }

    private string FileOf(string method, int song) => Path.Combine(folder, method, $"{ResultName.Of(names[song])}.npz");
}
