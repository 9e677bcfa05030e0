using System.Globalization;

namespace Engine.Svd.Cli;

/// <summary>Times in a song, as people write them: <c>61.5</c>, <c>1:01.5</c> or <c>1:02:03</c>.</summary>
internal static class SongTime
{
    private const int MostParts = 3;

    /// <summary>The time in seconds; null if it is none.</summary>
    public static double? Parse(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length > MostParts) return null;
        double seconds = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            bool isWhole = i < parts.Length - 1;
            NumberStyles style = parts.Length == 1 ? NumberStyles.Float : isWhole ? NumberStyles.None : NumberStyles.AllowDecimalPoint;
            if (!double.TryParse(parts[i], style, CultureInfo.InvariantCulture, out double value) || (i > 0 && value >= 60)) return null;
            seconds = 60 * seconds + value;
        }

        return double.IsFinite(seconds) && seconds >= 0 ? seconds : null;
    }
}
