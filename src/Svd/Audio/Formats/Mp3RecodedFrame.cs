using NLayer;

namespace Engine.Svd.Audio.Formats;

/// <summary>
/// A frame of layer III at 8 kHz, with its short blocks coded anew for NLayer's decoder. NLayer 3.0.1 changes to the second of their two Huffman tables at line
/// 36. That is right at all other sample rates, where each of the first three bands has 3 · 4 lines; at 8 kHz it has 3 · 8, and the change is at line 72. Here
/// all pairs of a short block get the one table that can hold any pair, and it does not matter where the second starts.
/// </summary>
/// <remarks>
/// The syntax is that of ISO/IEC 13818-3, 2.4.1.7; 8 kHz belongs to MPEG 2.5, which is no standard: the line is that of LAME and ffmpeg. NLayer asks for one
/// field of the side information after the other, then for the bytes of the main data. A field may thus be larger here than its bits can tell, as is the
/// length of a granule whose codes have grown. Each frame brings all of its main data along.
/// </remarks>
internal sealed class Mp3RecodedFrame : Mp3Frame, IMpegFrame
{
    // In bytes: how far into the frames before it a frame's main data can reach, and what NLayer keeps.
    private const int LongestReach = 255, DecoderReservoir = 8192;

    // The first field of the side information; then those of a granule, from its first.
    private const int MainDataBegin = 0;
    private const int PartLength = 0, BigValues = 1, ScaleFactorCompress = 3, IsSwitched = 4, BlockType = 5, IsMixed = 6, TableSelect = 7;

    private const int ShortBlock = 2, IntensityStereo = 1;
    private const int SecondTableLine = 72;

    private readonly byte[] reservoir = new byte[LongestReach + Mp3Frames.LongestFrame];
    private readonly List<int> fields = [];
    private readonly BitWriter mainData = new(DecoderReservoir);
    private int filled;
    private int next;

    int IMpegFrame.FrameLength => OwnMainDataAt + mainData.Bytes.Length;

    private int OwnMainDataAt => Mp3Header.Bytes + (Header.HasCrc ? 2 : 0) + Header.SideInfoBytes;

    /// <summary>Codes the frame anew: the decoder calls this once, before all else.</summary>
    /// <exception cref="InvalidDataException">The frame is damaged, or of a kind that NLayer decodes wrongly.</exception>
    void IMpegFrame.Reset()
    {
        Reset();
        next = 0;
        fields.Clear();
        mainData.Clear();
        int channels = Header.IsMono ? 1 : 2;
        Span<int> granules = stackalloc int[channels];
        int reach = TakeField(8);
        TakeField(channels); // private bits, as many as channels
        foreach (ref int granule in granules) granule = TakeGranule();

        int before = KeepMainData();
        if (reach > before)
        {
            // Further than the decoder can have: it gives no samples.
            fields[MainDataBegin] = DecoderReservoir;
            return;
        }

        // NLayer takes the scale from the wrong channel, and the illegal positions for others.
        if (channels == 2 && (Header.ChannelModeExtension & IntensityStereo) != 0) throw new InvalidDataException("Intensity stereo is not decoded.");

        fields[MainDataBegin] = 0;
        BitReader bits = new(reservoir.AsSpan(before - reach, filled - before + reach));
        foreach (int granule in granules) Recode(ref bits, granule);
    }

    int IMpegFrame.ReadBits(int bitCount)
    {
        int number = next++;
        return number < fields.Count ? fields[number] : mainData.Bytes[number - fields.Count];
    }

    private int TakeField(int bitCount)
    {
        int value = ReadBits(bitCount);
        fields.Add(value);
        return value;
    }

    // Where its fields start.
    private int TakeGranule()
    {
        int granule = fields.Count;
        ReadOnlySpan<byte> start = [12, 9, 8, 9, 1], switched = [2, 1, 5, 5, 3, 3, 3], usual = [5, 5, 5, 4, 3], end = [1, 1];
        foreach (int bitCount in start) TakeField(bitCount);
        foreach (int bitCount in fields[granule + IsSwitched] == 1 ? switched : usual) TakeField(bitCount);
        foreach (int bitCount in end) TakeField(bitCount);
        return granule;
    }

    // Puts the frame's own main data behind as much of the earlier frames' as can be reached; returns how much that is.
    private int KeepMainData()
    {
        int before = Math.Min(filled, LongestReach);
        reservoir.AsSpan(filled - before, before).CopyTo(reservoir);
        ReadOnlySpan<byte> own = Data[OwnMainDataAt..];
        own.CopyTo(reservoir.AsSpan(before));
        filled = before + own.Length;
        return before;
    }

    private void Recode(ref BitReader bits, int granule)
    {
        int start = mainData.Position, end = bits.Position + fields[granule + PartLength];
        if (fields[granule + IsSwitched] == 1 && fields[granule + BlockType] == ShortBlock)
        {
            // NLayer has 36 lines of long blocks in them, and in other bands than the encoders of this rate.
            if (fields[granule + IsMixed] == 1) throw new InvalidDataException("Mixed blocks are not decoded.");
            Copy(ref bits, ScaleFactorBits(fields[granule + ScaleFactorCompress]));
            for (int line = 0; line < 2 * fields[granule + BigValues]; line += 2)
            {
                int table = fields[granule + TableSelect + (line < SecondTableLine ? 0 : 1)];
                (int x, int y) = Mp3Huffman.Read(ref bits, table);
                Mp3Huffman.Write(mainData, Mp3Huffman.Widest, x, y);
            }

            if (bits.Position > end) throw new InvalidDataException("A short block is longer than it says.");
            fields[granule + TableSelect] = fields[granule + TableSelect + 1] = Mp3Huffman.Widest;
        }

        Copy(ref bits, end - bits.Position);
        fields[granule + PartLength] = mainData.Position - start;
    }

    private void Copy(ref BitReader bits, int count)
    {
        for (; count > 0; count--) mainData.Write(bits.Read(1), 1);
    }

    // Of a short block (ISO/IEC 13818-3, 2.4.3.2).
    private static int ScaleFactorBits(int compress) => compress switch
    {
        < 400 => 9 * (compress / 80 + compress / 16 % 5 + compress / 4 % 4 + compress % 4),
        < 500 => 9 * ((compress - 400) / 20 + (compress - 400) / 4 % 5) + 12 * (compress % 4),
        _ => 18 * ((compress - 500) / 3 + (compress - 500) % 3),
    };
}
