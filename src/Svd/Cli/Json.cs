using System.Text.Encodings.Web;
using System.Text.Json;

namespace Engine.Svd.Cli;

/// <summary>How the commands write JSON: snake_case names, readable characters.</summary>
internal static class Json
{
    /// <summary>On one line.</summary>
    public static JsonSerializerOptions Line { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Indented.</summary>
    public static JsonSerializerOptions Indented { get; } = new(Line) { WriteIndented = true };
}
