using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Engine.Svd.Data;

namespace Engine.Svd.Predict;

/// <summary>A song's segments and what is said about them in a file.</summary>
/// <param name="Segments">The segments.</param>
/// <param name="Song">The audio file's name.</param>
/// <param name="Seconds">Its length.</param>
/// <param name="ClassThreshold">The probability from which on it counts as singing.</param>
/// <param name="How">How they were found, on one line for people to read.</param>
internal sealed record SegmentContent(IReadOnlyList<Segment> Segments, string Song, double Seconds, double ClassThreshold, string How);

/// <summary>Writes segments as the programs read them that people use.</summary>
internal static class SegmentFiles
{
    private const string JamsVersion = "0.3.4";

    /// <summary>What a file's name ends in.</summary>
    public static string Extension(SegmentFormat format) => format switch
    {
        SegmentFormat.Lab => ".lab", SegmentFormat.Audacity => ".txt", SegmentFormat.Csv => ".csv", SegmentFormat.Jams => ".jams", _ => ".json",
    };

    /// <summary>The file's bytes.</summary>
    public static byte[] Encode(SegmentFormat format, SegmentContent content) => format switch
    {
        SegmentFormat.Lab => LabFile.Encode(content.Segments, content.How),
        SegmentFormat.Audacity => Lines("", '\t', content),
        SegmentFormat.Csv => Lines("start,end,label\n", ',', content),
        SegmentFormat.Jams => Written(writer => WriteJams(writer, content)),
        _ => Written(writer => WriteJson(writer, content)),
    };

    /// <summary>Writes the segments as an array of objects.</summary>
    private static void WriteSegments(Utf8JsonWriter writer, IReadOnlyList<Segment> segments)
    {
        writer.WriteStartArray("segments");
        foreach (Segment segment in segments)
        {
            writer.WriteStartObject();
            writer.WriteNumber("start", Rounded(segment.StartSeconds));
            writer.WriteNumber("end", Rounded(segment.EndSeconds));
            writer.WriteString("label", Segment.Label(segment.Singing));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static byte[] Lines(string head, char separator, SegmentContent content)
    {
        StringBuilder text = new(head);
        foreach (Segment segment in content.Segments)
        {
            string label = Segment.Label(segment.Singing);
            text.Append(CultureInfo.InvariantCulture, $"{segment.StartSeconds:F6}{separator}{segment.EndSeconds:F6}{separator}{label}\n");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void WriteJson(Utf8JsonWriter writer, SegmentContent content)
    {
        writer.WriteString("audio", content.Song);
        writer.WriteNumber("seconds", Rounded(content.Seconds));
        writer.WriteNumber("class_threshold", content.ClassThreshold);
        WriteSegments(writer, content.Segments);
    }

    private static void WriteJams(Utf8JsonWriter writer, SegmentContent content)
    {
        writer.WriteStartArray("annotations");
        writer.WriteStartObject();
        writer.WriteString("namespace", "segment_open");
        writer.WriteNumber("time", 0);
        writer.WriteNumber("duration", Rounded(content.Seconds));
        writer.WriteStartArray("data");
        foreach (Segment segment in content.Segments)
        {
            writer.WriteStartObject();
            writer.WriteNumber("time", Rounded(segment.StartSeconds));
            writer.WriteNumber("duration", Rounded(segment.EndSeconds - segment.StartSeconds));
            writer.WriteString("value", Segment.Label(segment.Singing));
            writer.WriteNull("confidence");
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartObject("annotation_metadata");
        writer.WriteString("annotation_tools", "svd predict");
        writer.WriteString("annotation_rules", content.How);
        writer.WriteString("data_source", "program");
        foreach (string unknown in (string[])["version", "corpus", "validation"]) writer.WriteString(unknown, "");
        writer.WriteStartObject("curator");
        writer.WriteString("name", "");
        writer.WriteString("email", "");
        writer.WriteEndObject();
        WriteEmpty(writer, "annotator");
        writer.WriteEndObject();
        WriteEmpty(writer, "sandbox");
        writer.WriteEndObject();
        writer.WriteEndArray();

        writer.WriteStartObject("file_metadata");
        writer.WriteString("title", Path.GetFileNameWithoutExtension(content.Song));
        foreach (string unknown in (string[])["artist", "release"]) writer.WriteString(unknown, "");
        writer.WriteNumber("duration", Rounded(content.Seconds));
        WriteEmpty(writer, "identifiers");
        writer.WriteString("jams_version", JamsVersion);
        writer.WriteEndObject();
        WriteEmpty(writer, "sandbox");
    }

    private static void WriteEmpty(Utf8JsonWriter writer, string name)
    {
        writer.WriteStartObject(name);
        writer.WriteEndObject();
    }

    private static byte[] Written(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> bytes = new();
        using Utf8JsonWriter writer = new(bytes, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        writer.WriteStartObject();
        write(writer);
        writer.WriteEndObject();
        writer.Flush();
        return [.. bytes.WrittenSpan, (byte)'\n'];
    }

    private static double Rounded(double seconds) => Math.Round(seconds, 6);
}
