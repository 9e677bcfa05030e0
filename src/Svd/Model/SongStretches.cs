using Engine.Svd.FrontEnd;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Model;

/// <summary>Writes the next frames of a song, at most 256, as frames×80 normalised log-mel, and returns how many; 0 at the end.</summary>
public delegate int FrameReader(Span<float> frames);

/// <summary>
/// Sees a stretch of a song: <paramref name="count"/> frames from <paramref name="firstFrame"/> on and 57 more on both sides, so that the excerpt around
/// frame <paramref name="firstFrame"/> + i starts at <paramref name="frames"/>[i · 80]. The frames are valid during the call.
/// </summary>
internal delegate void StretchObserver(long firstFrame, int count, ReadOnlySpan<float> frames);

/// <summary>Cuts a song into overlapping stretches for the fully convolutional network: memory does not grow with the song.</summary>
internal sealed class SongStretches(BandStatistics statistics)
{
    /// <summary>Frames of a stretch. Each needs 57 frames more on both sides, work that longer stretches share better.</summary>
    public const int Frames = 1024;

    private readonly float[] _silence = statistics.Silence;
    private readonly float[] _window = new float[(Frames + LogMelReader.BlockFrames + ExcerptFrames) * Bands];

    /// <summary>
    /// Shows all stretches of the song in order; 57 frames of silence are put before the first frame and behind the last. Returns the number of frames.
    /// </summary>
    /// <exception cref="Kernels.EngineException">The audio cannot be decoded.</exception>
    public long ForEach(FrameReader reader, StretchObserver observe)
    {
        int held = Silence(0);
        long done = 0;
        for (bool ended = false; !ended;)
        {
            int read = reader(_window.AsSpan(held * Bands));
            held += read;
            ended = read == 0;
            if (ended) held = Silence(held);

            // What is left over at the end is shorter than a stretch.
            for (int ready; (ready = Math.Min(Frames, held - (ExcerptFrames - 1))) == Frames || (ended && ready > 0);)
            {
                observe(done, ready, _window.AsSpan(0, (ready + ExcerptFrames - 1) * Bands));
                done += ready;
                _window.AsSpan(ready * Bands, (held - ready) * Bands).CopyTo(_window);
                held -= ready;
            }
        }

        return done;
    }

    private int Silence(int row)
    {
        for (int i = 0; i < ContextFrames; i++) _silence.CopyTo(_window.AsSpan((row + i) * Bands));
        return row + ContextFrames;
    }
}
