using Engine.Nn;

namespace Engine.Svd.Evaluate;

/// <summary>A mean and the bounds of its 95 % bootstrap interval.</summary>
public readonly record struct Estimate(double Mean, double Low, double High);

/// <summary>
/// Confidence intervals of means over excerpts. Excerpts of one song are alike, so the bootstrap draws on two levels, with replacement: first as many songs
/// as there are, then from each drawn song as many excerpts as it has. The interval goes from the 2.5th to the 97.5th percentile of the means of 1000 such
/// draws. All measures use the same draws, so differences of measures are paired.
/// </summary>
internal sealed class TwoLevelBootstrap
{
    private const int Resamples = 1000;
    private const double Tail = 0.025;

    private readonly int _count;

    // How often each excerpt was drawn, and how many were drawn in all.
    private readonly ushort[][] _draws = new ushort[Resamples][];
    private readonly int[] _drawn = new int[Resamples];

    /// <summary>Draws the songs and excerpts.</summary>
    /// <param name="songs">The song of each excerpt.</param>
    /// <param name="seed">The same seed gives the same draws.</param>
    public TwoLevelBootstrap(IReadOnlyList<int> songs, ulong seed)
    {
        _count = songs.Count;
        int[][] excerptsOf = [.. Enumerable.Range(0, _count).GroupBy(i => songs[i]).Select(song => song.ToArray())];
        for (int r = 0; r < Resamples; r++)
        {
            RandomSource random = new(seed, (ulong)r);
            _draws[r] = new ushort[_count];
            for (int song = 0; song < excerptsOf.Length; song++)
            {
                int[] excerpts = excerptsOf[random.NextInt(excerptsOf.Length)];
                for (int i = 0; i < excerpts.Length; i++) _draws[r][excerpts[random.NextInt(excerpts.Length)]]++;
                _drawn[r] += excerpts.Length;
            }
        }
    }

    /// <summary>The mean of one number per excerpt, and its interval.</summary>
    /// <exception cref="ArgumentException">The numbers of values and excerpts differ.</exception>
    public Estimate Of(ReadOnlySpan<double> values)
    {
        if (values.Length != _count) throw new ArgumentException($"{values.Length} values for {_count} excerpts");
        double[] means = new double[Resamples];
        for (int r = 0; r < Resamples; r++)
        {
            double sum = 0;
            for (int i = 0; i < _count; i++) sum += _draws[r][i] * values[i];
            means[r] = sum / _drawn[r];
        }

        Array.Sort(means);
        double mean = 0;
        foreach (double value in values) mean += value;
        return new Estimate(mean / _count, Percentile(means, Tail), Percentile(means, 1 - Tail));
    }

    // Interpolates linearly between two neighbours.
    private static double Percentile(double[] sorted, double share)
    {
        double position = share * (sorted.Length - 1);
        int below = Math.Min((int)position, sorted.Length - 2);
        return sorted[below] + (position - below) * (sorted[below + 1] - sorted[below]);
    }
}
