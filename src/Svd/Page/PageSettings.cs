using Engine.Svd.Audio;
using Engine.Svd.Explain;

namespace Engine.Svd.Page;

/// <summary>What all pages of a run share, and say.</summary>
/// <param name="Version">The program's version.</param>
/// <param name="ClassThreshold">A frame or an excerpt with a probability of at least this counts as singing.</param>
/// <param name="ClassThresholdFrom">Where the threshold is from: given, tuned or default.</param>
/// <param name="Every">An excerpt is explained every so many frames.</param>
/// <param name="Shares">The sizes of the masks.</param>
/// <param name="Channel">What the detector hears of a recording with two channels.</param>
/// <param name="Decoder">What decodes the songs.</param>
/// <param name="Card">Names and values that say how the page came about: the detector, the other networks, the device.</param>
internal sealed record PageSettings(
    string Version, double ClassThreshold, string ClassThresholdFrom, int Every, MaskShares Shares, Channel Channel, Decoder Decoder,
    IReadOnlyList<CardLine> Card);

/// <summary>A line of a page's details.</summary>
internal sealed record CardLine(string Name, string Value);

/// <summary>What is known of a song when its page is written.</summary>
/// <param name="Seconds">Its length.</param>
/// <param name="Singing">The share of the time that is sung, as the detector says.</param>
/// <param name="Error">The share of wrong frames, where there are labels.</param>
/// <param name="Segments">How many sung segments there are.</param>
/// <param name="Sound">What sound is in the page.</param>
/// <param name="Strip">The probability of singing at a few hundred places, in percent.</param>
/// <param name="Warnings">What is doubtful about the song or its labels.</param>
internal sealed record SongSummary(
    double Seconds, double Singing, double? Error, int Segments, string Sound, int[] Strip, IReadOnlyList<string> Warnings);
