namespace Engine.Bench.Ladder;

/// <summary>A form of an operation, one of several that lead from its definition to the form that is in use.</summary>
/// <param name="Number">Its number on the ladder, from 1.</param>
/// <param name="Name">What it adds to the rung before.</param>
/// <param name="Threads">The threads that it runs on.</param>
/// <param name="Files">The files that one has to read for it.</param>
/// <param name="Run">Computes the operation once.</param>
internal sealed record Rung(int Number, string Name, int Threads, IReadOnlyList<string> Files, Action Run)
{
    /// <summary>The lines of its files that are not blank. The sources are part of the program, so that it can count them anywhere.</summary>
    public int Lines => Files.Sum(LinesOf);

    private static int LinesOf(string file)
    {
        using Stream source = typeof(Rung).Assembly.GetManifestResourceStream(Path.GetFileName(file))
            ?? throw new FileNotFoundException($"{file} is not embedded in the program", file);
        using StreamReader reader = new(source);
        int lines = 0;
        while (reader.ReadLine() is { } line) lines += string.IsNullOrWhiteSpace(line) ? 0 : 1;
        return lines;
    }
}
