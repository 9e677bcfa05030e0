using Engine.Kernels;
using Engine.Svd.FrontEnd;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Model;

/// <summary>
/// Gets a stretch of a song and its predictions. The probability of frame <paramref name="firstFrame"/> + i is <paramref name="probabilities"/>[i], and its
/// excerpt, from 57 frames before to 57 after, starts at <paramref name="frames"/>[i · 80]. Both are valid during the call.
/// </summary>
public delegate void SongBlockObserver(long firstFrame, ReadOnlySpan<float> probabilities, ReadOnlySpan<float> frames);

/// <summary>Writes the next frames of a song, at most 256, as frames×80 normalised log-mel, and returns their number; 0 at the end.</summary>
public delegate int FrameReader(Span<float> frames);

/// <summary>Predicts the probability of singing for every frame of a song in blocks, so that memory does not grow with the song.</summary>
public sealed class SongPredictor(IBackend backend, SvdNet network, BandStatistics statistics)
{
    /// <summary>Frames predicted at a time. Each block also needs 57 frames on both sides, so larger blocks are more efficient.</summary>
    private const int BlockFrames = 1024;

    private readonly float[] _silence = statistics.Silence;
    private readonly InferencePlan _plan = new();

    /// <summary>
    /// Predicts every frame of the normalised log-mel frames that the reader gives, with 57 frames of silence before the first and after the last. Returns the
    /// number of frames.
    /// </summary>
    /// <exception cref="EngineException">The audio cannot be decoded.</exception>
    public long Predict(FrameReader reader, SongBlockObserver observe)
    {
        float[] window = new float[(BlockFrames + LogMelReader.BlockFrames + ExcerptFrames) * Bands];
        float[] probabilities = new float[BlockFrames];
        int held = Silence(window, 0);
        long predicted = 0;
        for (bool ended = false; !ended;)
        {
            int read = reader(window.AsSpan(held * Bands));
            held += read;
            ended = read == 0;
            if (ended) held = Silence(window, held);

            // The rest at the end is shorter than a block.
            for (int ready; (ready = Math.Min(BlockFrames, held - (ExcerptFrames - 1))) == BlockFrames || (ended && ready > 0);)
            {
                int rows = ready + ExcerptFrames - 1;
                using (_plan.Begin())
                using (Tensor song = Tensor.From(backend, new Shape(1, 1, rows, Bands), window.AsSpan(0, rows * Bands)))
                using (Tensor probability = network.ProbabilityOfEveryFrame(song))
                {
                    probability.CopyTo(probabilities.AsSpan(0, ready));
                }

                NetworkOutput.RequireFinite(probabilities.AsSpan(0, ready), "SVDNet");
                observe(predicted, probabilities.AsSpan(0, ready), window.AsSpan(0, rows * Bands));
                predicted += ready;
                window.AsSpan(ready * Bands, (held - ready) * Bands).CopyTo(window);
                held -= ready;
            }
        }

        return predicted;
    }

    /// <summary>The probability of every frame of a song, from all its normalised log-mel frames×80.</summary>
    public float[] Predict(float[] frames)
    {
        float[] all = new float[frames.Length / Bands];
        int position = 0;
        Predict(
            destination =>
            {
                int count = Math.Min(LogMelReader.BlockFrames, all.Length - position);
                frames.AsSpan(position * Bands, count * Bands).CopyTo(destination);
                position += count;
                return count;
            },
            (first, probabilities, _) => probabilities.CopyTo(all.AsSpan((int)first)));
        return all;
    }

    private int Silence(float[] window, int row)
    {
        for (int i = 0; i < ContextFrames; i++) _silence.CopyTo(window.AsSpan((row + i) * Bands));
        return row + ContextFrames;
    }
}
