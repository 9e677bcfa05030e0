using NLayer;

namespace Engine.Svd.Audio.Formats;

/// <summary>A frame of MPEG audio as NLayer's decoder takes it.</summary>
internal class Mp3Frame : IMpegFrame
{
    private readonly byte[] data = new byte[Mp3Frames.LongestFrame];
    private int bit;

    /// <summary>The frame's header.</summary>
    public Mp3Header Header { get; private set; }

    /// <summary>The frame's bytes, header included.</summary>
    public ReadOnlySpan<byte> Data => data.AsSpan(0, Header.Length);

    int IMpegFrame.SampleRate => Header.SampleRate;

    int IMpegFrame.SampleRateIndex => Header.SampleRateIndex;

    int IMpegFrame.FrameLength => Header.Length;

    int IMpegFrame.BitRate => Header.BitRate;

    MpegVersion IMpegFrame.Version => Header.Version;

    MpegLayer IMpegFrame.Layer => Header.Layer;

    MpegChannelMode IMpegFrame.ChannelMode => Header.ChannelMode;

    int IMpegFrame.ChannelModeExtension => Header.ChannelModeExtension;

    int IMpegFrame.SampleCount => Header.SampleCount;

    int IMpegFrame.BitRateIndex => Header.BitRateIndex;

    bool IMpegFrame.IsCopyrighted => Header.IsCopyrighted;

    bool IMpegFrame.HasCrc => Header.HasCrc;

    // Neither ffmpeg looks at the check sum, which some encoders get wrong.
    bool IMpegFrame.IsCorrupted => false;

    /// <summary>Takes a copy of a frame.</summary>
    public void Set(Mp3Header header, ReadOnlySpan<byte> frame)
    {
        Header = header;
        frame.CopyTo(data);
        Reset();
    }

    /// <summary>Goes to the first bit behind the header and the check sum.</summary>
    public void Reset() => bit = 8 * (Mp3Header.Bytes + (Header.HasCrc ? 2 : 0));

    /// <summary>The next bits as a number; −1 at the end.</summary>
    public int ReadBits(int bitCount)
    {
        if (bit + bitCount > 8 * Header.Length) return -1;
        int value = BitReader.At(data, bit, bitCount);
        bit += bitCount;
        return value;
    }
}
