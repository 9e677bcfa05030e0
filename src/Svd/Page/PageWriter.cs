using System.Buffers.Text;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Engine.Svd.Page;

/// <summary>
/// Writes a page that needs no other file: the markup, the style, the data in elements that no browser shows, and the scripts. The data can be of any
/// length, since all is written as it comes.
/// </summary>
internal sealed class PageWriter
{
    // Raw bytes that are encoded at a time, and of the sound in one element: a multiple of 3, so that base64 has no gaps.
    private const int BlockBytes = 3 << 19;

    // Matches far back are rare in these data: runs of equal bytes and Huffman's code do as well, in a fraction of the time.
    private static readonly ZLibCompressionOptions _runs = new() { CompressionLevel = 1, CompressionStrategy = ZLibCompressionStrategy.RunLengthEncoding };

    // What every page starts with.
    private const string Mark = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"generator\" content=\"svd page\">\n";
    private const string StyleHere = "<!-- style -->", DataHere = "<!-- data -->";

    private readonly Stream _stream;
    private readonly byte[] _block = new byte[BlockBytes];
    private readonly byte[] _encoded = new byte[Base64.GetMaxEncodedToUtf8Length(BlockBytes)];

    private PageWriter(Stream stream) => _stream = stream;

    /// <summary>Writes a page.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="markup">The name of the markup among the resources.</param>
    /// <param name="scripts">The names of the scripts, which become one, in this order.</param>
    /// <param name="writeData">Writes the data.</param>
    public static void Write(Stream stream, string markup, IEnumerable<string> scripts, Action<PageWriter> writeData)
    {
        PageWriter writer = new(stream);
        string[] parts = Resource(markup).Split([StyleHere, DataHere], StringSplitOptions.None);
        writer.Text(Mark);
        writer.Text(parts[0]);
        writer.Text($"<style>\n{Resource("page.css")}</style>");
        writer.Text(parts[1]);
        writeData(writer);
        writer.Text($"<script type=\"module\">\n{string.Concat(scripts.Select(Resource))}</script>\n");
        writer.Text(parts[2]);
    }

    /// <summary>Whether a file is a page, which may be replaced, and not something else of the same name.</summary>
    public static bool Wrote(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read);
        byte[] start = new byte[Mark.Length];
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(Mark));
    }

    /// <summary>Compresses bytes as a browser's <c>DecompressionStream("deflate")</c> takes them.</summary>
    public static byte[] Deflate(ReadOnlySpan<byte> bytes)
    {
        using MemoryStream compressed = new();
        using (ZLibStream zlib = new(compressed, _runs, leaveOpen: true)) zlib.Write(bytes);
        return compressed.ToArray();
    }

    /// <summary>Writes an object as JSON.</summary>
    public void Json<T>(string id, T value, JsonTypeInfo<T> type)
    {
        Text($"<script type=\"application/json\" id=\"{id}\">");
        Text(JsonSerializer.Serialize(value, type));
        Text("</script>\n");
    }

    /// <summary>Writes bytes as one element of base64.</summary>
    public void Bytes(string id, ReadOnlySpan<byte> bytes)
    {
        Text($"<script type=\"text/plain\" id=\"{id}\">");
        for (ReadOnlySpan<byte> rest = bytes; !rest.IsEmpty;)
        {
            ReadOnlySpan<byte> block = rest[..Math.Min(rest.Length, BlockBytes)];
            Base64.EncodeToUtf8(block, _encoded, out _, out int written);
            _stream.Write(_encoded, 0, written);
            rest = rest[block.Length..];
        }

        Text("</script>\n");
    }

    /// <summary>Writes all that a source gives as elements of base64, named by the id and 0, 1, 2, …; returns how many.</summary>
    /// <param name="id">What their names start with.</param>
    /// <param name="fill">Fills a buffer; fewer bytes come only at the end.</param>
    public int Blocks(string id, Func<Memory<byte>, int> fill)
    {
        int blocks = 0;
        for (int count = BlockBytes; count == BlockBytes;)
        {
            count = fill(_block);
            if (count > 0) Bytes($"{id}{blocks++}", _block.AsSpan(0, count));
        }

        return blocks;
    }

    private static string Resource(string name)
    {
        using Stream stream = typeof(PageWriter).Assembly.GetManifestResourceStream($"Page/{name}")!;
        using StreamReader reader = new(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private void Text(string text) => _stream.Write(Encoding.UTF8.GetBytes(text));
}
