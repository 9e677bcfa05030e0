using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.FrontEnd;

/// <summary>
/// Carries a mask from the 80 mel bands back to the 513 frequencies of the spectrum. A frequency's gain is the mean of its bands' masks, weighted with the
/// frequency's weight in each band (the transposed filterbank, with rows divided by their sums).
/// <code>g[k] = Σ_b W[k, b] · m[b] / Σ_b W[k, b]</code>
/// Frequencies outside the filterbank, which the detector does not hear, have the gain of the nearest frequency inside it. So a mask of ones keeps everything.
/// </summary>
internal static class BinMask
{
    // 513×80; each row sums to 1.
    private static readonly double[] Weights = Transposed();

    /// <summary>Overwrites <paramref name="gains"/> with the gains of the 513 frequencies for a frame's mask of 80 bands.</summary>
    public static void Spread(ReadOnlySpan<float> mask, Span<double> gains)
    {
        for (int bin = 0; bin < SpectrumBins; bin++)
        {
            double gain = 0;
            for (int band = 0; band < Bands; band++) gain += Weights[bin * Bands + band] * mask[band];
            gains[bin] = gain;
        }
    }

    /// <summary>For each of the 513 frequencies the first band that it takes part of, and what it takes of that one and of those above it.</summary>
    public static (int FirstBand, double[] Weights)[] Rows() =>
    [
        .. Weights.Chunk(Bands).Select(row =>
        {
            int first = Array.FindIndex(row, weight => weight > 0), last = Array.FindLastIndex(row, weight => weight > 0);
            return (first, row[first..(last + 1)]);
        }),
    ];

    private static double[] Transposed()
    {
        double[] filters = MelFilterbank.Weights();
        double[] sums = [.. filters.Chunk(Bands).Select(bin => bin.Sum())];
        int lowest = Array.FindIndex(sums, sum => sum > 0), highest = Array.FindLastIndex(sums, sum => sum > 0);
        double[] weights = new double[SpectrumBins * Bands];
        for (int bin = 0; bin < SpectrumBins; bin++)
        {
            int heard = Math.Clamp(bin, lowest, highest);
            for (int band = 0; band < Bands; band++) weights[bin * Bands + band] = filters[heard * Bands + band] / sums[heard];
        }

        return weights;
    }
}
