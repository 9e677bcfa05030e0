using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Pages;

/// <summary>Reads a page as its scripts do, by other code.</summary>
internal sealed partial class PageFile
{
    private readonly Dictionary<string, string> _elements;

    public PageFile(string path)
    {
        Text = File.ReadAllText(path);
        _elements = Element().Matches(Text).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        Song = JsonDocument.Parse(_elements["song"]).RootElement;
    }

    public string Text { get; }

    public JsonElement Song { get; }

    public int Frames => Song.GetProperty("frame_count").GetInt32();

    public int Every => Song.GetProperty("every").GetInt32();

    public double[] Shares => [.. Song.GetProperty("shares").EnumerateArray().Select(share => share.GetDouble())];

    /// <summary>Where the excerpts start, in frames.</summary>
    public int[] Starts =>
    [
        .. Enumerable.Range(0, (Frames - ExcerptFrames) / Every + 1).Select(i => i * Every),
        .. (Frames - ExcerptFrames) % Every > 0 ? [Frames - ExcerptFrames] : Array.Empty<int>(),
    ];

    public byte[] Bytes(string id)
    {
        using MemoryStream bytes = new();
        using (ZLibStream zlib = new(new MemoryStream(Convert.FromBase64String(_elements[id])), CompressionMode.Decompress)) zlib.CopyTo(bytes);
        return bytes.ToArray();
    }

    public float[] Numbers(string id) => MemoryMarshal.Cast<byte, float>(Bytes(id)).ToArray();

    /// <summary>The sound's file.</summary>
    public byte[] Sound() =>
        [.. Enumerable.Range(0, Song.GetProperty("sound").GetProperty("blocks").GetInt32()).SelectMany(i => Convert.FromBase64String(_elements[$"sound{i}"]))];

    /// <summary>The spectrogram, frames×80.</summary>
    public byte[] Spectrogram() => Undo("spectrogram", 1024 * Bands);

    /// <summary>A method's levels of every excerpt.</summary>
    public byte[][] Levels(string method) => [.. Undo(method, ExcerptLength).Chunk(ExcerptLength)];

    private byte[] Undo(string kind, int part)
    {
        List<byte> all = [];
        for (int tile = 0; _elements.ContainsKey($"{kind}{tile}"); tile++)
        {
            byte[] bytes = Bytes($"{kind}{tile}");
            for (int i = 0; i < bytes.Length; i++)
            {
                if (i % part >= Bands) bytes[i] += bytes[i - Bands];
            }

            all.AddRange(bytes);
        }

        return [.. all];
    }

    [GeneratedRegex("""<script type="(?:text/plain|application/json)" id="(\w+)">([^<]*)</script>""")]
    private static partial Regex Element();
}
