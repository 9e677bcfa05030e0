using System.IO.Enumeration;
using Engine.Kernels;
using Engine.Svd.Data;

namespace Engine.Svd.Cli;

/// <summary>A song that a command was given.</summary>
/// <param name="Path">The file.</param>
/// <param name="Name">The name of its results, with the folders below the one that was given; it leads out of no folder.</param>
internal sealed record SongFile(string Path, string Name);

/// <summary>Finds the songs that a command is given: files, folders, and patterns such as <c>"music/**/*.mp3"</c>, which a shell need not expand.</summary>
internal static class SongFiles
{
    private static readonly string[] _extensions =
    [
        ".wav", ".mp3", ".ogg", ".oga", ".flac", ".m4a", ".aac", ".opus", ".wma", ".aif", ".aiff", ".mp2", ".mka", ".mp4", ".webm",
        ".ape", ".wv",
    ];

    private static readonly bool _ignoresCase = !OperatingSystem.IsLinux();

    /// <summary>
    /// Finds the songs, in the order of the arguments and of their names in a folder. A song that is found twice counts once. Songs of the same name get their
    /// extensions or the names of their folders in addition, so that no two have the same results.
    /// </summary>
    /// <param name="arguments">Files, folders and patterns.</param>
    /// <param name="recursive">Whether to look into the folders of a folder.</param>
    /// <exception cref="EngineException">A folder or a pattern has no songs, or the results of two songs would have the same name all the same.</exception>
    public static IReadOnlyList<SongFile> Find(IEnumerable<string> arguments, bool recursive)
    {
        SongFile[] songs = [.. arguments.SelectMany(argument => Of(argument, recursive)).DistinctBy(song => FullPath(song.Path))];
        foreach (IGrouping<string, SongFile> same in Doubles(songs)) Rename(songs, [.. same]);
        if (Doubles(songs).FirstOrDefault() is { } left)
        {
            throw new EngineException(
                $"{string.Join(" and ", left.Select(song => song.Path))} would both be written to {left.Key}; write them to different folders with --out");
        }

        return songs;
    }

    private static IGrouping<string, SongFile>[] Doubles(SongFile[] songs) =>
        [.. songs.GroupBy(song => song.Name, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1)];

    // Takes the shortest addition to the names that tells these songs from each other and from all others.
    private static void Rename(SongFile[] songs, SongFile[] same)
    {
        HashSet<string> taken = new(songs.Except(same).Select(song => song.Name), StringComparer.OrdinalIgnoreCase);
        int deepest = same.Max(song => FoldersOf(song.Path).Length);
        for (int folders = 0; folders <= deepest; folders++)
        {
            foreach (bool withExtension in (bool[])[false, true])
            {
                string[] names = [.. same.Select(song => LongName(song, folders, withExtension))];
                if (names.Distinct(StringComparer.OrdinalIgnoreCase).Count() < names.Length || names.Any(taken.Contains)) continue;
                for (int i = 0; i < same.Length; i++) songs[Array.IndexOf(songs, same[i])] = same[i] with { Name = names[i] };
                return;
            }
        }
    }

    // A name with the folders below the one that was given keeps them.
    private static string LongName(SongFile song, int folders, bool withExtension)
    {
        string file = withExtension ? Path.GetFileName(song.Path) : Path.GetFileNameWithoutExtension(song.Path);
        string[] known = song.Name.Split('/')[..^1], above = FoldersOf(song.Path);
        return ResultName.Of(string.Join('/', [.. above[^Math.Min(above.Length, Math.Max(folders, known.Length))..], file]));
    }

    private static string[] FoldersOf(string path) =>
        [.. (Path.GetDirectoryName(FullPath(path)) ?? "").Split(['/', '\\'], StringSplitOptions.RemoveEmptyEntries).Where(folder => !folder.EndsWith(':'))];

    private static SongFile[] Of(string argument, bool recursive)
    {
        if (Directory.Exists(argument)) return InFolder(argument, recursive);
        return !HasWildcard(argument) || File.Exists(argument) ? [new SongFile(argument, ResultName.OfFile(argument))] : Matching(argument);
    }

    private static SongFile[] InFolder(string folder, bool recursive)
    {
        EnumerationOptions options = new() { RecurseSubdirectories = recursive, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.Hidden };
        string[] files =
        [
            .. Directory.EnumerateFiles(folder, "*", options)
                .Where(file => !Path.GetFileName(file).StartsWith('.') && _extensions.Contains(Path.GetExtension(file).ToLowerInvariant()))
                .Order(StringComparer.Ordinal),
        ];
        return files.Length > 0
            ? [.. files.Select(file => new SongFile(file, NameOf(Path.GetRelativePath(folder, file))))]
            : throw new EngineException(
                $"{folder} is a folder without songs ({string.Join(", ", _extensions.Select(extension => extension[1..]))})"
                + (recursive ? "." : "; --recursive looks into the folders in it too."));
    }

    // The folders before the first wildcard are where to look; what is left is matched there.
    private static SongFile[] Matching(string pattern)
    {
        string[] parts = pattern.Replace('\\', '/').Split('/');
        int first = Array.FindIndex(parts, HasWildcard);
        string folder = string.Join('/', parts[..first]);
        if (folder.Length == 0) folder = first > 0 ? "/" : ".";
        EnumerationOptions options = new() { RecurseSubdirectories = first < parts.Length - 1, IgnoreInaccessible = true, AttributesToSkip = 0 };
        string[] files = !Directory.Exists(folder) ? [] :
        [
            .. Directory.EnumerateFiles(folder, "*", options).Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/'))
                .Where(file => Matches(parts.AsSpan(first), file.Split('/'))).Order(StringComparer.Ordinal),
        ];
        return files.Length > 0
            ? [.. files.Select(file => new SongFile(first > 0 ? Path.Combine(folder, file) : file, NameOf(file)))]
            : throw new EngineException($"{pattern} matches no file; check the pattern (* is any part of a name, ? any letter, ** any folders).");
    }

    private static bool Matches(ReadOnlySpan<string> pattern, ReadOnlySpan<string> path) =>
        pattern.IsEmpty ? path.IsEmpty
        : pattern[0] == "**" ? Matches(pattern[1..], path) || (!path.IsEmpty && Matches(pattern, path[1..]))
        : !path.IsEmpty && FileSystemName.MatchesSimpleExpression(pattern[0], path[0], _ignoresCase) && Matches(pattern[1..], path[1..]);

    private static bool HasWildcard(string path) => path.AsSpan().ContainsAny('*', '?');

    private static string NameOf(string relative) =>
        ResultName.Of(Path.Combine(Path.GetDirectoryName(relative) ?? "", ResultName.OfFile(relative)).Replace('\\', '/'));

    private static string FullPath(string path) => string.IsNullOrWhiteSpace(path) ? path : Path.GetFullPath(path);
}
