using System.Text.Json;
using System.Text.Json.Serialization;
using Engine.Kernels;
using Engine.Nn;

namespace Engine.Svd.Model;

/// <summary>
/// A weight file's notes: what it belongs to and how it was trained. They are JSON in the comment of the zip archive, which NumPy and the published loaders
/// ignore. The published files have none.
/// </summary>
public sealed record WeightNotes
{
    private const int CurrentFormat = 1;

    /// <summary>Distinguishes these notes from other programs' comments.</summary>
    public int EngineWeights { get; init; } = CurrentFormat;

    /// <summary>For an inversion or mask network: the <see cref="SvdNet.DigestOfFeatures"/> of the detector that it was trained with.</summary>
    public string? Detector { get; init; }

    /// <summary>The digest of the statistics that normalised the spectrograms in training.</summary>
    public string? Statistics { get; init; }

    /// <summary>
    /// For a detector: the class threshold with the fewest errors on the validation songs. For a mask network: the class threshold of its training.
    /// </summary>
    public double? ClassThreshold { get; init; }

    /// <summary>For an inversion network: the layer that it inverts.</summary>
    public string? Layer { get; init; }

    /// <summary>How the network was trained, for people to read.</summary>
    public string? Training { get; init; }

    /// <summary>A file's notes; null if it has none.</summary>
    /// <exception cref="EngineException">The notes are damaged.</exception>
    public static WeightNotes? Of(WeightFile file)
    {
        if (!file.Comment.StartsWith('{') || !file.Comment.Contains("\"engine_weights\"", StringComparison.Ordinal)) return null;
        try
        {
            // By hand: the serialiser would take a tenth of the time in which svd explains an excerpt.
            using JsonDocument document = JsonDocument.Parse(file.Comment);
            JsonElement notes = document.RootElement;
            double? threshold = Property(notes, "class_threshold")?.GetDouble();
            if (Property(notes, "engine_weights")?.GetInt32() == CurrentFormat && threshold is null or >= 0 and <= 1)
            {
                return new WeightNotes
                {
                    Detector = Property(notes, "detector")?.GetString(), Statistics = Property(notes, "statistics")?.GetString(), ClassThreshold = threshold,
                    Layer = Property(notes, "layer")?.GetString(), Training = Property(notes, "training")?.GetString(),
                };
            }
        }
        catch (Exception damage) when (damage is JsonException or InvalidOperationException or FormatException)
        {
            // Reported below.
        }

        throw new EngineException($"{file.Path}: the notes about its training are damaged; write new ones with 'svd weights'");
    }

    private static JsonElement? Property(JsonElement notes, string name) =>
        notes.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>The comment that <see cref="Of"/> reads, in ASCII.</summary>
    public override string ToString() => JsonSerializer.Serialize(this, WeightNotesContext.Default.WeightNotes);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WeightNotes))]
internal sealed partial class WeightNotesContext : JsonSerializerContext;
