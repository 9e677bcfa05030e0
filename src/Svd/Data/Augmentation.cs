using Engine.Nn;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Data;

/// <summary>How far excerpts are changed at random before a network is trained with them; the defaults are those of the SVDNet authors.</summary>
/// <remarks>
/// The changes are those of Schlüter and Grill (ISMIR 2015), drawn for every excerpt by itself: time stretch and pitch shift, both factors uniform in
/// 1 ± the limit, and a filter whose gain in dB is a Gaussian over frequency, its peak uniform in ± the limit, its centre log-uniform, its width
/// (standard deviation) uniform in semitones above the centre. Four details differ from the code published with the paper: there the width is 5 + 2·z
/// semitones with a normal z, which can be negative; the excerpt is centred half a frame beside the frame whose label it has; and the spectrogram
/// is resampled with quadratic splines. Linear interpolation, as here, loses up to 1 dB of a tone's peak but never leaves the range of its neighbours;
/// splines swing below zero beside a peak, and the logarithm turns that into holes. Excerpts there keep as far from a song's ends as the longest stretch
/// needs; here all positions are used, with silence beyond the ends, as in predictions.
/// </remarks>
/// <param name="MaxStretch">The largest time stretch: factors from 1 − this to 1 + this; above 1 an event lasts longer. Below 1.</param>
/// <param name="MaxShift">The largest pitch shift: factors from 1 − this to 1 + this; above 1 frequencies rise. Below 1.</param>
/// <param name="MaxDecibels">The largest gain or loss of the filter in dB.</param>
public sealed record Augmentation(double MaxStretch = 0.3, double MaxShift = 0.3, double MaxDecibels = 10)
{
    /// <summary>The lowest centre of the filter in Hz; the highest is that of the filterbank.</summary>
    public const double LowestCentreHz = 150;

    /// <summary>The smallest standard deviation of the filter, in semitones.</summary>
    public const double NarrowestSemitones = 5;

    /// <summary>The largest standard deviation of the filter, in semitones.</summary>
    public const double WidestSemitones = 7;

    /// <summary>Changes nothing.</summary>
    public static Augmentation None { get; } = new(0, 0, 0);

    /// <inheritdoc cref="Augmentation(double, double, double)" path="/param[@name='MaxStretch']"/>
    public double MaxStretch { get; } = Factor(MaxStretch);

    /// <inheritdoc cref="Augmentation(double, double, double)" path="/param[@name='MaxShift']"/>
    public double MaxShift { get; } = Factor(MaxShift);

    /// <summary>Draws the changes for one excerpt: always five numbers of the source, whatever the limits.</summary>
    public Change Draw(RandomSource random) => new(
        random.NextDouble(1 - MaxStretch, 1 + MaxStretch),
        random.NextDouble(1 - MaxShift, 1 + MaxShift),
        random.NextDouble(-MaxDecibels, MaxDecibels),
        LowestCentreHz * Math.Pow(HighestHz / LowestCentreHz, random.NextDouble()),
        random.NextDouble(NarrowestSemitones, WidestSemitones));

    private static double Factor(double limit) =>
        limit is >= 0 and < 1 ? limit : throw new ArgumentOutOfRangeException(nameof(limit), limit, "a factor changes by 0 or more and less than 1");

    /// <summary>What happens to one excerpt.</summary>
    /// <param name="Stretch">The factor of durations.</param>
    /// <param name="Shift">The factor of frequencies.</param>
    /// <param name="Decibels">The filter's gain at its centre.</param>
    /// <param name="CentreHz">The filter's centre.</param>
    /// <param name="Semitones">The filter's standard deviation, as an interval above the centre.</param>
    public readonly record struct Change(double Stretch, double Shift, double Decibels, double CentreHz, double Semitones);
}
