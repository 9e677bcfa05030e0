using Engine.Svd.FrontEnd;

namespace Engine.Svd.Figures;

/// <summary>
/// The vertical axis of a log-mel spectrogram: 80 triangular filters whose peaks are equally spaced in mel = 1127·ln(1 + f/700). The 82
/// corner points run from 27.5 Hz to 8000 Hz; band b rises from point b, peaks at point b + 1 and ends at point b + 2.
/// </summary>
public static class MelAxis
{
    /// <summary>The number of mel bands.</summary>
    public const int Bands = FrontEndSettings.Bands;

    /// <summary>The peak of every band in Hz, from the lowest band to the highest (80 values).</summary>
    public static IReadOnlyList<double> CentresHz { get; } = [.. MelFilterbank.CornersHz.Skip(1).Take(Bands)];

    /// <summary>The round frequencies in Hz that figures label; every one lies between the first and the last band's peak.</summary>
    public static IReadOnlyList<double> TicksHz { get; } = [100, 200, 500, 1000, 2000, 3000, 4000, 6000];

    /// <summary>
    /// The position of a frequency in Hz on the axis, in bands: b at the peak of band b, and fractions between peaks. A band's cell spans b − ½ to b + ½.
    /// </summary>
    public static double PositionOf(double hz) => MelFilterbank.CornerOf(hz) - 1;
}
