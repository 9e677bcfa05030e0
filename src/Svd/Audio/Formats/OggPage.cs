using System.Buffers.Binary;

namespace Engine.Svd.Audio.Formats;

/// <summary>A page of an Ogg file (RFC 3533, section 6).</summary>
internal sealed class OggPage
{
    /// <summary>Bytes of the longest page.</summary>
    public const int LongestPage = HeaderBytes + 255 + 255 * 255;

    private const int HeaderBytes = 27;
    private const int CheckSumAt = 22;

    private static readonly uint[] _checkSums = CheckSums();

    private OggPage(ReadOnlySpan<byte> page, bool followsLoss)
    {
        Flags = page[5];
        Granule = BinaryPrimitives.ReadInt64LittleEndian(page[6..]);
        Serial = BinaryPrimitives.ReadInt32LittleEndian(page[14..]);
        Sequence = BinaryPrimitives.ReadUInt32LittleEndian(page[18..]);
        Lacing = page.Slice(HeaderBytes, page[26]).ToArray();
        Body = page[(HeaderBytes + page[26])..].ToArray();
        FollowsLoss = followsLoss;
    }

    /// <summary>Whether its first packet started on the page before.</summary>
    public bool IsContinued => (Flags & 1) != 0;

    /// <summary>Whether a logical stream starts.</summary>
    public bool IsFirst => (Flags & 2) != 0;

    /// <summary>Whether the logical stream ends.</summary>
    public bool IsLast => (Flags & 4) != 0;

    /// <summary>How many samples there are up to the end of the page's last whole packet; −1 where it has none.</summary>
    public long Granule { get; }

    /// <summary>The logical stream.</summary>
    public int Serial { get; }

    /// <summary>The page's number in its logical stream.</summary>
    public uint Sequence { get; }

    /// <summary>How long the packets are: their bytes in parts of 255, of which the last is shorter.</summary>
    public byte[] Lacing { get; }

    /// <summary>The packets' bytes.</summary>
    public byte[] Body { get; }

    /// <summary>Whether bytes before it were no page.</summary>
    public bool FollowsLoss { get; }

    private int Flags { get; }

    /// <summary>Reads the next good page; null at the end. Bytes that are none are passed over.</summary>
    /// <param name="window">The file.</param>
    /// <param name="lostBytes">How many bytes were passed over.</param>
    public static OggPage? Next(ByteWindow window, out long lostBytes)
    {
        long zeros = 0;
        lostBytes = 0;
        while (window.Peek(LongestPage) is { Length: > 0 } head)
        {
            if (head.StartsWith("OggS"u8) && BytesOf(head) is { } bytes)
            {
                lostBytes += zeros;
                OggPage page = new(head[..bytes], lostBytes > 0);
                window.Skip(bytes);
                return page;
            }

            // Zeros at the file's end are no loss.
            if (head[0] == 0) zeros++;
            else (lostBytes, zeros) = (lostBytes + zeros + 1, 0);
            window.Skip(1);
        }

        return null;
    }

    // The length of the page; null if it is damaged or cut.
    private static int? BytesOf(ReadOnlySpan<byte> head)
    {
        if (head.Length < HeaderBytes || head.Length < HeaderBytes + head[26]) return null;
        int bytes = HeaderBytes + head[26];
        foreach (byte part in head.Slice(HeaderBytes, head[26])) bytes += part;
        if (head.Length < bytes) return null;

        uint sum = 0;
        for (int i = 0; i < bytes; i++)
        {
            byte value = i is >= CheckSumAt and < CheckSumAt + 4 ? (byte)0 : head[i];
            sum = sum << 8 ^ _checkSums[sum >> 24 ^ value];
        }

        return sum == BinaryPrimitives.ReadUInt32LittleEndian(head[CheckSumAt..]) ? bytes : null;
    }

    private static uint[] CheckSums()
    {
        uint[] sums = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint sum = i << 24;
            for (int bit = 0; bit < 8; bit++) sum = sum << 1 ^ (sum >> 31) * 0x04C1_1DB7;
            sums[i] = sum;
        }

        return sums;
    }
}
