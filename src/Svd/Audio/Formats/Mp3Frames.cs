using System.Buffers.Binary;

namespace Engine.Svd.Audio.Formats;

/// <summary>The frames of an MPEG audio file one after the other. Tags among them are passed over; anything else is a damage.</summary>
internal sealed class Mp3Frames
{
    /// <summary>Bytes of the longest frame that there is, and a few more: layer II at 8 kHz and 160 kbit/s.</summary>
    public const int LongestFrame = 2_900;

    // How far from the file's start, or the end of its first tag, the first frame may be, and how many must follow each other there.
    private const int LongestPrelude = 1 << 16;
    private const int EnoughFrames = 3;

    // Of the common file systems, in bytes.
    private const int LargestBlock = 1 << 16;

    private readonly ByteWindow window;
    private readonly Mp3Header first;
    private bool isInStep = true;

    private Mp3Frames(ByteWindow window, Mp3Header first) => (this.window, this.first) = (window, first);

    /// <summary>The first frame's header, whose version, layer and sample rate all frames have.</summary>
    public Mp3Header First => first;

    /// <summary>Bytes of the frames so far.</summary>
    public long FrameBytes { get; private set; }

    /// <summary>Bytes so far, between two frames, that are neither frames nor tags.</summary>
    public long LostBytes { get; private set; }

    /// <summary>Whether the file ends within a frame.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Finds the first frame; null for a file that is not MPEG audio.</summary>
    public static Mp3Frames? Find(FileStream file)
    {
        file.Position = 0;
        ByteWindow window = new(file);
        for (int tag; (tag = TagBytes(window.Peek(16))) > 0;) window.Skip(tag);
        long start = window.Position;
        ReadOnlySpan<byte> head = window.Peek(LongestPrelude + EnoughFrames * LongestFrame);
        for (int at = 0; at < Math.Min(LongestPrelude, head.Length); at++)
        {
            if (Mp3Header.Parse(head[at..]) is not { } header || !IsRow(head[at..], header)) continue;
            window.MoveTo(start + at);
            return new Mp3Frames(window, header);
        }

        return null;
    }

    /// <summary>Reads the next frame.</summary>
    /// <returns>Whether there is one.</returns>
    public bool Next(Mp3Frame frame)
    {
        long lost = 0, zeros = 0;
        while (window.Peek(2 * LongestFrame) is { Length: > 0 } head)
        {
            if (TagBytes(head) is > 0 and var tag)
            {
                window.Skip(tag);
                continue;
            }

            if (Mp3Header.Parse(head) is { } header && header.IsLike(first) && (isInStep || IsFollowed(head, header)))
            {
                IsCut = header.Length > head.Length;
                if (IsCut) break;
                frame.Set(header, head[..header.Length]);
                window.Skip(header.Length);
                FrameBytes += header.Length;
                LostBytes += lost + zeros;
                isInStep = true;
                return true;
            }

            if (head[0] == 0) zeros++;
            else (lost, zeros) = (lost + zeros + 1, 0);
            isInStep = false;
            window.Skip(1);
        }

        // Zeros may fill the file's last block on a disk; a download that broke off may leave many more.
        LostBytes += lost + (zeros > LargestBlock ? zeros : 0);
        return false;
    }

    // Whether as many frames follow each other as are enough, or the last of them ends the file or has a tag behind it.
    private static bool IsRow(ReadOnlySpan<byte> head, Mp3Header first)
    {
        for (int frames = 0; frames < EnoughFrames; frames++)
        {
            if (frames > 0 && (head.Length == 0 || TagBytes(head) > 0)) return true;
            if (Mp3Header.Parse(head) is not { } header || !header.IsLike(first) || header.Length > head.Length) return false;
            head = head[header.Length..];
        }

        return true;
    }

    private bool IsFollowed(ReadOnlySpan<byte> head, Mp3Header header)
    {
        if (header.Length >= head.Length) return header.Length == head.Length;
        ReadOnlySpan<byte> next = head[header.Length..];
        return TagBytes(next) > 0 || (Mp3Header.Parse(next) is { } following && following.IsLike(first));
    }

    // ID3v2 (ID3v2.4.0, 3.1), ID3v1 and APEv2, which players write before, behind and, where files were joined, between the frames.
    private static int TagBytes(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith("ID3"u8) && head.Length >= 10 && ((head[6] | head[7] | head[8] | head[9]) & 0x80) == 0)
        {
            bool hasFooter = (head[5] & 0x10) != 0;
            return 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]) + (hasFooter ? 10 : 0);
        }

        if (head.StartsWith("TAG"u8)) return 128;
        if (!head.StartsWith("APETAGEX"u8) || head.Length < 16) return 0;
        return BinaryPrimitives.ReadUInt32LittleEndian(head[12..]) is var bytes and < 1 << 24 ? 32 + (int)bytes : 0;
    }
}
