namespace Engine.Svd.Cli;

/// <summary>Numbers of things, for people.</summary>
internal static class Counted
{
    /// <summary>«1 song», «2 songs».</summary>
    public static string Of(int count, string one) => count == 1 ? $"1 {one}" : $"{count} {one}s";
}
