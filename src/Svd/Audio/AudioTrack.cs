using System.ComponentModel;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Engine.Svd.Audio.Formats;

namespace Engine.Svd.Audio;

/// <summary>The audio track of a file that is decoded, as the file's container describes it.</summary>
/// <param name="Number">Which of the audio tracks, from 0: the one marked as default, else the first.</param>
/// <param name="Tracks">How many audio tracks there are.</param>
/// <param name="Channels">The track's channels; 0 where they are unknown.</param>
/// <param name="SampleRate">The track's samples a second; 0 where they are unknown.</param>
/// <param name="StartSeconds">Where the container's time starts, before which no track has anything.</param>
/// <param name="EndSeconds">Where the track ends, from the container's start; null where it is unknown.</param>
/// <param name="IsEstimate">Whether the end is only estimated from the bit rate.</param>
/// <param name="CountsFromZero">Whether the container's time is meant to start at 0, wherever its first track starts.</param>
internal sealed record AudioTrack(
    int Number, int Tracks, int Channels, int SampleRate, double StartSeconds, double? EndSeconds, bool IsEstimate, bool CountsFromZero)
{
    private const int LongestAnswer = 1 << 20;

    /// <summary>What is known without ffprobe: nothing.</summary>
    public static AudioTrack Unknown { get; } = new(0, 1, 0, 0, 0, null, IsEstimate: true, CountsFromZero: false);

    /// <summary>What a WAV file's header says.</summary>
    public static AudioTrack Of(WavHeader header) =>
        Unknown with { Channels = header.Channels, SampleRate = header.SampleRate, EndSeconds = header.DurationSeconds, IsEstimate = header.IsOpenEnded };

    /// <summary>Asks ffprobe, which comes with ffmpeg; any trouble with it is no answer.</summary>
    public static AudioTrack Probe(string source, string? searchPath, TimeSpan patience)
    {
        if (AudioTool.Find(searchPath, "ffprobe") is not { } program) return Unknown;
        string[] arguments =
        [
            "-v", "warning", "-of", "json", "-show_entries",
            "format=duration,start_time,format_name:stream=codec_type,channels,sample_rate,start_time,duration:stream_disposition=default,attached_pic", source,
        ];
        try
        {
            using AudioTool probe = new(program, arguments, patience);
            byte[] answer = new byte[LongestAnswer];
            int count = probe.Read(answer);
            if (count == answer.Length || probe.ExitCode != 0) return Unknown;
            bool isEstimate = probe.Complaint.Contains("stimating duration", StringComparison.Ordinal);
            return Parse(Encoding.UTF8.GetString(answer, 0, count), isEstimate) ?? Unknown;
        }
        catch (Exception e) when (e is Win32Exception or IOException or JsonException or InvalidOperationException)
        {
            return Unknown;
        }
    }

    /// <summary>Reads ffprobe's answer; null where there is no audio track.</summary>
    internal static AudioTrack? Parse(string json, bool isEstimate)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement[] streams = [.. document.RootElement.GetProperty("streams").EnumerateArray()];
        JsonElement[] audio = [.. streams.Where(stream => Text(stream, "codec_type") == "audio")];
        if (audio.Length == 0) return null;
        int number = Math.Max(0, Array.FindIndex(audio, stream => Flag(stream, "default")));
        JsonElement track = audio[number], format = document.RootElement.GetProperty("format");

        // The whole file is as long as the track only where nothing else is in it.
        bool isAlone = streams.All(stream => Text(stream, "codec_type") == "audio" ? audio.Length == 1 : Flag(stream, "attached_pic"));
        double origin = Decimal(format, "start_time") ?? 0, start = Decimal(track, "start_time") ?? origin;
        double? length = Decimal(track, "duration") ?? (isAlone ? Decimal(format, "duration") : null);
        bool countsFromZero = Text(format, "format_name")?.Split(',').Any(name => name is "mov" or "matroska") == true;
        if (countsFromZero) origin = 0;
        return new AudioTrack(
            number, audio.Length, track.TryGetProperty("channels", out JsonElement channels) && channels.TryGetInt32(out int count) ? count : 0,
            (int)(Decimal(track, "sample_rate") ?? 0), Decimal(format, "start_time") ?? 0, start - origin + length, isEstimate, countsFromZero);
    }

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static double? Decimal(JsonElement element, string name) =>
        double.TryParse(Text(element, name), NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) ? value : null;

    private static bool Flag(JsonElement stream, string name) =>
        stream.TryGetProperty("disposition", out JsonElement flags) && flags.TryGetProperty(name, out JsonElement flag)
        && flag.ValueKind == JsonValueKind.Number && flag.GetInt32() == 1;
}
