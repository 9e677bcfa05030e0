using Engine.Kernels;
using Engine.Svd.Data;
using Microsoft.Extensions.FileSystemGlobbing;
using Microsoft.Extensions.FileSystemGlobbing.Abstractions;

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

    /// <summary>Finds the songs, in the order of the arguments and of their names in a folder. A song that is found twice counts once.</summary>
    /// <param name="arguments">Files, folders and patterns.</param>
    /// <param name="recursive">Whether to look into the folders of a folder.</param>
    /// <exception cref="EngineException">A folder or a pattern has no songs.</exception>
    public static IReadOnlyList<SongFile> All(IEnumerable<string> arguments, bool recursive) =>
        [.. arguments.SelectMany(argument => Of(argument, recursive)).DistinctBy(song => FullPath(song.Path))];

    /// <summary>The same, for commands whose results are called by the songs' names.</summary>
    /// <param name="arguments">Files, folders and patterns.</param>
    /// <param name="recursive">Whether to look into the folders of a folder.</param>
    /// <exception cref="EngineException">A folder or a pattern has no songs, or the results of two songs would have the same name.</exception>
    public static IReadOnlyList<SongFile> Find(IEnumerable<string> arguments, bool recursive)
    {
        IReadOnlyList<SongFile> songs = All(arguments, recursive);
        foreach (IGrouping<string, SongFile> same in songs.GroupBy(song => song.Name, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1))
        {
            throw new EngineException(
                $"{string.Join(" and ", same.Select(song => song.Path))} would both be written to {same.Key}; write them to different folders with --out");
        }

        return songs;
    }

    private static SongFile[] Of(string argument, bool recursive)
    {
        if (Directory.Exists(argument)) return InFolder(argument, recursive);
        return !argument.Contains('*') || File.Exists(argument) ? [new SongFile(argument, ResultName.OfFile(argument))] : Matching(argument);
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

    // The folders before the first star are where to look; what is left is matched there.
    private static SongFile[] Matching(string pattern)
    {
        string[] parts = pattern.Replace('\\', '/').Split('/');
        int first = Array.FindIndex(parts, part => part.Contains('*'));
        string folder = string.Join('/', parts[..first]);
        if (first > 0 && folder.Length == 0) folder = "/";
        Matcher matcher = new(OperatingSystem.IsLinux() ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase);
        matcher.AddInclude(string.Join('/', parts[first..]));
        DirectoryInfo root = new(folder.Length > 0 ? folder : ".");
        string[] files = root.Exists ? [.. matcher.Execute(new DirectoryInfoWrapper(root)).Files.Select(file => file.Path).Order(StringComparer.Ordinal)] : [];
        return files.Length > 0
            ? [.. files.Select(file => new SongFile(Path.Combine(folder, file), NameOf(file)))]
            : throw new EngineException($"{pattern} matches no file; check the pattern (* is any part of a name, ** any folders).");
    }

    private static string NameOf(string relative) =>
        ResultName.Of(Path.Combine(Path.GetDirectoryName(relative) ?? "", ResultName.OfFile(relative)).Replace('\\', '/'));

    private static string FullPath(string path) => string.IsNullOrWhiteSpace(path) ? path : Path.GetFullPath(path);
}
