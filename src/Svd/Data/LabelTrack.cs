using System.Globalization;
using Engine.Kernels;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Data;

/// <summary>
/// Where a song is sung, from a label file. Each line is a segment: its start and end in seconds, and <c>sing</c> or <c>nosing</c>, with spaces between them
/// (.lab), tabs (an Audacity label track) or commas (CSV, which may have a head).
/// </summary>
public sealed class LabelTrack
{
    // Segments that overlap by less than this, in seconds, have rounded times.
    private const double Rounding = 0.001;

    // A segment may start LatestStart seconds after the song's end, since decoders differ by the encoder's delay, and end LatestEnd seconds after it, since
    // people round.
    private const double LatestStart = 0.1, LatestEnd = 1;

    private static readonly (string Name, double PerSecond)[] _units =
    [
        ("in milliseconds", 1e3), ("counts of samples", 16_000), ("counts of samples", 22_050), ("counts of samples", 44_100), ("counts of samples", 48_000),
        ("in microseconds", 1e6), ("in units of 100 ns", 1e7), ("in nanoseconds", 1e9),
    ];

    private static readonly string[] _sung = [Segment.Label(true), "singing", "vocal", "vocals", "voice", "1"];
    private static readonly string[] _notSung = [Segment.Label(false), "no singing", "nonvocal", "instrumental", "music", "silence", "0"];

    private readonly string _path;
    private readonly Segment[] _segments;
    private readonly int[] _lines;

    private LabelTrack(string path, Segment[] segments, int[] lines) => (_path, _segments, _lines) = (path, segments, lines);

    /// <summary>The segments in order. None is empty and none overlap. Times outside all segments are not sung.</summary>
    public IReadOnlyList<Segment> Segments => _segments;

    /// <summary>Reads a label file.</summary>
    /// <exception cref="EngineException">
    /// The file is missing or holds no segments, or a line is malformed: it does not have three fields, a time is not a number or is negative, the label is
    /// unknown, the end is not after the start, or the start is before the end of the previous line. The message names the file and the line.
    /// </exception>
    public static LabelTrack Read(string path)
    {
        List<Segment> segments = [];
        List<int> lines = [];
        foreach ((int number, string line) in InputFile.IsEmpty(path) ? [] : TextLines.Read(path))
        {
            if (line[0] is '#' or '\\') continue; // A comment, as svd predict writes one, or the frequencies of an Audacity label.
            string[] fields = FieldsOf(line);
            if (number == 1 && IsHead(fields)) continue;
            if (fields.Length != 3) throw Malformed($"{MessageText.Quote(line)} is not a segment; write start, end, and sing or nosing.");
            double start = Seconds(fields[0]), end = Seconds(fields[1]);
            bool singing = _sung.Contains(fields[2]);
            if (!singing && !_notSung.Contains(fields[2])) throw Malformed($"the label must be sing or nosing, not {MessageText.Quote(fields[2])}.");
            if (end <= start) throw Malformed($"the segment ends at {fields[1]} s, not after its start at {fields[0]} s.");
            if (segments.Count > 0 && start < segments[^1].EndSeconds && start > segments[^1].EndSeconds - Rounding) start = segments[^1].EndSeconds;
            if (segments.Count > 0 && start < segments[^1].EndSeconds)
            {
                throw Malformed($"the segment starts at {fields[0]} s, before the previous one ends at {segments[^1].EndSeconds} s.");
            }

            if (end > start)
            {
                segments.Add(new Segment(start, end, singing));
                lines.Add(number);
            }

            double Seconds(string field) =>
                double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) && value >= 0
                    ? value
                    : throw Malformed($"{MessageText.Quote(field)} is not a number of seconds, such as 12.345.");

            EngineException Malformed(string problem) => new($"{path}, line {number}: {problem}");
        }

        return segments.Count > 0
            ? new LabelTrack(path, [.. segments], [.. lines])
            : throw new EngineException(
                $"{path} holds no segments; write one per line: start, end, and sing or nosing. An instrumental has one line, such as '0 180 nosing'.");
    }

    /// <summary>Whether a time, in seconds, lies in a sung segment. A segment includes its start but not its end.</summary>
    public bool SingingAt(double seconds)
    {
        int below = 0, above = _segments.Length;
        while (below < above)
        {
            int middle = (below + above) / 2;
            if (_segments[middle].EndSeconds <= seconds) below = middle + 1;
            else above = middle;
        }

        return below < _segments.Length && _segments[below] is { Singing: true } segment && segment.StartSeconds <= seconds;
    }

    /// <summary>
    /// The labels of a song's frames: 1 if sung, else 0. Frame i has the label of the time i / 70 s, where its 1024 samples start. This is the definition in
    /// the SVDNet authors' code, and the segments of predictions use it too.
    /// </summary>
    /// <param name="frames">How many frames the whole song has.</param>
    /// <param name="warn">Gets one line if the last segment ends far after the song.</param>
    /// <exception cref="EngineException">A segment starts after the song's end; the message names the file, the line and both times.</exception>
    public float[] ForFrames(int frames, Action<string>? warn = null)
    {
        double songEnd = (double)(frames * (long)Hop + FrameLength - 1) / SampleRate;
        int late = Array.FindIndex(_segments, segment => segment.StartSeconds > songEnd + LatestStart);
        if (late >= 0)
        {
            throw new EngineException(
                $"{_path}, line {_lines[late]}: the segment starts at {_segments[late].StartSeconds} s, but the song ends at {songEnd:F2} s; "
                + $"{Guess(songEnd)}.");
        }

        if (_segments[^1].EndSeconds > songEnd + LatestEnd)
        {
            warn?.Invoke(
                $"{_path}, line {_lines[^1]}: the segment ends at {_segments[^1].EndSeconds} s, but the song ends at {songEnd:F2} s; {Guess(songEnd)}.");
        }

        float[] labels = new float[frames];
        for (int i = 0; i < frames; i++) labels[i] = SingingAt((double)i / FramesPerSecond) ? 1 : 0;
        return labels;
    }

    private static string[] FieldsOf(string line)
    {
        const StringSplitOptions trimmed = StringSplitOptions.TrimEntries;
        if (line.Contains('\t') && line.Split('\t', trimmed) is [_, _, _] track) return track;
        string[] cells = [.. line.Split(',', trimmed).Select(cell => cell.Trim('"'))];
        bool isTable = cells.Length == 3 && !cells[0].Contains(' ') && !cells[1].Contains(' ');
        return isTable ? cells : line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    }

    private static bool IsHead(string[] fields) =>
        fields.Length == 3 && fields[..2].All(field => field.Length > 0 && field.All(letter => char.IsLetter(letter) || letter is '_' or ' ' or '(' or ')'));

    // A guess at what is wrong with times that do not fit the song: the first unit in which the last of them fits.
    private string Guess(double songEnd)
    {
        double end = _segments[^1].EndSeconds;
        foreach ((string unit, double perSecond) in _units)
        {
            if (end / perSecond > songEnd + LatestEnd || end / perSecond < songEnd / 10) continue;
            return $"the times are probably {unit}; divide them by {perSecond}";
        }

        return "these are probably another song's labels, or the song was cut";
    }
}
