using System.Buffers.Binary;

namespace Engine.Svd.Audio.Formats;

/// <summary>What encoders write into a first frame without sound: how many frames follow, and how much silence they added at either end.</summary>
/// <param name="Frames">The frames; null where they are not counted.</param>
/// <param name="StartSamples">Samples to leave out at the start: the encoder's delay and the decoder's.</param>
/// <param name="EndSamples">Samples to leave out at the end.</param>
internal sealed record Mp3Info(uint? Frames, int StartSamples, int EndSamples)
{
    // Of every decoder, in samples, which an encoder does not count.
    private const int DecoderDelay = 529;

    private const int HasFrames = 1, HasBytes = 2, HasSeekTable = 4, HasQuality = 8;
    private const int SeekTableBytes = 100;

    // From the encoder's name to its delay and padding.
    private const int NameToDelay = 21;

    /// <summary>Reads a Xing, Info or VBRI header; null for an ordinary frame.</summary>
    public static Mp3Info? Read(Mp3Frame frame)
    {
        ReadOnlySpan<byte> data = frame.Data;
        ReadOnlySpan<byte> vbri = data[Math.Min(data.Length, Mp3Header.Bytes + 32)..];
        if (vbri.StartsWith("VBRI"u8) && vbri.Length >= 18) return new Mp3Info(BinaryPrimitives.ReadUInt32BigEndian(vbri[14..]), 0, 0);

        ReadOnlySpan<byte> xing = data[Math.Min(data.Length, Mp3Header.Bytes + frame.Header.SideInfoBytes)..];
        if (!xing.StartsWith("Xing"u8) && !xing.StartsWith("Info"u8)) return null;
        if (xing.Length < 8) return new Mp3Info(null, 0, 0);
        uint flags = BinaryPrimitives.ReadUInt32BigEndian(xing[4..]);
        ReadOnlySpan<byte> rest = xing[8..];
        uint? frames = (flags & HasFrames) != 0 && rest.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(rest) : null;
        int nameAt = ((flags & HasFrames) != 0 ? 4 : 0) + ((flags & HasBytes) != 0 ? 4 : 0) + ((flags & HasSeekTable) != 0 ? SeekTableBytes : 0)
            + ((flags & HasQuality) != 0 ? 4 : 0);
        if (rest.Length < nameAt + NameToDelay + 3) return new Mp3Info(frames, 0, 0);
        ReadOnlySpan<byte> name = rest[nameAt..], delays = name[NameToDelay..];
        if (!name.StartsWith("LAME"u8) && !name.StartsWith("Lavf"u8) && !name.StartsWith("Lavc"u8)) return new Mp3Info(frames, 0, 0);
        int delay = delays[0] << 4 | delays[1] >> 4, padding = (delays[1] & 15) << 8 | delays[2];
        return new Mp3Info(frames, delay + DecoderDelay, Math.Max(0, padding - DecoderDelay));
    }
}
