using System.Buffers.Binary;
using Engine.Kernels;

namespace Engine.Svd.Audio.Formats;

/// <summary>How a WAV file holds a sample.</summary>
internal enum WavFormat
{
    /// <summary>In a way that is left to ffmpeg.</summary>
    Other,
    UInt8,
    Int16,
    Int24,
    Int32,
    Float32,
    Float64,
}

/// <summary>What the chunks of a RIFF/WAVE file say up to the samples.</summary>
/// <param name="Format">How a sample is held.</param>
/// <param name="Channels">Channels, interleaved.</param>
/// <param name="ChannelMask">Which channels they are, as WAVE_FORMAT_EXTENSIBLE says it; 0 where nothing is said.</param>
/// <param name="SampleRate">Samples a second of a channel, in Hz.</param>
/// <param name="BlockAlign">Bytes of one sample of every channel.</param>
/// <param name="DataStart">Where the samples start, in bytes from the file's start.</param>
/// <param name="DataBytes">The bytes of all samples.</param>
/// <param name="IsOpenEnded">Whether the header does not know how many samples there are: they reach to the file's end.</param>
internal readonly record struct WavHeader(
    WavFormat Format, int Channels, uint ChannelMask, int SampleRate, int BlockAlign, long DataStart, long DataBytes, bool IsOpenEnded)
{
    // Programs that write to a pipe announce as much as fits, or a little less, and cannot go back.
    private const uint Unknown = 0x7FFF_F000;

    // Some count a header or a block that is not there.
    private const int FewBytes = 64;
    private const int MostChunks = 1000;

    private const int RiffBytes = 12;
    private const int ChunkHeaderBytes = 8;
    private const int PlainFormatBytes = 16;
    private const int ExtensibleFormatBytes = 40;

    private const ushort Pcm = 1;
    private const ushort IeeeFloat = 3;
    private const ushort Extensible = 0xFFFE;

    /// <summary>Samples a channel.</summary>
    public long Frames => DataBytes / BlockAlign;

    /// <summary>The length in seconds, where the format tells it.</summary>
    public double? DurationSeconds => Format == WavFormat.Other ? null : (double)Frames / SampleRate;

    /// <summary>Whether the samples need neither mixing nor resampling nor a codec, so that every decoder gives the same.</summary>
    /// <param name="sampleRate">The rate that is wanted.</param>
    public bool IsDirect(int sampleRate) => Format != WavFormat.Other && Channels == 1 && SampleRate == sampleRate;

    // What follows the format's tag in an extensible header's GUID, when the tag means what it means elsewhere.
    private static ReadOnlySpan<byte> GuidTail => [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

    /// <summary>Reads the header; null for a file that is not RIFF/WAVE.</summary>
    /// <exception cref="EngineException">The file is RIFF/WAVE, but damaged or truncated.</exception>
    public static WavHeader? Read(FileStream file, string path)
    {
        Span<byte> riff = stackalloc byte[RiffBytes];
        if (file.ReadAtLeast(riff, RiffBytes, throwOnEndOfStream: false) < RiffBytes) return null;
        if (!riff.StartsWith("RIFF"u8) || !riff.EndsWith("WAVE"u8)) return null;

        // The size that RIFF gives for the whole file is ignored: streaming writers do not know it.
        WavHeader? format = null;
        Span<byte> chunk = stackalloc byte[ChunkHeaderBytes];
        for (int chunks = 0; file.ReadAtLeast(chunk, ChunkHeaderBytes, throwOnEndOfStream: false) == ChunkHeaderBytes; chunks++)
        {
            if (chunks == MostChunks) throw Damaged(path, $"its samples are not among its first {MostChunks} chunks");
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            long start = file.Position;
            if (chunk.StartsWith("fmt "u8)) format = ReadFormat(file, size);
            if (chunk.StartsWith("data"u8))
            {
                if (format is null) throw Damaged(path, "its samples come before their format");
                return WithData(format.Value, path, start, size, file.Length - start);
            }

            file.Position = start + size + (size & 1); // Chunks start at even places.
        }

        throw Damaged(path, "it ends before its samples");
    }

    // What is unusual is left to ffmpeg, which knows more ways of writing a header.
    private static WavHeader ReadFormat(FileStream file, uint size)
    {
        Span<byte> format = stackalloc byte[(int)Math.Min(size, ExtensibleFormatBytes)];
        if (size < PlainFormatBytes || file.ReadAtLeast(format, format.Length, throwOnEndOfStream: false) < format.Length) return default;

        ushort tag = BinaryPrimitives.ReadUInt16LittleEndian(format);
        ushort channels = BinaryPrimitives.ReadUInt16LittleEndian(format[2..]);
        uint sampleRate = BinaryPrimitives.ReadUInt32LittleEndian(format[4..]);
        ushort blockAlign = BinaryPrimitives.ReadUInt16LittleEndian(format[12..]);
        ushort bits = BinaryPrimitives.ReadUInt16LittleEndian(format[14..]);
        uint mask = 0;
        if (tag == Extensible && format.Length == ExtensibleFormatBytes && format.EndsWith(GuidTail))
        {
            mask = BinaryPrimitives.ReadUInt32LittleEndian(format[20..]);
            tag = BinaryPrimitives.ReadUInt16LittleEndian(format[24..]);
        }

        WavFormat kind = (tag, bits) switch
        {
            (Pcm, 8) => WavFormat.UInt8,
            (Pcm, 16) => WavFormat.Int16,
            (Pcm, 24) => WavFormat.Int24,
            (Pcm, 32) => WavFormat.Int32,
            (IeeeFloat, 32) => WavFormat.Float32,
            (IeeeFloat, 64) => WavFormat.Float64,
            _ => WavFormat.Other,
        };
        return channels == 0 || sampleRate is 0 or > int.MaxValue || blockAlign == 0 || blockAlign != channels * bits / 8
            ? default
            : new WavHeader(kind, channels, mask, (int)sampleRate, blockAlign, DataStart: 0, DataBytes: 0, IsOpenEnded: false);
    }

    private static WavHeader WithData(WavHeader format, string path, long start, uint size, long available)
    {
        if (format.Format == WavFormat.Other) return format;
        bool isOpenEnded = size == 0 || (size >= Unknown && size > available);
        if (!isOpenEnded && size > available + FewBytes)
        {
            double bytesPerSecond = (double)format.BlockAlign * format.SampleRate;
            throw new EngineException(
                $"{path} is truncated: its header announces {size} bytes of samples ({size / bytesPerSecond:F2} s), {available} are there "
                + $"({available / bytesPerSecond:F2} s); copy or export it again.");
        }

        return format with { DataStart = start, DataBytes = isOpenEnded ? available : Math.Min(size, available), IsOpenEnded = isOpenEnded };
    }

    private static EngineException Damaged(string path, string problem) =>
        new($"{path} is a damaged WAV file: {problem}; copy or export it again.");
}
