using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Svd.Cli;

/// <summary>Where a command writes.</summary>
internal static class OutputFolder
{
    /// <summary>Makes the folder and tries to write there, so that a long computation does not end with its results lost.</summary>
    /// <exception cref="EngineException">The folder cannot be made or written.</exception>
    public static void Prepare(string folder, string option = "--out")
    {
        try
        {
            Directory.CreateDirectory(folder);
            string probe = Path.Combine(folder, Path.GetRandomFileName());
            using FileStream file = new(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new EngineException(
                $"the folder {folder} cannot be written: {failure.Message.TrimEnd('.')}; give another with {option}", failure);
        }
    }

    /// <summary>Finds out before any work whether all results can be written and none takes the place of something that is read.</summary>
    /// <param name="outputs">All files that will be written, with those that go beside the named ones.</param>
    /// <param name="inputs">All files that will be read; null for one that is not given.</param>
    /// <exception cref="EngineException">A result would replace an input or another result, or cannot be written.</exception>
    public static void Require(IReadOnlyList<string> outputs, params IEnumerable<string?> inputs)
    {
        RequireApart(outputs, inputs);
        foreach (string output in outputs) AtomicFile.RequireWritable(output);
    }

    /// <summary>Finds out whether a result would take the place of something that is read, or of another result.</summary>
    /// <exception cref="EngineException">It would.</exception>
    public static void RequireApart(IEnumerable<string> outputs, params IEnumerable<string?> inputs)
    {
        StringComparer names = OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase;
        Dictionary<string, string> taken = new(names);
        foreach (string input in inputs.OfType<string>().Where(input => !string.IsNullOrWhiteSpace(input))) taken.TryAdd(Resolve(input), input);
        Dictionary<string, string> written = new(names);
        foreach (string output in outputs.Where(output => !string.IsNullOrWhiteSpace(output)))
        {
            string file = Resolve(output);
            if (taken.TryGetValue(file, out string? input))
            {
                throw new EngineException($"{output} would replace {(input == output ? "a file that is read" : $"{input}, which is read")}; give another place with --out");
            }

            if (!written.TryAdd(file, output)) throw new EngineException($"{written[file]} and {output} would be the same file; give another place with --out");
        }
    }

    // The file behind all links, those of its folders included; what does not exist is itself.
    private static string Resolve(string path, int links = 0)
    {
        const int mostLinks = 40;
        string full = Path.GetFullPath(path);
        if (Path.GetDirectoryName(full) is not { } folder) return full;
        FileInfo file = new(Path.Combine(Resolve(folder, links), Path.GetFileName(full)));
        string? target = file.LinkTarget;
        if (target is null) return file.FullName;
        return links < mostLinks
            ? Resolve(Path.Combine(file.DirectoryName!, target), links + 1) : throw new EngineException($"{path} is a link that leads to itself");
    }

    /// <summary>
    /// Writes a file and, with <paramref name="writeOther"/>, the one that belongs to it: where one cannot be written, as on a full disk,
    /// both stay as they were.
    /// </summary>
    /// <exception cref="EngineException">One of them cannot be written.</exception>
    public static void WriteBoth(string path, byte[] content, Action writeOther) => AtomicFile.Write(path, stream =>
    {
        stream.Write(content);
        stream.Flush();
        writeOther();
    });

    /// <summary>Writes files that belong together: where one cannot be written, all stay as they were.</summary>
    /// <param name="paths">The files, at least one.</param>
    /// <param name="contents">One each.</param>
    /// <exception cref="EngineException">One of them cannot be written.</exception>
    public static void WriteAll(string[] paths, byte[][] contents) => WriteBoth(paths[0], contents[0], () =>
    {
        if (paths.Length > 1) WriteAll(paths[1..], contents[1..]);
    });
}
