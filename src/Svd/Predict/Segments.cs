using System.Globalization;
using System.Text;
using Engine.Svd.Data;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Predict;

/// <summary>Turns frame probabilities into labelled segments.</summary>
public static class Segments
{
    /// <summary>The length in frames of the median filter that smooths predictions: 0.8 s.</summary>
    public const int MedianFrames = 56;

    /// <summary>
    /// A running median like SciPy's <c>median_filter(x, 56, mode="nearest")</c>: the upper of the two middle values in the window from i − 28 to i + 27, where
    /// the ends are repeated.
    /// </summary>
    public static float[] Median(ReadOnlySpan<float> values)
    {
        float[] filtered = new float[values.Length];
        List<float> sorted = new(MedianFrames);
        if (values.IsEmpty) return filtered;
        const int before = MedianFrames / 2;
        for (int i = -before; i < MedianFrames - before; i++) Insert(values[Math.Clamp(i, 0, values.Length - 1)]);
        for (int i = 0; ; )
        {
            filtered[i] = sorted[MedianFrames / 2];
            if (i == values.Length - 1) return filtered;
            sorted.RemoveAt(sorted.BinarySearch(values[Math.Clamp(i - before, 0, values.Length - 1)]));
            i++;
            Insert(values[Math.Clamp(i + MedianFrames - before - 1, 0, values.Length - 1)]);
        }

        void Insert(float value)
        {
            int at = sorted.BinarySearch(value);
            sorted.Insert(at < 0 ? ~at : at, value);
        }
    }

    /// <summary>
    /// The segments of a song. Frames whose smoothed probability reaches the threshold are singing. Frame i stands for the time from i / 70 s to
    /// (i + 1) / 70 s. The segments have no gaps and cover all frames.
    /// </summary>
    public static IReadOnlyList<Segment> Find(ReadOnlySpan<float> probabilities, double threshold)
    {
        float[] smoothed = Median(probabilities);
        List<Segment> segments = [];
        for (int start = 0, end; start < smoothed.Length; start = end)
        {
            bool singing = smoothed[start] >= threshold;
            for (end = start + 1; end < smoothed.Length && smoothed[end] >= threshold == singing;) end++;
            segments.Add(new Segment((double)start / FramesPerSecond, (double)end / FramesPerSecond, singing));
        }

        return segments;
    }

    /// <summary>The segments in the Jamendo corpus's label format: start and end in seconds and <c>sing</c> or <c>nosing</c>, one per line.</summary>
    public static string ToLab(IEnumerable<Segment> segments)
    {
        StringBuilder text = new();
        foreach (Segment segment in segments)
        {
            text.Append(CultureInfo.InvariantCulture, $"{segment.StartSeconds:F3} {segment.EndSeconds:F3} {Segment.Label(segment.Singing)}\n");
        }

        return text.ToString();
    }
}
