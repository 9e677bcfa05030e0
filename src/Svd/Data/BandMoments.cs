using Engine.Kernels;
using Engine.Svd.FrontEnd;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Data;

/// <summary>
/// Mean and variance of the 80 bands, gathered in one pass in float64 without cancellation: Welford's recurrence for frames, the formula of Chan, Golub
/// and LeVeque for two sets of them.
/// </summary>
public sealed class BandMoments
{
    private readonly double[] _mean = new double[Bands];

    // The sums of the squared distances from the mean.
    private readonly double[] _squares = new double[Bands];

    /// <summary>Frames seen.</summary>
    public long Count { get; private set; }

    /// <summary>Adds frames×80 values.</summary>
    /// <exception cref="ArgumentException">Not a whole number of frames.</exception>
    public void Add(ReadOnlySpan<float> frames)
    {
        if (frames.Length % Bands != 0) throw new ArgumentException($"{frames.Length} values are not frames of {Bands} bands", nameof(frames));
        for (; !frames.IsEmpty; frames = frames[Bands..])
        {
            Count++;
            for (int band = 0; band < Bands; band++)
            {
                double distance = frames[band] - _mean[band];
                _mean[band] += distance / Count;
                _squares[band] += distance * (frames[band] - _mean[band]);
            }
        }
    }

    /// <summary>Adds the frames that another one has seen.</summary>
    public void Add(BandMoments other)
    {
        if (other.Count == 0) return;
        long count = Count + other.Count;
        for (int band = 0; band < Bands; band++)
        {
            double distance = other._mean[band] - _mean[band];
            _mean[band] += distance * other.Count / count;
            _squares[band] += other._squares[band] + distance * distance * Count * other.Count / count;
        }

        Count = count;
    }

    /// <summary>The means and the standard deviations, with Count − 1 below the fraction line.</summary>
    /// <exception cref="EngineException">Fewer than two frames, or a band whose values are all the same; its deviation is zero and cannot divide.</exception>
    public BandStatistics ToStatistics()
    {
        if (Count < 2) throw new EngineException($"statistics of the mel bands need two frames or more, not {Count}; add songs.");
        double[] std = Array.ConvertAll(_squares, squares => Math.Sqrt(squares / (Count - 1)));
        int constant = Array.FindIndex(std, value => !(value > 0));
        return constant < 0
            ? new BandStatistics((double[])_mean.Clone(), std)
            : throw new EngineException($"mel band {constant} ({MelFilterbank.CornersHz[constant + 1]:F0} Hz) has the same value in all {Count} frames; "
                + "the songs contain nothing there: add songs with their full bandwidth.");
    }
}
