using System.Buffers;
using System.Globalization;
using System.Text;

namespace Engine.Kernels;

/// <summary>
/// Makes text that comes from outside, such as a file's name or content, fit to be shown: on one line, without characters that steer a terminal, and
/// not longer than anyone reads. An <see cref="EngineException"/> does so with its whole message.
/// </summary>
public static class MessageText
{
    /// <summary>The most characters that <see cref="Line"/> returns.</summary>
    public const int LongestLine = 1000;

    /// <summary>The most characters of a text that <see cref="Quote"/> shows.</summary>
    public const int LongestQuote = 60;

    private const string Cut = "…";

    // What most texts consist of, none of which needs a closer look.
    private static readonly SearchValues<char> plain = SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(letter => (char)letter), '\n']);

    /// <summary>
    /// The text as one line. A control character, a line break, a change of the writing direction and half a surrogate pair become <c>\x1B</c> or
    /// <c>\u202E</c>. What is too long loses its middle: the beginning says what it is about and the end what to do.
    /// </summary>
    public static string Line(string text) => Shorten(Escape(Shorten(text)));

    /// <summary>The text in single quotes, as one line like <see cref="Line"/>; only its beginning where it is long.</summary>
    public static string Quote(ReadOnlySpan<char> text)
    {
        bool isLong = text.Length > LongestQuote;
        return $"'{Escape(text[..Math.Min(text.Length, LongestQuote)])}{(isLong ? Cut : "")}'";
    }

    private static string Shorten(string text) =>
        text.Length <= LongestLine ? text : $"{text[..(LongestLine / 2)]}{Cut}{text[^(LongestLine / 2 - Cut.Length)..]}";

    /// <summary>The text with its line breaks, but otherwise escaped as in <see cref="Line"/>; it may be of any length.</summary>
    public static string Lines(string text) =>
        text.AsSpan().IndexOfAnyExcept(plain) < 0 ? text : string.Join('\n', text.Split('\n').Select(line => Escape(line)));

    private static string Escape(ReadOnlySpan<char> text)
    {
        StringBuilder safe = new(text.Length);
        while (!text.IsEmpty)
        {
            Rune.DecodeFromUtf16(text, out Rune rune, out int length);
            ReadOnlySpan<char> letter = text[..length];
            if (IsSafe(rune, letter)) safe.Append(letter);
            else safe.Append(CultureInfo.InvariantCulture, $"{(letter[0] < 0x100 ? "\\x" : "\\u")}{(int)letter[0]:X2}");
            text = text[length..];
        }

        return safe.ToString();
    }

    private static bool IsSafe(Rune rune, ReadOnlySpan<char> letter) =>
        !Rune.IsControl(rune)
        && !(letter.Length == 1 && char.IsSurrogate(letter[0]))
        && rune.Value is not (0x2028 or 0x2029 or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069));
}
