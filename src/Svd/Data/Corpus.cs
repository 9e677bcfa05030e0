using Engine.Kernels;

namespace Engine.Svd.Data;

/// <summary>A song of a corpus.</summary>
/// <param name="Name">The audio file's name without its extension.</param>
/// <param name="AudioPath">The audio file.</param>
/// <param name="LabelPath">The label file; <see cref="LabelTrack.Read"/> reads it.</param>
public sealed record Song(string Name, string AudioPath, string LabelPath);

/// <summary>
/// A folder of songs and their labels, laid out as the Jamendo singing-voice corpus: <c>audio/</c> with a file a song, <c>labels/NAME.lab</c>, and
/// <c>filelists/</c> with a file for each part of the corpus (<c>train</c>, <c>valid</c>, <c>test</c>) that names one audio file a line.
/// </summary>
public sealed class Corpus
{
    /// <summary>The folders of a corpus.</summary>
    internal const string Audio = "audio", Labels = "labels", Lists = "filelists";

    /// <summary>What a label file's name may end in, in the order in which they are looked for.</summary>
    internal static readonly string[] LabelExtensions = [".lab", ".txt", ".csv"];

    private readonly bool _withLabels;

    private Corpus(string folder, bool withLabels) => (Folder, _withLabels) = (folder, withLabels);

    /// <summary>The folder, as the user named it.</summary>
    public string Folder { get; }

    /// <summary>Opens a corpus. Its parts are read when they are asked for.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="withLabels">Whether the songs' labels are needed.</param>
    /// <exception cref="EngineException">The folder does not exist or lacks one of the folders of a corpus.</exception>
    public static Corpus Open(string folder, bool withLabels = true)
    {
        if (!Directory.Exists(folder)) throw new EngineException($"{folder} is not a folder; give the folder that contains audio, labels and filelists.");
        foreach (string part in (string[])[Audio, Labels, Lists])
        {
            if (part == Labels && !withLabels) continue;
            if (Directory.Exists(Path.Combine(folder, part))) continue;
            throw new EngineException($"{folder} has no folder {part}; a corpus has audio, labels and filelists.");
        }

        return new Corpus(folder, withLabels);
    }

    /// <summary>A song's name: its file below the folder <c>audio</c>, without the extension.</summary>
    internal static string NameOf(string audio) => Path.ChangeExtension(audio, null);

    /// <summary>A song's label file: <c>NAME.lab</c>, or <c>NAME.txt</c> (Audacity) or <c>NAME.csv</c>; null if there is none.</summary>
    /// <exception cref="EngineException">There are several.</exception>
    internal static string? LabelOf(string folder, string audio)
    {
        string[] files = [.. LabelExtensions.Select(extension => Path.Combine(folder, Labels, NameOf(audio) + extension)).Where(File.Exists)];
        return files.Length < 2 ? files.FirstOrDefault()
            : throw new EngineException($"{audio} has several label files, {string.Join(" and ", files)}; keep one.");
    }

    /// <summary>The files from which a part of a corpus is read: its list, its audio and its labels.</summary>
    internal static IEnumerable<string> InputsOf(string folder, string split, IEnumerable<Song> songs) =>
        songs.SelectMany(song => (string[])[song.AudioPath, song.LabelPath]).Prepend(Path.Combine(folder, "filelists", split));

    /// <summary>Whether the corpus has a list of this name.</summary>
    public bool Has(string split) => File.Exists(Path.Combine(Folder, "filelists", split));

    /// <summary>
    /// The songs of a part of the corpus in the order of its file list; every one has its audio and, if labels are needed, its label file.
    /// </summary>
    /// <exception cref="EngineException">
    /// There is no such list, it is empty, it names a song twice, or the audio or label file of a song is missing. The message names the file and the line.
    /// </exception>
    public IReadOnlyList<Song> Split(string name)
    {
        string list = Path.Combine(Folder, "filelists", name);
        if (!File.Exists(list))
        {
            string lists = Path.Combine(Folder, "filelists");
            string?[] present =
                [.. Directory.EnumerateFiles(lists).Select(Path.GetFileName).Where(file => !file!.StartsWith('.')).Order(StringComparer.Ordinal)];
            throw new EngineException($"{list} does not exist; {lists} has {(present.Length > 0 ? string.Join(", ", present) : "no files")}.");
        }

        List<Song> songs = [];
        Dictionary<string, int> lineOf = new(StringComparer.Ordinal);
        foreach ((int number, string line) in TextLines.Read(list))
        {
            string song = Path.ChangeExtension(line, null);
            string audio = Path.Combine(Folder, Audio, line), label = LabelOf(Folder, line) ?? Path.Combine(Folder, Labels, song + LabelExtensions[0]);
            string? problem = !lineOf.TryAdd(song, number) ? $"{song} is already in line {lineOf[song]}; remove one of the two."
                : (File.Exists(audio), !_withLabels || File.Exists(label)) switch
                {
                    (true, true) => null,
                    (true, false) => $"{audio} has no label file {label}; add it or remove the line.",
                    (false, true) when _withLabels => $"{label} exists, but its song {audio} does not; add the song or remove the line.",
                    (false, _) => $"{audio} does not exist; add the song or remove the line.",
                };
            if (problem is not null) throw new EngineException($"{list}, line {number}: {problem}");
            songs.Add(new Song(song, audio, label));
        }

        return songs.Count > 0 ? songs : throw new EngineException($"{list} names no songs; write one audio file name per line.");
    }
}
