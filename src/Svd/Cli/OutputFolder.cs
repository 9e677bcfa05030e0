using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Svd.Cli;

/// <summary>Checks where a command writes, and writes files that belong together.</summary>
internal static class OutputFolder
{
    /// <summary>Creates the folder and tries to write there, so that a long computation does not lose its results at the end.</summary>
    /// <exception cref="EngineException">The folder cannot be created or written.</exception>
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

    /// <summary>Checks before any work that all results can be written and that none replaces a file that is read.</summary>
    /// <param name="outputs">All files that will be written, including those beside the named ones.</param>
    /// <param name="inputs">All files that will be read; null for a file that is not given.</param>
    /// <exception cref="EngineException">A result would replace an input or another result, or cannot be written.</exception>
    public static void Require(IReadOnlyList<string> outputs, params IEnumerable<string?> inputs)
    {
        RequireApart(outputs, inputs);
        foreach (string output in outputs) AtomicFile.RequireWritable(output);
    }

    /// <summary>Checks that no result is there already, unless the user wants it to be replaced.</summary>
    /// <exception cref="EngineException">A result is there.</exception>
    public static void RequireNew(IEnumerable<string> outputs, bool overwrite)
    {
        if (!overwrite && outputs.FirstOrDefault(File.Exists) is { } existing)
        {
            throw new EngineException($"{existing} is there already; give --overwrite to replace it, or another place with --out");
        }
    }

    /// <summary>Creates the folders that files are in.</summary>
    /// <exception cref="EngineException">One cannot be created or written.</exception>
    public static void PrepareAll(IEnumerable<string> files)
    {
        foreach (string folder in files.Select(file => Path.GetDirectoryName(file) ?? "").Where(folder => folder.Length > 0).Distinct()) Prepare(folder);
    }

    /// <summary>Checks that no result replaces a file that is read, or another result.</summary>
    /// <exception cref="EngineException">A result would replace a file that is read, or another result.</exception>
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
                string replaced = input == output ? "a file that this command reads" : $"{input}, which this command reads";
                throw new EngineException($"{output} would replace {replaced}; give another place with --out");
            }

            if (!written.TryAdd(file, output)) throw new EngineException($"{written[file]} and {output} would be the same file; give another place with --out");
        }
    }

    // Resolves all links, including those of the folders. A file that does not exist resolves to itself.
    private static string Resolve(string path, int links = 0)
    {
        const int mostLinks = 40;
        string full = Path.GetFullPath(path);
        if (Path.GetDirectoryName(full) is not { } folder) return full;
        FileInfo file = new(Path.Combine(Resolve(folder, links), Path.GetFileName(full)));
        string? target = file.LinkTarget;
        if (target is null) return file.FullName;
        return links < mostLinks
            ? Resolve(Path.Combine(file.DirectoryName!, target), links + 1) : throw new EngineException($"{path} is a link to itself");
    }

    /// <summary>
    /// Writes a file and, with <paramref name="writeOther"/>, the file that belongs to it. If one cannot be written, as on a full disk, both stay as they
    /// were.
    /// </summary>
    /// <exception cref="EngineException">One of them cannot be written.</exception>
    public static void WriteBoth(string path, byte[] content, Action writeOther) => AtomicFile.Write(path, stream =>
    {
        stream.Write(content);
        stream.Flush();
        writeOther();
    });

    /// <summary>Writes files that belong together. If one cannot be written, all stay as they were.</summary>
    /// <param name="paths">The files; at least one.</param>
    /// <param name="contents">The content of each file.</param>
    /// <exception cref="EngineException">One of them cannot be written.</exception>
    public static void WriteAll(string[] paths, byte[][] contents) => WriteBoth(paths[0], contents[0], () =>
    {
        if (paths.Length > 1) WriteAll(paths[1..], contents[1..]);
    });
}
