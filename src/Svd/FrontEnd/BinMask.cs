using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.FrontEnd;

/// <summary>
/// Carries a mask from the 80 mel bands back to the 513 frequencies of the spectrum: a frequency's gain is the mean of its bands' masks, each weighted with
/// what the frequency weighs in that band (the transposed filterbank, its rows divided by their sums).
/// <code>g[k] = Σ_b W[k, b] · m[b] / Σ_b W[k, b]</code>
/// Frequencies below and above the filterbank, which the detector does not hear, have the gain of the nearest one that is in it: so a mask of ones keeps all.
/// </summary>
internal static class BinMask
{
    // 513×80, each row's sum 1.
    private static readonly double[] Weights = Transposed();

    /// <summary>The gains of the 513 frequencies from a frame's mask of 80 bands. Overwrites gains.</summary>
    public static void Spread(ReadOnlySpan<float> mask, Span<double> gains)
    {
        for (int bin = 0; bin < SpectrumBins; bin++)
        {
            double gain = 0;
            for (int band = 0; band < Bands; band++) gain += Weights[bin * Bands + band] * mask[band];
            gains[bin] = gain;
        }
    }

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
