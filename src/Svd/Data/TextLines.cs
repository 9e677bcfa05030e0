using System.Text;
using Engine.Kernels;
using Engine.Tensors;

namespace Engine.Svd.Data;

/// <summary>Reads small text files line by line: file lists, labels, tables.</summary>
internal static class TextLines
{
    private const int LargestFile = 16 << 20;
    private const int LongestLine = 4096;

    /// <summary>The lines of a text file that are not blank, trimmed, each with its number from 1.</summary>
    /// <exception cref="EngineException">
    /// The file is missing, unreadable, empty or larger than 16 MiB, or a line is longer than 4096 bytes or not UTF-8 text. The message then names the line.
    /// </exception>
    public static IEnumerable<(int Number, string Text)> Read(string path)
    {
        byte[] content = ReadContent(path);
        int number = 0;
        for (int start = 0; start < content.Length;)
        {
            number++;
            int length = content.AsSpan(start).IndexOfAny((byte)'\n', (byte)'\r');
            if (length < 0) length = content.Length - start;
            string line = Decode(path, number, content.AsSpan(start, length));
            start += length;
            start += content.AsSpan(start).StartsWith("\r\n"u8) ? 2 : 1;
            if (!string.IsNullOrWhiteSpace(line)) yield return (number, line.Trim());
        }
    }

    private static string Decode(string path, int number, ReadOnlySpan<byte> line)
    {
        if (line.Length > LongestLine) throw new EngineException($"{path}, line {number}: the line is longer than {LongestLine} bytes; is this a text file?");
        try
        {
            string text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(line);
            return text.Contains('\0') ? throw new EngineException($"{path}, line {number}: this is not text; save the file as plain text.") : text;
        }
        catch (DecoderFallbackException e)
        {
            throw new EngineException($"{path}, line {number}: this is not UTF-8 text; save the file as UTF-8.", e);
        }
    }

    // Returns the content in UTF-8; a byte order mark tells how it is encoded.
    private static byte[] ReadContent(string path)
    {
        using FileStream file = InputFile.Open(path);
        if (file.Length > LargestFile) throw new EngineException($"{path} is larger than {LargestFile >> 20} MiB; is this a text file?");
        try
        {
            byte[] content = new byte[file.Length];
            file.ReadExactly(content);
            return content.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? content[Encoding.UTF8.Preamble.Length..]
                : content.AsSpan().StartsWith(Encoding.Unicode.Preamble) ? Encoding.Convert(Encoding.Unicode, Encoding.UTF8, content[2..])
                : content.AsSpan().StartsWith(Encoding.BigEndianUnicode.Preamble) ? Encoding.Convert(Encoding.BigEndianUnicode, Encoding.UTF8, content[2..])
                : content;
        }
        catch (IOException e)
        {
            throw new EngineException($"{path} cannot be read: {e.Message}", e);
        }
    }
}
