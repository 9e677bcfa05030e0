using System.Text.Json;
using System.Text.Json.Serialization;
using Engine.Kernels;
using Engine.Nn;

namespace Engine.Svd.Model;

/// <summary>
/// What a weight file says beside its arrays: what it belongs to and how it came about. It stands as JSON in the comment of the zip archive, where NumPy and
/// the published loaders do not look. The published files say nothing.
/// </summary>
public sealed record WeightNotes
{
    private const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions _json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Tells these notes from other programs' comments.</summary>
    public int EngineWeights { get; init; } = CurrentFormat;

    /// <summary>Of an inversion or mask network: the <see cref="SvdNet.DigestOfFeatures"/> of the detector that it was trained on.</summary>
    public string? Detector { get; init; }

    /// <summary>The digest of the statistics that its training's spectrograms were normalised with.</summary>
    public string? Statistics { get; init; }

    /// <summary>
    /// Of a detector: the probability from which on it counts as singing, with the fewest errors on the validation songs. Of a mask network: the one it was
    /// trained at.
    /// </summary>
    public double? ClassThreshold { get; init; }

    /// <summary>How it was trained, for people.</summary>
    public string? Training { get; init; }

    /// <summary>The notes of a file; null where it has none.</summary>
    /// <exception cref="EngineException">It has notes that make no sense.</exception>
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
            // Said below.
        }

        throw new EngineException($"{file.Path}: what it says about its training is damaged; write it anew with 'svd weights'");
    }

    /// <summary>The comment that <see cref="Of"/> reads, in ASCII.</summary>
    public override string ToString() => JsonSerializer.Serialize(this, _json);
}
