using System.Text.Json.Serialization;

namespace Engine.Svd.Page;

/// <summary>What a page's scripts know of a song beside the packed numbers; data.js reads it.</summary>
internal sealed record PageData
{
    public required string Name { get; init; }

    public required string Version { get; init; }

    public required int FrameCount { get; init; }

    public required int FramesPerSecond { get; init; }

    public required int FrameLength { get; init; }

    public required int Hop { get; init; }

    public required int SampleRate { get; init; }

    public required int Bands { get; init; }

    public required int ExcerptFrames { get; init; }

    public required int TileFrames { get; init; }

    public required int Every { get; init; }

    public required int AskedEvery { get; init; }

    public required IReadOnlyList<string> Methods { get; init; }

    public required IReadOnlyList<double> Shares { get; init; }

    public required int AskedShare { get; init; }

    public required double ClassThreshold { get; init; }

    public required string ClassThresholdFrom { get; init; }

    public required IReadOnlyList<CardLine> Card { get; init; }

    public required SpectrogramData Spectrogram { get; init; }

    public required double[] CornersHz { get; init; }

    /// <summary>Of each frequency: the first band that it is part of, and the weights of the bands from there on.</summary>
    public required double[][] Gains { get; init; }

    public required SoundData Sound { get; init; }

    /// <summary>Start and end of every sung segment, in seconds.</summary>
    public required double[][] Segments { get; init; }

    /// <summary>The same of the labels; null where there are none.</summary>
    public required double[][]? Labels { get; init; }

    public required double? Error { get; init; }

    /// <summary>The segments as a .lab file.</summary>
    public required string Lab { get; init; }

    public required string[] Warnings { get; init; }
}

/// <summary>How the bytes of a spectrogram are to be read and coloured.</summary>
internal sealed record SpectrogramData(double Lowest, double Step, int Darkest, int Brightest, IReadOnlyList<double> Mean, IReadOnlyList<double> Std);

/// <summary>The sound in a page: what it is, of how many elements, and where in the song its fingerprint is.</summary>
internal sealed record SoundData(string Kind, int Blocks, string Channel, long SongSamples, long Start);

/// <summary>What the scripts of the index know.</summary>
internal sealed record IndexData(string Version, double ClassThreshold, IndexSong[] Songs);

/// <summary>A song of it.</summary>
internal sealed record IndexSong(string Name, string Page, string? Problem, double? Seconds, double? Singing, double? Error, int? Segments, int[]? Strip);

/// <summary>
/// snake_case, and nothing that markup could take for its own: &lt; &gt; &amp; and quotes are escaped, as is all that is not ASCII. The types are known at
/// compile time, since looking at them by reflection would take a tenth of a second.
/// </summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PageData))]
[JsonSerializable(typeof(IndexData))]
internal sealed partial class PageContext : JsonSerializerContext;
