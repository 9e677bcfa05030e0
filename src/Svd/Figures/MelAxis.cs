namespace Engine.Svd.Figures;

/// <summary>
/// The vertical axis of a log-mel spectrogram: 80 triangular filters whose peaks are equally spaced in mel = 1127·ln(1 + f/700). The 82
/// corner points run from 27.5 Hz to 8000 Hz; band b rises from point b, peaks at point b + 1 and ends at point b + 2.
/// </summary>
public static class MelAxis
{
    /// <summary>The number of mel bands.</summary>
    public const int Bands = 80;

    private const double LowestHz = 27.5;
    private const double HighestHz = 8000;

    private static readonly double LowestMel = ToMel(LowestHz);
    private static readonly double MelPerBand = (ToMel(HighestHz) - LowestMel) / (Bands + 1);

    /// <summary>The peak of every band in Hz, from the lowest band to the highest (80 values).</summary>
    public static IReadOnlyList<double> CentresHz { get; } = [.. Enumerable.Range(0, Bands).Select(CentreHz)];

    /// <summary>The round frequencies in Hz that figures label; every one lies between the first and the last band's peak.</summary>
    public static IReadOnlyList<double> TicksHz { get; } = [100, 200, 500, 1000, 2000, 3000, 4000, 6000];

    /// <summary>
    /// Where a frequency in Hz stands on the axis, in bands: b at the peak of band b, fractions between peaks. A band's cell spans
    /// b − ½ to b + ½.
    /// </summary>
    public static double PositionOf(double hz) => (ToMel(hz) - LowestMel) / MelPerBand - 1;

    private static double CentreHz(int band) => ToHz(LowestMel + (band + 1) * MelPerBand);

    private static double ToMel(double hz) => 1127 * Math.Log(1 + hz / 700);

    private static double ToHz(double mel) => 700 * (Math.Exp(mel / 1127) - 1);
}
