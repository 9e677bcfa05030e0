using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;
using Engine.Kernels;
using Engine.Svd.Audio;
using Engine.Svd.Audio.Formats;
using Engine.Tensors;

namespace Engine.Svd.Page;

/// <summary>The sound in a page: the song's own file where browsers play it, else an MP3 or Opus file that ffmpeg makes, else a WAV file.</summary>
internal static class PageSound
{
    /// <summary>The id of its elements.</summary>
    public const string Id = "sound";

    private const long LargestFile = 128 << 20;
    private const int LongestHead = 1 << 20;
    private const int WavHeaderBytes = 44;

    private static readonly (string Name, string[] Arguments)[] _encoders =
    [
        ("MP3, made by ffmpeg", ["-c:a", "libmp3lame", "-q:a", "3", "-f", "mp3"]),
        ("Opus, made by ffmpeg", ["-c:a", "libopus", "-b:a", "128k", "-f", "ogg"]),
    ];

    /// <summary>Writes the sound, and returns what it is and how many elements it takes.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="path">The song.</param>
    /// <param name="channel">What the detector hears of it.</param>
    /// <param name="heard">The song as it was read: where it has warnings, a browser may make something else of it.</param>
    /// <param name="samples">How many samples were read.</param>
    /// <param name="searchPath">The folders in which ffmpeg is looked for.</param>
    /// <exception cref="EngineException">The song cannot be read again.</exception>
    public static (string Kind, int Blocks) Write(
        PageWriter writer, string path, Channel channel, AudioStream heard, long samples, string? searchPath)
    {
        if (heard.Warnings.Count == 0)
        {
            if (IsPlayable(path)) return ("the song's own file", Copy(writer, path));
            foreach ((string name, string[] arguments) in _encoders)
            {
                if (Encode(writer, path, arguments, searchPath) is > 0 and var blocks) return (name, blocks);
            }
        }

        return ($"WAV, mono at {AudioStream.SampleRate} Hz", WriteWav(writer, path, channel, heard, samples));
    }

    /// <summary>Whether browsers play a file, by what is in it and not by its name.</summary>
    internal static bool IsPlayable(string path)
    {
        using FileStream file = InputFile.Open(path);
        if (file.Length > LargestFile) return false;
        byte[] head = new byte[(int)Math.Min(file.Length, LongestHead)];
        file.ReadExactly(head);
        ReadOnlySpan<byte> start = head;
        if (start.StartsWith("RIFF"u8))
        {
            file.Position = 0;
            return WavHeader.Read(file, path) is { Format: not (WavFormat.Other or WavFormat.Float64), IsOpenEnded: false };
        }

        if (start.StartsWith("OggS"u8)) return IsPlayableOgg(start[..Math.Min(start.Length, 128)]);
        if (start.Length > 12 && start[4..].StartsWith("ftypM4A"u8)) return IsAac(file, head);
        if (start.StartsWith("ID3"u8)) start = AfterId3(file, head);
        return start.StartsWith("fLaC"u8) || IsMp3(start);
    }

    private static bool IsPlayableOgg(ReadOnlySpan<byte> page) =>
        page.IndexOf("\u0001vorbis"u8) >= 0 || page.IndexOf("OpusHead"u8) >= 0;

    // The description of the tracks is at the file's start or at its end. Apple's lossless format and pictures that move have names of their own.
    private static bool IsAac(FileStream file, byte[] head)
    {
        byte[] tail = new byte[head.Length];
        file.Position = file.Length - tail.Length;
        file.ReadExactly(tail);
        bool Has(ReadOnlySpan<byte> name) => head.AsSpan().IndexOf(name) >= 0 || tail.AsSpan().IndexOf(name) >= 0;
        return Has("mp4a"u8) && !Has("alac"u8) && !Has("vide"u8);
    }

    // An ID3 tag says how long it is, in four bytes of seven bits.
    private static ReadOnlySpan<byte> AfterId3(FileStream file, byte[] head)
    {
        const int tagHeader = 10;
        if (head.Length < tagHeader) return [];
        long length = tagHeader + ((head[6] << 21) | (head[7] << 14) | (head[8] << 7) | head[9]);
        if (length >= file.Length) return [];
        file.Position = length;
        int count = file.ReadAtLeast(head, tagHeader, throwOnEndOfStream: false);
        return head.AsSpan(0, count);
    }

    // Eleven ones, then a version that is not reserved, and layer 3.
    private static bool IsMp3(ReadOnlySpan<byte> frame) =>
        frame.Length > 2 && frame[0] == 0xFF && (frame[1] & 0xE6) == 0xE2 && (frame[1] & 0x18) != 0x08;

    private static int Copy(PageWriter writer, string path)
    {
        using FileStream file = InputFile.Open(path);
        return writer.Blocks(Id, block => file.ReadAtLeast(block.Span, block.Length, throwOnEndOfStream: false));
    }

    // The number of elements; 0 where ffmpeg is absent or cannot do it.
    private static int Encode(PageWriter writer, string path, string[] encoder, string? searchPath)
    {
        if (AudioTool.Find(searchPath, "ffmpeg") is not { } program) return 0;
        string source = "file:" + Path.GetFullPath(path);
        int track = AudioTrack.Probe(source, searchPath, AudioTool.UsualPatience).Number;
        try
        {
            using AudioTool ffmpeg = new(
                program, ["-v", "error", "-nostdin", "-i", source, "-map", $"0:a:{track}", "-map_metadata", "-1", .. encoder, "pipe:1"],
                AudioTool.UsualPatience);
            int blocks = writer.Blocks(Id, block => ffmpeg.Read(block.Span));
            if (blocks > 0 && (ffmpeg.ExitCode != 0 || ffmpeg.Stalled))
            {
                throw new EngineException($"{path} cannot be encoded for the page: ffmpeg ended with code {ffmpeg.ExitCode}: {ffmpeg.Complaint}");
            }

            return blocks;
        }
        catch (Win32Exception)
        {
            return 0;
        }
    }

    // What the detector heard, as 16-bit integers; louder samples than full scale make all of it quieter.
    private static int WriteWav(PageWriter writer, string path, Channel channel, AudioStream heard, long samples)
    {
        using AudioStream audio = AudioStream.Open(path, channel, heard.Decoder);
        float scale = short.MaxValue / Math.Max(1, heard.Peak);
        float[] read = [];
        bool hasHeader = false;
        return writer.Blocks(Id, block =>
        {
            int header = hasHeader ? 0 : WavHeaderBytes;
            if (!hasHeader) WriteWavHeader(block.Span, samples);
            hasHeader = true;
            Span<short> integers = MemoryMarshal.Cast<byte, short>(block.Span[header..]);
            if (read.Length < integers.Length) read = new float[integers.Length];
            int count = audio.Read(read.AsSpan(0, integers.Length));
            for (int i = 0; i < count; i++) integers[i] = (short)MathF.Round(read[i] * scale);
            return header + count * sizeof(short);
        });
    }

    private static void WriteWavHeader(Span<byte> header, long samples)
    {
        uint bytes = (uint)Math.Min(samples * sizeof(short), uint.MaxValue - WavHeaderBytes);
        Encoding.ASCII.GetBytes("RIFF????WAVEfmt ????????????????????data????", header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], bytes + WavHeaderBytes - 8);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], 16);
        BinaryPrimitives.WriteInt32LittleEndian(header[20..], 1 | 1 << 16); // Integers, one channel.
        BinaryPrimitives.WriteInt32LittleEndian(header[24..], AudioStream.SampleRate);
        BinaryPrimitives.WriteInt32LittleEndian(header[28..], AudioStream.SampleRate * sizeof(short));
        BinaryPrimitives.WriteInt32LittleEndian(header[32..], sizeof(short) | 16 << 16);
        BinaryPrimitives.WriteUInt32LittleEndian(header[40..], bytes);
    }
}
