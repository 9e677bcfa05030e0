using System.Globalization;
using System.Text;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Predict;

/// <summary>The probability of singing as a table: the time at which a frame starts, in seconds, and its probability.</summary>
internal static class ProbabilityTable
{
    /// <summary>The table as CSV.</summary>
    public static byte[] ToCsv(ReadOnlySpan<float> probabilities)
    {
        StringBuilder csv = new("time,probability\n");
        for (int i = 0; i < probabilities.Length; i++)
        {
            csv.Append(CultureInfo.InvariantCulture, $"{(double)i / FramesPerSecond:F6},{probabilities[i]:G9}\n");
        }

        return Encoding.UTF8.GetBytes(csv.ToString());
    }
}
