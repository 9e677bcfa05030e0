using System.Globalization;
using Engine.Kernels;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Data;

/// <summary>Where a song is sung, from a label file: a segment a line, its start and end in seconds and <c>sing</c> or <c>nosing</c>.</summary>
public sealed class LabelTrack
{
    // Neighbours that overlap by less, in seconds, do so because their times were rounded.
    private const double Rounding = 0.001;

    private readonly Segment[] _segments;

    private LabelTrack(Segment[] segments) => _segments = segments;

    /// <summary>The segments: in order, none empty, none overlapping. What lies between two or outside all is not sung.</summary>
    public IReadOnlyList<Segment> Segments => _segments;

    /// <summary>Reads a label file.</summary>
    /// <exception cref="EngineException">
    /// The file is missing, holds no segments, or a line is malformed: not three fields, a time that is no number or negative, an unknown label, an end
    /// that is not after its start, a start before the end of the line before. The message names the file and the line.
    /// </exception>
    public static LabelTrack Read(string path)
    {
        List<Segment> segments = [];
        foreach ((int number, string line) in TextLines.Read(path))
        {
            if (line.StartsWith('#')) continue; // A comment, as svd predict writes one.
            string[] fields = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length != 3) throw Malformed($"{MessageText.Quote(line)} is not a segment; write its start, its end and sing or nosing.");
            double start = Seconds(fields[0]), end = Seconds(fields[1]);
            bool singing = fields[2] == Segment.Label(true);
            if (!singing && fields[2] != Segment.Label(false)) throw Malformed($"the label is sing or nosing, not {MessageText.Quote(fields[2])}.");
            if (end <= start) throw Malformed($"the segment ends at {fields[1]} s, not after its start at {fields[0]} s.");
            if (segments.Count > 0 && start < segments[^1].EndSeconds && start > segments[^1].EndSeconds - Rounding) start = segments[^1].EndSeconds;
            if (segments.Count > 0 && start < segments[^1].EndSeconds)
            {
                throw Malformed($"the segment starts at {fields[0]} s, before the end of the one before it: {segments[^1].EndSeconds} s.");
            }

            if (end > start) segments.Add(new Segment(start, end, singing));

            double Seconds(string field) =>
                double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) && value >= 0
                    ? value
                    : throw Malformed($"{MessageText.Quote(field)} is not a number of seconds, such as 12.345.");

            EngineException Malformed(string problem) => new($"{path}, line {number}: {problem}");
        }

        return segments.Count > 0
            ? new LabelTrack([.. segments])
            : throw new EngineException($"{path} holds no segments; write a line for each: start, end, and sing or nosing. An instrumental has one: 0, its length, nosing.");
    }

    /// <summary>Whether a time, in seconds, lies in a sung segment. A segment holds its start and not its end.</summary>
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
    /// The labels of a song's first frames, 1 where it is sung and 0 elsewhere. Frame i has the label of the time i / 70 s, where its 1024 samples start:
    /// the definition in the SVDNet authors' code, which the predictions' segments share.
    /// </summary>
    public float[] ForFrames(int frames)
    {
        float[] labels = new float[frames];
        for (int i = 0; i < frames; i++) labels[i] = SingingAt((double)i / FramesPerSecond) ? 1 : 0;
        return labels;
    }
}
