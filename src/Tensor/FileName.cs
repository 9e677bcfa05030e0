using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>What file names and names found inside files go through before they are used or shown.</summary>
internal static class FileName
{
    private const int LongestQuote = 60;

    /// <summary>The full path of <paramref name="path"/>.</summary>
    /// <exception cref="EngineException">The name is blank or holds a null character.</exception>
    public static string Full(string path) =>
        string.IsNullOrWhiteSpace(path) || path.Contains('\0')
            ? throw new EngineException("A file name is blank or holds a null character; give the name of a file.")
            : Path.GetFullPath(path);

    /// <summary>Text from inside a file, in quotes, made safe for a one-line message: no control characters, not long.</summary>
    public static string Quote(ReadOnlySpan<char> text)
    {
        ReadOnlySpan<char> shown = text[..Math.Min(text.Length, LongestQuote)];
        Span<char> safe = stackalloc char[shown.Length];
        for (int i = 0; i < shown.Length; i++) safe[i] = char.IsControl(shown[i]) ? '?' : shown[i];
        return $"'{safe}{(shown.Length < text.Length ? "…" : "")}'";
    }
}
