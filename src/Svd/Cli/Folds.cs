using System.CommandLine;
using System.CommandLine.Parsing;
using Engine.Kernels;
using Engine.Svd.Data;
using Engine.Svd.Predict;

namespace Engine.Svd.Cli;

/// <summary>
/// A cross-validation: a folder of detectors, each of which predicts the songs that it was not trained with. <c>svd train classifier --hold-out NAME</c>
/// wrote NAME.npz and NAME.meanstd.npz, and filelists/NAME lists the songs. Where explanations are evaluated, NAME.inverter.npz and NAME.masker.npz belong to
/// the detector.
/// </summary>
internal static class Folds
{
    private const string StatisticsSuffix = ".meanstd", InverterSuffix = ".inverter", MaskerSuffix = ".masker";

    private static readonly string[] Suffixes = [StatisticsSuffix, InverterSuffix, MaskerSuffix];

    public static Option<string?> Option() => new("--folds")
    {
        Description = "A folder with one detector per fold, from svd train classifier --hold-out. Each NAME.npz, with its NAME.meanstd.npz, predicts the "
            + "songs of filelists/NAME, which it was not trained with.",
        HelpName = "DIR",
    };

    /// <summary>The option where explanations are evaluated.</summary>
    public static Option<string?> OptionForExplanations() => new("--folds")
    {
        Description = "A folder with one detector per fold, as for svd score --folds, and beside each NAME.npz its NAME.inverter.npz and, for the method mask, "
            + "NAME.masker.npz. Each explains the songs of filelists/NAME; one table is for all. --judge then names a folder with a second detector per fold.",
        HelpName = "DIR",
    };

    /// <summary>Refuses options that name another detector or other songs if folds are given.</summary>
    public static void RefuseBoth(CommandResult result, Option folds, params ReadOnlySpan<Option> others)
    {
        if (result.GetResult(folds) is null) return;
        foreach (Option other in others)
        {
            if (result.GetResult(other) is not { Implicit: false }) continue;
            result.AddError($"give {folds.Name} or {other.Name}, not both: the folds determine the songs and the detectors");
            return;
        }
    }

    /// <summary>Predicts each fold's songs with its detector; one array per fold.</summary>
    /// <inheritdoc cref="PredictPart"/>
    public static LabelledSong[][] Predict(IBackend backend, Corpus corpus, SpectrogramCache cache, string folder, bool force) =>
        [.. PredictPart(backend, corpus, cache, folder, force, _ => null).Select(fold => fold.OfType<LabelledSong>().ToArray())];

    /// <summary>The same where other machines predict some of the songs: null stands for those that are not finished yet.</summary>
    /// <param name="backend">Where the detectors run.</param>
    /// <param name="corpus">The corpus.</param>
    /// <param name="cache">The spectrograms.</param>
    /// <param name="folder">The detectors.</param>
    /// <param name="force">Whether to use detectors that do not belong to their statistics.</param>
    /// <param name="keptOf">Where the predictions of a detector are kept.</param>
    /// <exception cref="EngineException">
    /// There are fewer than two folds, a song is in two, a file cannot be read, or, unless it is forced, a detector does not belong to its statistics.
    /// </exception>
    public static LabelledSong?[][] PredictPart(
        IBackend backend, Corpus corpus, SpectrogramCache cache, string folder, bool force, Func<ModelPaths, KeptPredictions?> keptOf)
    {
        string[] names = NamesIn(folder);
        IReadOnlyList<Song>[] songs = SongsOf(corpus, names);
        int all = songs.Sum(fold => fold.Count), done = 0;
        return ProgressDisplay.Run("songs", report => names.Select((name, fold) =>
        {
            ModelPaths paths = PathsOf(folder, name);
            using Models models = Models.Load(backend, paths, force);
            LabelledSong?[] predicted = LabelledSong.PredictPart(
                backend, models.Detector, models.Statistics, cache, songs[fold], keptOf(paths), (song, _) => report(done + song, all));
            done += predicted.Length;
            return predicted;
        }).ToArray());
    }

    /// <summary>Each fold with the files of its networks and its songs.</summary>
    /// <param name="corpus">The corpus.</param>
    /// <param name="folder">The detectors and the networks that explain them.</param>
    /// <param name="judges">A folder with a second detector for each fold, of the same name, or null.</param>
    /// <param name="withMaskers">Whether mask networks are needed.</param>
    /// <exception cref="EngineException">There are fewer than two folds, one is not in the corpus, a song is in two, or a network is missing.</exception>
    public static (ModelPaths Paths, IReadOnlyList<Song> Songs)[] WithExplanations(Corpus corpus, string folder, string? judges, bool withMaskers)
    {
        string[] names = NamesIn(folder);
        IReadOnlyList<Song>[] songs = SongsOf(corpus, names);
        return [.. names.Select((name, fold) => (PathsOf(folder, name) with
        {
            Inverter = Needed($"{Path.Combine(folder, name)}{InverterSuffix}.npz", $"svd train inverter --hold-out {name}"),
            Masker = withMaskers ? Needed($"{Path.Combine(folder, name)}{MaskerSuffix}.npz", $"svd train masker --hold-out {name}") : null,
            Judges = judges is null ? [] : [Needed(Path.Combine(judges, $"{name}.npz"), $"svd train classifier --hold-out {name}")],
        }, songs[fold]))];

        static string Needed(string path, string command) =>
            File.Exists(path) ? path : throw new EngineException($"{path} is missing; {command} trains it");
    }

    /// <summary>The songs of all folds.</summary>
    /// <exception cref="EngineException">There are fewer than two folds, one is not in the corpus, or a song is in two.</exception>
    public static IReadOnlyList<Song> SongsOf(Corpus corpus, string folder) => [.. SongsOf(corpus, NamesIn(folder)).SelectMany(fold => fold)];

    private static IReadOnlyList<Song>[] SongsOf(Corpus corpus, string[] names)
    {
        IReadOnlyList<Song>[] songs = [.. names.Select(corpus.Split)];
        if (songs.SelectMany(fold => fold).CountBy(song => song.Name).FirstOrDefault(count => count.Value > 1) is { Key: { } twice })
        {
            throw new EngineException($"{twice} is in two of the folds {string.Join(", ", names)}; put it into one only");
        }

        return songs;
    }

    /// <summary>The files from which the folds are read: detectors, statistics, and their parts of the corpus.</summary>
    /// <exception cref="EngineException">There are fewer than two folds, or one is not in the corpus.</exception>
    public static IEnumerable<string> InputsOf(Corpus corpus, string folder) =>
        NamesIn(folder).SelectMany(name => PathsOf(folder, name).All.Concat(Corpus.InputsOf(corpus.Folder, name, corpus.Split(name))));

    private static ModelPaths PathsOf(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        return new ModelPaths($"{path}.npz", $"{path}{StatisticsSuffix}.npz");
    }

    private static string[] NamesIn(string folder)
    {
        if (!Directory.Exists(folder)) throw new EngineException($"{folder} is not a folder; --folds needs the folder with the folds' detectors");
        string[] names =
        [
            .. Directory.EnumerateFiles(folder, "*.npz").Select(file => Path.GetFileNameWithoutExtension(file))
                .Where(name => name[0] != '.' && !Array.Exists(Suffixes, suffix => name.EndsWith(suffix, StringComparison.Ordinal)))
                .Order(StringComparer.Ordinal),
        ];
        if (names.Length < 2)
        {
            throw new EngineException($"{folder} holds {names.Length} detectors (NAME.npz), but a cross-validation needs at least two; "
                + "train them with svd train classifier --hold-out NAME --out " + Path.Combine(folder, "NAME.npz"));
        }

        return names;
    }
}
