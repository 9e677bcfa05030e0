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

    private static readonly JsonSerializerOptions _json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

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

    /// <summary>How the network was trained, for people to read.</summary>
    public string? Training { get; init; }

    /// <summary>A file's notes; null if it has none.</summary>
    /// <exception cref="EngineException">The notes are damaged.</exception>
    public static WeightNotes? Of(WeightFile file)
    {
        if (!file.Comment.StartsWith('{') || !file.Comment.Contains("\"engine_weights\"", StringComparison.Ordinal)) return null;
        try
        {
            WeightNotes? notes = JsonSerializer.Deserialize<WeightNotes>(file.Comment, _json);
            if (notes?.EngineWeights == CurrentFormat && notes.ClassThreshold is null or >= 0 and <= 1) return notes;
        }
        catch (JsonException)
        {
            // Reported below.
        }

        throw new EngineException($"{file.Path}: the notes about its training are damaged; write new ones with 'svd weights'");
    }

    /// <summary>The comment that <see cref="Of"/> reads, in ASCII.</summary>
    public override string ToString() => JsonSerializer.Serialize(this, _json);
}
