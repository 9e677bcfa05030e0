namespace Engine.Svd.Page;

/// <summary>A song in the index.</summary>
/// <param name="Name">The song's file, without its folder.</param>
/// <param name="Page">The file of its page, beside the index.</param>
/// <param name="Summary">What is known of it; null if it has no page.</param>
/// <param name="Problem">Why it has none.</param>
internal sealed record IndexEntry(string Name, string Page, SongSummary? Summary, string? Problem);

/// <summary>The page that leads to those of several songs.</summary>
internal static class IndexPage
{
    /// <summary>Its file name.</summary>
    public const string FileName = "index.html";

    /// <summary>Writes it.</summary>
    public static void Write(Stream stream, IReadOnlyList<IndexEntry> songs, PageSettings settings) =>
        PageWriter.Write(stream, FileName, ["index.js"], writer => writer.Json("songs", new
        {
            settings.Version,
            settings.ClassThreshold,
            Songs = songs.Select(song => new
            {
                song.Name, song.Page, song.Problem, song.Summary?.Seconds, song.Summary?.Singing, song.Summary?.Error, song.Summary?.Segments,
                song.Summary?.Strip,
            }),
        }));
}
