using System.Globalization;
using System.Text;

namespace Engine.Svd.Predict;

/// <summary>The frames whose probabilities lie in one tenth of [0, 1].</summary>
/// <param name="From">The lower bound, inclusive.</param>
/// <param name="To">The upper bound, exclusive; the last bin includes 1.</param>
/// <param name="Frames">The number of frames.</param>
/// <param name="MeanProbability">The frames' mean probability; null if there are none.</param>
/// <param name="SungShare">The share of the frames that are sung; null if there are none.</param>
public sealed record ReliabilityBin(double From, double To, int Frames, double? MeanProbability, double? SungShare);

/// <summary>
/// The reliability curve, which shows whether probabilities are calibrated: 70 % of the frames with P = 0.7 should be sung. It has ten bins of equal width
/// (Niculescu-Mizil and Caruana, ICML 2005).
/// </summary>
public sealed class ReliabilityCurve
{
    private const int BinCount = 10;

    private ReliabilityCurve(IReadOnlyList<ReliabilityBin> bins) => Bins = bins;

    /// <summary>The bins, from probability 0 upwards.</summary>
    public IReadOnlyList<ReliabilityBin> Bins { get; }

    /// <summary>
    /// The expected calibration error (Naeini, Cooper and Hauskrecht, AAAI 2015): the mean over frames of the distance between their bin's mean probability
    /// and its sung share. Null without frames.
    /// </summary>
    public double? CalibrationError
    {
        get
        {
            long frames = Bins.Sum(bin => (long)bin.Frames);
            if (frames == 0) return null;
            return Bins.Where(bin => bin.Frames > 0).Sum(bin => bin.Frames * Math.Abs(bin.MeanProbability!.Value - bin.SungShare!.Value)) / frames;
        }
    }

    /// <summary>The curve as a CSV file, one line per bin.</summary>
    public string ToCsv()
    {
        StringBuilder text = new("from,to,frames,mean_probability,sung_share\n");
        foreach (ReliabilityBin bin in Bins)
        {
            text.Append(CultureInfo.InvariantCulture, $"{bin.From},{bin.To},{bin.Frames},{bin.MeanProbability},{bin.SungShare}\n");
        }

        return text.ToString();
    }

    /// <summary>Sorts frames of any number of songs into the bins.</summary>
    /// <param name="probabilities">Probabilities in [0, 1].</param>
    /// <param name="labels">One per probability: 1 if sung, else 0.</param>
    /// <exception cref="ArgumentException">The numbers of probabilities and labels differ.</exception>
    public static ReliabilityCurve Of(ReadOnlySpan<float> probabilities, ReadOnlySpan<float> labels)
    {
        if (probabilities.Length != labels.Length) throw new ArgumentException($"{probabilities.Length} probabilities with {labels.Length} labels");
        Span<int> frames = stackalloc int[BinCount], sung = stackalloc int[BinCount];
        Span<double> sums = stackalloc double[BinCount];
        for (int i = 0; i < labels.Length; i++)
        {
            int bin = Math.Min((int)((double)probabilities[i] * BinCount), BinCount - 1);
            frames[bin]++;
            sums[bin] += probabilities[i];
            if (labels[i] > 0) sung[bin]++;
        }

        ReliabilityBin[] bins = new ReliabilityBin[BinCount];
        for (int bin = 0; bin < BinCount; bin++)
        {
            int count = frames[bin];
            bins[bin] = new ReliabilityBin(
                bin / (double)BinCount, (bin + 1) / (double)BinCount, count,
                count > 0 ? sums[bin] / count : null, count > 0 ? (double)sung[bin] / count : null);
        }

        return new ReliabilityCurve(bins);
    }
}
