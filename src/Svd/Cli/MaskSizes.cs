using System.Globalization;
using Engine.Svd.Explain;

namespace Engine.Svd.Cli;

/// <summary>The sizes of masks on the command line.</summary>
internal static class MaskSizes
{
    private const double LargestThreshold = 1.1, LargestShare = 1;

    /// <summary>What a threshold may be, for messages.</summary>
    public static readonly string Thresholds = $"from 0 to {LargestThreshold.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>What a share may be, for messages.</summary>
    public static readonly string Shares = $"from 0 to {LargestShare.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>A threshold, or <see cref="MaskSize.OtsuName"/>; null if the text is neither.</summary>
    public static MaskSize? ThresholdIn(string text) =>
        text == MaskSize.OtsuName ? MaskSize.Otsu : NumberIn(text) is <= LargestThreshold and var alpha ? MaskSize.Threshold(alpha) : null;

    /// <summary>A share; null if the text is none.</summary>
    public static MaskSize? ShareIn(string text) => NumberIn(text) is <= LargestShare and var share ? MaskSize.Share(share) : null;

    /// <summary>The sizes in a list, each once; null if the text is not such a list, and none if there is no list.</summary>
    public static MaskSize[]? ListIn(string? list, Func<string, MaskSize?> sizeIn)
    {
        MaskSize?[] sizes = [.. (list?.Split(',') ?? []).Select(sizeIn)];
        return Array.TrueForAll(sizes, size => size is not null) ? [.. sizes.Select(size => size!.Value).Distinct()] : null;
    }

    private static double? NumberIn(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) ? number : null;
}
