using System.Buffers.Binary;
using NLayer;

namespace Engine.Svd.Audio.Formats;

/// <summary>The four bytes that start a frame of MPEG audio (ISO/IEC 11172-3, 2.4.1.3).</summary>
internal readonly record struct Mp3Header
{
    /// <summary>The header's bytes.</summary>
    public const int Bytes = 4;

    // Kilobits a second of MPEG 1 layers I, II and III, and of MPEG 2 layer I, and layers II and III.
    private static readonly short[][] _bitRates =
    [
        [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];

    private readonly uint bits;

    private Mp3Header(uint bits) => this.bits = bits;

    public MpegVersion Version => Field(19, 3) switch { 3 => MpegVersion.Version1, 2 => MpegVersion.Version2, _ => MpegVersion.Version25 };

    public MpegLayer Layer => (MpegLayer)(4 - Field(17, 3));

    public bool HasCrc => Field(16, 1) == 0;

    public int BitRateIndex => Field(12, 15);

    public int SampleRateIndex => Field(10, 3);

    public MpegChannelMode ChannelMode => (MpegChannelMode)Field(6, 3);

    public int ChannelModeExtension => Field(4, 3);

    public bool IsCopyrighted => Field(3, 1) == 1;

    public bool IsMono => ChannelMode == MpegChannelMode.Mono;

    /// <summary>Bits a second.</summary>
    public int BitRate => 1000 * _bitRates[Version == MpegVersion.Version1 ? (int)Layer - 1 : Layer == MpegLayer.LayerI ? 3 : 4][BitRateIndex - 1];

    /// <summary>Samples a second of each channel, in Hz.</summary>
    public int SampleRate
    {
        get
        {
            int rate = SampleRateIndex switch { 0 => 44_100, 1 => 48_000, _ => 32_000 };
            return Version switch { MpegVersion.Version1 => rate, MpegVersion.Version2 => rate / 2, _ => rate / 4 };
        }
    }

    /// <summary>Samples that the frame gives for each channel.</summary>
    public int SampleCount => Layer == MpegLayer.LayerI ? 384 : Layer == MpegLayer.LayerIII && Version != MpegVersion.Version1 ? 576 : 1152;

    /// <summary>The frame's bytes, header included.</summary>
    public int Length
    {
        get
        {
            int slotBytes = Layer == MpegLayer.LayerI ? 4 : 1, padding = Field(9, 1);
            return (SampleCount / 8 / slotBytes * BitRate / SampleRate + padding) * slotBytes;
        }
    }

    /// <summary>Bytes of layer III's side information, which come behind the header and the check sum.</summary>
    public int SideInfoBytes => (Version == MpegVersion.Version1, IsMono) switch { (true, false) => 32, (false, true) => 9, _ => 17 };

    /// <summary>Reads a header; null where there is none, or one of a free bit rate, whose frames do not say how long they are.</summary>
    public static Mp3Header? Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Bytes) return null;
        Mp3Header header = new(BinaryPrimitives.ReadUInt32BigEndian(bytes));
        bool isOne = header.Field(21, 0x7FF) == 0x7FF && header.Field(19, 3) != 1 && header.Field(17, 3) != 0 && header.BitRateIndex is > 0 and < 15
            && header.SampleRateIndex != 3;
        return isOne ? header : null;
    }

    /// <summary>Whether another frame can belong to the same stream.</summary>
    public bool IsLike(Mp3Header other) => Version == other.Version && Layer == other.Layer && SampleRateIndex == other.SampleRateIndex;

    private int Field(int shift, uint mask) => (int)(bits >> shift & mask);
}
