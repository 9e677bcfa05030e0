using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Engine.Svd.Audio;

namespace Engine.Svd.Tests.Audio;

/// <summary>Makes WAV files piece by piece, right or wrong.</summary>
internal static class Wav
{
    public const int Rate = AudioStream.SampleRate;

    public static byte[] File(params byte[][] chunks)
    {
        byte[] content = [.. chunks.SelectMany(chunk => chunk)];
        return [.. "RIFF"u8, .. U32((uint)content.Length + 4), .. "WAVE"u8, .. content];
    }

    public static byte[] File(int tag, int bits, byte[] data, int channels = 1, int rate = Rate) =>
        File(Format(tag, bits, channels, rate), Chunk("data", data));

    /// <summary>A chunk whose size field may lie.</summary>
    public static byte[] Chunk(string name, byte[] content, uint? size = null) =>
        [.. Encoding.ASCII.GetBytes(name), .. U32(size ?? (uint)content.Length), .. content, .. new byte[content.Length & 1]];

    public static byte[] Format(int tag, int bits, int channels = 1, int rate = Rate, int? blockAlign = null) =>
        Chunk("fmt ", FormatContent(tag, bits, channels, rate, blockAlign));

    /// <summary>A format chunk of WAVE_FORMAT_EXTENSIBLE, whose GUID starts with the real tag.</summary>
    public static byte[] ExtensibleFormat(int tag, int bits) => Chunk("fmt ",
    [
        .. FormatContent(0xFFFE, bits), .. U16(22), .. U16(bits), .. U32(4),
        .. U16(tag), 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71,
    ]);

    /// <summary>Samples of 8 to 32 bits, little-endian.</summary>
    public static byte[] Integers(int bits, params int[] samples) => [.. samples.SelectMany(sample => U32((uint)sample)[..(bits / 8)])];

    public static byte[] Floats(params float[] samples) => MemoryMarshal.AsBytes<float>(samples).ToArray();

    /// <summary>Pseudo-random 16 bit samples, as many as asked for.</summary>
    public static byte[] Noise(int samples)
    {
        byte[] data = new byte[2 * samples];
        new Random(1).NextBytes(data);
        return data;
    }

    private static byte[] FormatContent(int tag, int bits, int channels = 1, int rate = Rate, int? blockAlign = null)
    {
        int align = blockAlign ?? channels * bits / 8;
        return [.. U16(tag), .. U16(channels), .. U32((uint)rate), .. U32((uint)(rate * align)), .. U16(align), .. U16(bits)];
    }

    private static byte[] U16(int value) => U32((uint)value)[..2];

    private static byte[] U32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
