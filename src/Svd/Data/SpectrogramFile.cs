using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Engine.Kernels;
using Engine.Tensors;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Data;

/// <summary>
/// A file that keeps a log-mel spectrogram. It holds 8 bytes that name the format, then in little-endian order the versions of the format and of the front
/// end (int32 each), the SHA-256 of the audio file, the number of frames (int64), frames×80 float32 values, and the SHA-256 of everything before it.
/// </summary>
internal static class SpectrogramFile
{
    private const int FormatVersion = 1;
    private const int HeaderLength = 56;
    private const int BlockValues = 1 << 18;

    // The range of the front end's values, with room for rounding: from ln 1e-7 to a spectrum far beyond full scale.
    private const float Lowest = -16.2f;
    private const float Highest = 30;

    private static ReadOnlySpan<byte> Magic => "SVDLGMEL"u8;

    /// <summary>Writes a spectrogram.</summary>
    /// <param name="path">The file.</param>
    /// <param name="audioDigest">The SHA-256 of the audio file.</param>
    /// <param name="logMel">Frames×80 values.</param>
    /// <exception cref="EngineException">The file cannot be written.</exception>
    public static void Write(string path, ReadOnlyMemory<byte> audioDigest, float[] logMel) => AtomicFile.Write(path, stream =>
    {
        using IncrementalHash checksum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Put(Header(audioDigest.Span, logMel.Length / Bands));
        for (int start = 0; start < logMel.Length; start += BlockValues)
        {
            Put(MemoryMarshal.AsBytes(logMel.AsSpan(start, Math.Min(BlockValues, logMel.Length - start))));
        }

        stream.Write(checksum.GetHashAndReset());

        void Put(ReadOnlySpan<byte> bytes)
        {
            stream.Write(bytes);
            checksum.AppendData(bytes);
        }
    });

    /// <summary>Reads the spectrogram of an audio file; null unless the file is exactly as <see cref="Write"/> writes it for that audio.</summary>
    public static float[]? TryRead(string path, ReadOnlySpan<byte> audioDigest)
    {
        if (!File.Exists(path)) return null;
        try
        {
            using FileStream stream = InputFile.Open(path);
            byte[] start = new byte[HeaderLength], end = new byte[SHA256.HashSizeInBytes];
            long frames = Math.DivRem(stream.Length - start.Length - end.Length, Bands * sizeof(float), out long rest);
            if (rest != 0 || frames < ExcerptFrames || frames > Array.MaxLength / Bands) return null;

            stream.ReadExactly(start);
            if (!start.AsSpan().SequenceEqual(Header(audioDigest, frames))) return null;

            using IncrementalHash checksum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            checksum.AppendData(start);
            float[] logMel = new float[frames * Bands];
            for (int done = 0; done < logMel.Length; done += BlockValues)
            {
                Span<byte> bytes = MemoryMarshal.AsBytes(logMel.AsSpan(done, Math.Min(BlockValues, logMel.Length - done)));
                stream.ReadExactly(bytes);
                checksum.AppendData(bytes);
            }

            stream.ReadExactly(end);
            bool isWhole = checksum.GetHashAndReset().AsSpan().SequenceEqual(end);
            return isWhole && Array.TrueForAll(logMel, value => value is >= Lowest and <= Highest) ? logMel : null;
        }
        catch (Exception failure) when (failure is EngineException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static byte[] Header(ReadOnlySpan<byte> audioDigest, long frames)
    {
        byte[] header = new byte[HeaderLength];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), FormatVersion);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), SpectrogramCache.FrontEndVersion);
        audioDigest.CopyTo(header.AsSpan(16));
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(48), frames);
        return header;
    }
}
