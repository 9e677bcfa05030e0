using System.Buffers.Binary;
using Engine.Kernels;

namespace Engine.Svd.Audio;

/// <summary>How a WAV file holds a sample.</summary>
internal enum WavFormat
{
    /// <summary>In a way that is left to ffmpeg.</summary>
    Other,
    Int16,
    Int24,
    Int32,
    Float32,
}

/// <summary>What the chunks of a RIFF/WAVE file say up to the samples.</summary>
/// <param name="Format">How a sample is held.</param>
/// <param name="Channels">Channels, interleaved.</param>
/// <param name="SampleRate">Samples a second of a channel, in Hz.</param>
/// <param name="BlockAlign">Bytes of one sample of every channel.</param>
/// <param name="DataStart">Where the samples start, in bytes from the file's start.</param>
/// <param name="DataBytes">The bytes of all samples.</param>
internal readonly record struct WavHeader(
    WavFormat Format, int Channels, int SampleRate, int BlockAlign, long DataStart, long DataBytes)
{
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

    /// <summary>Whether the samples need neither mixing nor resampling nor a codec.</summary>
    public bool IsDirect => Format != WavFormat.Other && Channels == 1 && SampleRate == AudioStream.SampleRate;

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
        while (file.ReadAtLeast(chunk, ChunkHeaderBytes, throwOnEndOfStream: false) == ChunkHeaderBytes)
        {
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            long start = file.Position;
            if (chunk.StartsWith("fmt "u8)) format = ReadFormat(file, path, size);
            if (chunk.StartsWith("data"u8))
            {
                if (format is null) throw Damaged(path, "its samples come before their format");
                return format.Value with { DataStart = start, DataBytes = DataBytesOf(path, size, file.Length - start) };
            }

            file.Position = start + size + (size & 1); // Chunks start at even places.
        }

        throw Damaged(path, "it ends before its samples");
    }

    private static WavHeader ReadFormat(FileStream file, string path, uint size)
    {
        Span<byte> format = stackalloc byte[(int)Math.Min(size, ExtensibleFormatBytes)];
        if (size < PlainFormatBytes || file.ReadAtLeast(format, format.Length, throwOnEndOfStream: false) < format.Length)
        {
            throw Damaged(path, "its format chunk is too short");
        }

        ushort tag = BinaryPrimitives.ReadUInt16LittleEndian(format);
        ushort channels = BinaryPrimitives.ReadUInt16LittleEndian(format[2..]);
        uint sampleRate = BinaryPrimitives.ReadUInt32LittleEndian(format[4..]);
        ushort blockAlign = BinaryPrimitives.ReadUInt16LittleEndian(format[12..]);
        ushort bits = BinaryPrimitives.ReadUInt16LittleEndian(format[14..]);
        if (tag == Extensible && format.Length == ExtensibleFormatBytes && format.EndsWith(GuidTail))
        {
            tag = BinaryPrimitives.ReadUInt16LittleEndian(format[24..]);
        }

        WavFormat kind = (tag, bits) switch
        {
            (Pcm, 16) => WavFormat.Int16,
            (Pcm, 24) => WavFormat.Int24,
            (Pcm, 32) => WavFormat.Int32,
            (IeeeFloat, 32) => WavFormat.Float32,
            _ => WavFormat.Other,
        };
        return channels == 0 ? throw Damaged(path, "it says it has no channels")
            : sampleRate is 0 or > int.MaxValue ? throw Damaged(path, $"it says it has {sampleRate} samples a second")
            : blockAlign == 0 || (kind != WavFormat.Other && blockAlign != channels * bits / 8)
                ? throw Damaged(path, $"its blocks of {blockAlign} bytes do not hold {channels} × {bits} bits")
            : new WavHeader(kind, channels, (int)sampleRate, blockAlign, DataStart: 0, DataBytes: 0);
    }

    private static long DataBytesOf(string path, uint size, long available) => size switch
    {
        0 or uint.MaxValue => available, // What writers leave that cannot go back to the header.
        _ when size > available => throw new EngineException(
            $"{path} is truncated: its header announces {size} bytes of samples, {available} are there; copy or export it again."),
        _ => size,
    };

    private static EngineException Damaged(string path, string problem) =>
        new($"{path} is a damaged WAV file: {problem}; copy or export it again.");
}
