using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Engine.Svd.Cli;

/// <summary>How the commands write JSON: snake_case names, readable characters where standard output can have them, and ASCII alone where it is not UTF-8.</summary>
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
