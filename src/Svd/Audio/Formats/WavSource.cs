using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Engine.Kernels;

namespace Engine.Svd.Audio.Formats;

/// <summary>
/// Reads a WAV file; integers are scaled as ffmpeg does it, by a power of two. NWaves' WaveFile takes a whole file into memory and does not notice that
/// one is cut, so it does not serve here.
/// </summary>
internal sealed class WavSource : SampleSource
{
    private const int BlockFrames = 1 << 12;

    private readonly string path;
    private readonly FileStream file;
    private readonly WavHeader header;
    private readonly int sampleBytes;
    private readonly byte[] block;
    private long remaining;

    private WavSource(string path, FileStream file, WavHeader header, Downmix downmix)
    {
        (this.path, this.file, this.header, Downmix) = (path, file, header, downmix);
        sampleBytes = header.BlockAlign / header.Channels;
        block = new byte[BlockFrames * header.BlockAlign];
        remaining = header.Frames;
        file.Position = header.DataStart;
    }

    /// <inheritdoc/>
    public override int SampleRate => header.SampleRate;

    /// <inheritdoc/>
    public override Downmix Downmix { get; }

    /// <inheritdoc/>
    public override double? EndSeconds => header.DurationSeconds;

    /// <summary>Takes over a file whose header has been read; null where it is of an unusual kind.</summary>
    public static WavSource? TryOpen(string path, FileStream file, WavHeader header) =>
        header.Format != WavFormat.Other && Downmix.OfWav(header.Channels, header.ChannelMask) is { } downmix
            ? new WavSource(path, file, header, downmix)
            : null;

    /// <inheritdoc/>
    public override void Dispose() => file.Dispose();

    /// <inheritdoc/>
    public override int Read(Span<float> interleaved)
    {
        int frames = (int)Math.Min(interleaved.Length / header.Channels, remaining);
        for (int done = 0; done < frames;)
        {
            int count = Math.Min(frames - done, BlockFrames);
            Span<byte> bytes = block.AsSpan(0, count * header.BlockAlign);
            if (file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            {
                throw new EngineException($"{path} became shorter while it was read; try again when it is complete.");
            }

            Convert(bytes, interleaved.Slice(done * header.Channels, count * header.Channels));
            done += count;
        }

        remaining -= frames;
        return frames * header.Channels;
    }

    private void Convert(ReadOnlySpan<byte> bytes, Span<float> samples)
    {
        switch (header.Format)
        {
            case WavFormat.UInt8:
                for (int i = 0; i < samples.Length; i++) samples[i] = (bytes[i] - 128) * (1f / 128);
                break;
            case WavFormat.Int16:
                ReadOnlySpan<short> integers = MemoryMarshal.Cast<byte, short>(bytes);
                for (int i = 0; i < samples.Length; i++) samples[i] = integers[i] * (1f / (1 << 15));
                break;
            case WavFormat.Int24:
                for (int i = 0; i < samples.Length; i++)
                {
                    ReadOnlySpan<byte> sample = bytes.Slice(sampleBytes * i, sampleBytes);
                    samples[i] = (sample[0] | (sample[1] << 8) | ((sbyte)sample[2] << 16)) * (1f / (1 << 23));
                }

                break;
            case WavFormat.Int32:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, int>(bytes), samples);
                TensorPrimitives.Multiply(samples, 1f / (1u << 31), samples);
                break;
            case WavFormat.Float64:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, double>(bytes), samples);
                break;
            default:
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(samples);
                break;
        }
    }
}
