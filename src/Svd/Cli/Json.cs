using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Engine.Svd.Cli;

/// <summary>How the commands write JSON: with snake_case names, and with non-ASCII characters escaped unless standard output is Unicode.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions
        ascii = new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DictionaryKeyPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.Default,
        },
        readable = new(ascii) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping },
        indentedAscii = new(ascii) { WriteIndented = true }, indentedReadable = new(readable) { WriteIndented = true };

    /// <summary>On one line.</summary>
    public static JsonSerializerOptions Line => IsUnicode ? readable : ascii;

    /// <summary>Indented.</summary>
    public static JsonSerializerOptions Indented => IsUnicode ? indentedReadable : indentedAscii;

    private static bool IsUnicode => Console.Out.Encoding is UTF8Encoding or UnicodeEncoding;
}
