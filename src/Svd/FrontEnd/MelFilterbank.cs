using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.FrontEnd;

/// <summary>
/// The 80 triangular filters, exactly as the SVDNet authors' code builds them. Their peaks are equally spaced in mel = 1127·ln(1 + f/700), their slopes are
/// cut at whole frequency bins, and each filter is divided by its sum.
/// </summary>
public static class MelFilterbank
{
    private static readonly double LowestMel = ToMel(LowestHz);
    private static readonly double MelPerBand = (ToMel(HighestHz) - LowestMel) / (Bands + 1);

    /// <summary>The corners in Hz, 82: band b rises from corner b, peaks at b + 1 and ends at b + 2.</summary>
    public static IReadOnlyList<double> CornersHz { get; } =
        [.. Enumerable.Range(0, Bands + 2).Select(corner => ToHz(LowestMel + corner * MelPerBand))];

    /// <summary>The position of a frequency in Hz among the corners, with fractions between two corners.</summary>
    public static double CornerOf(double hz) => (ToMel(hz) - LowestMel) / MelPerBand;

    /// <summary>The weights, 372×80 (frequency bin × band) in C order.</summary>
    public static double[] Weights()
    {
        const int spectrum = SpectrumBins;
        double[] frequencies = [.. Enumerable.Range(0, spectrum).Select(bin => bin * (SampleRate / 2.0 / (spectrum - 1)))];
        int[] cornerBins = [.. CornersHz.Select(hz => Array.FindIndex(frequencies, frequency => frequency >= hz))];
        double[] weights = new double[Bins * Bands];
        for (int band = 0; band < Bands; band++)
        {
            (int left, int top, int right) = (cornerBins[band], cornerBins[band + 1], cornerBins[band + 2]);
            double sum = 0;
            for (int bin = left; bin < right; bin++)
            {
                // The slopes rise in Hz over a width in bins, which is a common factor that the division by the sum does not quite remove.
                double weight = bin < top
                    ? (frequencies[bin] - CornersHz[band]) / (top - left)
                    : (CornersHz[band + 2] - frequencies[bin]) / (right - top);
                weights[bin * Bands + band] = weight;
                sum += weight;
            }

            for (int bin = left; bin < right; bin++) weights[bin * Bands + band] /= sum;
        }

        return weights;
    }

    private static double ToMel(double hz) => 1127 * Math.Log(1 + hz / 700);

    private static double ToHz(double mel) => 700 * (Math.Exp(mel / 1127) - 1);
}
