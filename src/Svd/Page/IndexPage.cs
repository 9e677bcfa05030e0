using Engine.Svd.Data;

namespace Engine.Svd.Page;

/// <summary>A song in the index.</summary>
/// <param name="Name">The song's file, with the folders that its page is in.</param>
/// <param name="Page">The file of its page, as seen from the index.</param>
/// <param name="Summary">What is known of it; null if it has no page.</param>
/// <param name="Problem">Why it has none.</param>
internal sealed record IndexEntry(string Name, string Page, SongSummary? Summary, string? Problem);

/// <summary>The page that leads to those of several songs.</summary>
internal static class IndexPage
{
    private const string Markup = "index.html";

    /// <summary>Its file name; each part of the songs has an index of its own.</summary>
    public static string FileName(Shard shard) => shard.FileName("index", ".html");

    /// <summary>Writes it.</summary>
    public static void Write(Stream stream, IReadOnlyList<IndexEntry> songs, PageSettings settings)
    {
        IndexData data = new(settings.Version, settings.ClassThreshold,
        [
            .. songs.Select(song => new IndexSong(
                song.Name, song.Page, song.Problem, song.Summary?.Seconds, song.Summary?.Singing, song.Summary?.Error, song.Summary?.Segments,
                song.Summary?.Strip)),
        ]);
        PageWriter.Write(stream, Markup, ["index.js"], writer => writer.Json("songs", data, PageContext.Default.IndexData));
    }
}
