using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Engine.Svd.Cli;

/// <summary>How the commands write JSON: with snake_case names, and with non-ASCII characters escaped unless standard output is Unicode.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions
        ascii = new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DictionaryKeyPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.Default,

            // The benchmarks' types are not in the context.
            TypeInfoResolver = JsonTypeInfoResolver.Combine(JsonContext.Default, new DefaultJsonTypeInfoResolver()),
        },
        readable = new(ascii) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping },
        indentedAscii = new(ascii) { WriteIndented = true }, indentedReadable = new(readable) { WriteIndented = true };

    /// <summary>On one line.</summary>
    public static JsonSerializerOptions Line => IsUnicode ? readable : ascii;

    /// <summary>Indented.</summary>
    public static JsonSerializerOptions Indented => IsUnicode ? indentedReadable : indentedAscii;

    private static bool IsUnicode => Console.Out.Encoding is UTF8Encoding or UnicodeEncoding;
}

/// <summary>Knows the reports' types at compile time: looking at them by reflection would take a tenth of a second.</summary>
[JsonSerializable(typeof(CurvesReport))]
[JsonSerializable(typeof(CorpusCommand.Report), TypeInfoPropertyName = "Corpus")]
[JsonSerializable(typeof(DevicesCommand.Report), TypeInfoPropertyName = "Devices")]
[JsonSerializable(typeof(EvaluateCommand.Report), TypeInfoPropertyName = "Evaluate")]
[JsonSerializable(typeof(ExplainCommand.Report), TypeInfoPropertyName = "Explain")]
[JsonSerializable(typeof(LocaliseCommand.Report), TypeInfoPropertyName = "Localise")]
[JsonSerializable(typeof(MaximiseCommand.Report), TypeInfoPropertyName = "Maximise")]
[JsonSerializable(typeof(MethodsEvaluation.Report), TypeInfoPropertyName = "Methods")]
[JsonSerializable(typeof(PageCommand.Report), TypeInfoPropertyName = "Page")]
[JsonSerializable(typeof(PredictCommand.Report), TypeInfoPropertyName = "Predict")]
[JsonSerializable(typeof(ReconstructCommand.Report), TypeInfoPropertyName = "Reconstruct")]
[JsonSerializable(typeof(ScoreReport))]
[JsonSerializable(typeof(ShardReport))]
[JsonSerializable(typeof(WeightsCommand.Report), TypeInfoPropertyName = "Weights")]
internal sealed partial class JsonContext : JsonSerializerContext;
