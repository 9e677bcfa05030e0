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

/// <summary>Predicts the probability of singing for every frame of a song in blocks, so that memory does not grow with the song.</summary>
public sealed class SongPredictor(IBackend backend, SvdNet network, BandStatistics statistics)
{
    private readonly SongStretches _stretches = new(statistics);
    private readonly float[] _probabilities = new float[SongStretches.Frames];
    private readonly InferencePlan _plan = new();

    /// <summary>
    /// Predicts every frame of the normalised log-mel frames that the reader gives, with 57 frames of silence before the first and after the last. Returns the
    /// number of frames.
    /// </summary>
    /// <exception cref="EngineException">The audio cannot be decoded.</exception>
    public long Predict(FrameReader reader, SongBlockObserver observe) => _stretches.ForEach(reader, (firstFrame, count, frames) =>
    {
        Span<float> probabilities = _probabilities.AsSpan(0, count);
        using (_plan.Begin())
        using (Tensor song = Tensor.From(backend, new Shape(1, 1, frames.Length / Bands, Bands), frames))
        using (Tensor probability = network.ProbabilityOfEveryFrame(song))
        {
            probability.CopyTo(probabilities);
        }

        NetworkOutput.RequireFinite(probabilities, "SVDNet");
        observe(firstFrame, probabilities, frames);
    });

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
}
