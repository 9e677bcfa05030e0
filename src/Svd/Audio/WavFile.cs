using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Engine.Svd.Audio;

/// <summary>Encodes WAV files: mono, 22 050 Hz, 32-bit floats, which do not round and do not clip above full scale.</summary>
internal static class WavFile
{
    private const int FormatBytes = 18;
    private const int HeaderBytes = 58;

    /// <summary>The bytes of a WAV file with these samples.</summary>
    public static byte[] Encode(ReadOnlySpan<float> samples)
    {
        byte[] file = new byte[HeaderBytes + sizeof(float) * samples.Length];
        Span<byte> rest = file;
        Name(ref rest, "RIFF"u8);
        Number(ref rest, file.Length - 8);
        Name(ref rest, "WAVE"u8);

        Name(ref rest, "fmt "u8);
        Number(ref rest, FormatBytes);
        Number(ref rest, 3 | 1 << 16); // IEEE float, one channel.
        Number(ref rest, AudioStream.SampleRate);
        Number(ref rest, AudioStream.SampleRate * sizeof(float));
        Number(ref rest, sizeof(float) | 32 << 16); // Bytes and bits of a sample.
        rest = rest[sizeof(short)..]; // No further settings.

        Name(ref rest, "fact"u8);
        Number(ref rest, sizeof(int));
        Number(ref rest, samples.Length);

        Name(ref rest, "data"u8);
        Number(ref rest, sizeof(float) * samples.Length);
        MemoryMarshal.AsBytes(samples).CopyTo(rest);
        return file;
    }

    private static void Name(ref Span<byte> rest, ReadOnlySpan<byte> name)
    {
        name.CopyTo(rest);
        rest = rest[name.Length..];
    }

    private static void Number(ref Span<byte> rest, int number)
    {
        BinaryPrimitives.WriteInt32LittleEndian(rest, number);
        rest = rest[sizeof(int)..];
    }
}
