using Engine.Kernels;
using Engine.Svd.FrontEnd;
using Engine.Svd.Model;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Explain;

/// <summary>Picks the excerpt of a song to explain: its first frame and its 115×80 numbers.</summary>
public static class ExcerptFinder
{
    /// <summary>The excerpt that starts at a time. The song is read only up to its end.</summary>
    /// <exception cref="EngineException">The song is too short, silent, or cannot be decoded.</exception>
    public static (long StartFrame, float[] Excerpt) At(LogMelReader reader, double seconds, string path)
    {
        long start = (long)Math.Round(seconds * FramesPerSecond);
        float[] excerpt = new float[ExcerptLength], block = new float[LogMelReader.BlockFrames * Bands];
        int filled = 0;
        while (filled < ExcerptFrames)
        {
            long first = reader.FramesRead;
            int count = reader.Read(block);
            if (count == 0) break;
            int skip = (int)Math.Clamp(start - first, 0, count), take = Math.Min(count - skip, ExcerptFrames - filled);
            block.AsSpan(skip * Bands, take * Bands).CopyTo(excerpt.AsSpan(filled * Bands));
            filled += take;
        }

        reader.RequireUsable(path);
        if (filled == ExcerptFrames) return (start, excerpt);

        // Rounded down, so that the time named is valid.
        double last = Math.Floor((reader.FramesRead - ExcerptFrames) * 100.0 / FramesPerSecond) / 100;
        throw new EngineException($"{path} has no excerpt at {seconds} s: it is {reader.Seconds:F2} s long, and the last excerpt starts at {last:F2} s");
    }

    /// <summary>The excerpt in which the detector is most certain of singing; the first if several are equal.</summary>
    /// <exception cref="EngineException">The song is shorter than an excerpt, silent, or cannot be decoded.</exception>
    public static (long StartFrame, float[] Excerpt) MostCertain(LogMelReader reader, SongPredictor predictor, string path, Action progress)
    {
        float[] excerpt = new float[ExcerptLength];
        float best = float.NegativeInfinity;
        long start = 0;
        predictor.Predict(reader.Read, (firstFrame, probabilities, frames) =>
        {
            progress();
            for (int i = 0; i < probabilities.Length; i++)
            {
                // The excerpts of frames near the ends contain silence that is not in the song.
                long first = firstFrame + i - ContextFrames;
                if (probabilities[i] <= best || first < 0 || first + ExcerptFrames > reader.FramesRead) continue;
                (best, start) = (probabilities[i], first);
                frames.Slice(i * Bands, ExcerptLength).CopyTo(excerpt);
            }
        });
        reader.RequireUsable(path);
        return (start, excerpt);
    }
}
