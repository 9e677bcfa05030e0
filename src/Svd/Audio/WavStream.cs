using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Engine.Kernels;

namespace Engine.Svd.Audio;

/// <summary>Reads a mono WAV file of 22 050 Hz; integers are scaled as ffmpeg does it, by a power of two.</summary>
internal sealed class WavStream : AudioStream
{
    private const int BlockFrames = 1 << 14;

    private readonly FileStream file;
    private readonly WavFormat format;
    private readonly int sampleBytes;
    private readonly byte[] block;
    private long remaining;

    /// <summary>Takes over <paramref name="file"/>, whose header has been read.</summary>
    public WavStream(string path, FileStream file, WavHeader header)
        : base(path, header.DurationSeconds)
    {
        this.file = file;
        format = header.Format;
        sampleBytes = header.BlockAlign;
        block = new byte[BlockFrames * sampleBytes];
        remaining = header.Frames;
        file.Position = header.DataStart;
    }

    /// <inheritdoc/>
    public override void Dispose() => file.Dispose();

    private protected override int ReadSamples(Span<float> destination)
    {
        int count = (int)Math.Min(destination.Length, remaining);
        for (int done = 0; done < count;)
        {
            int frames = Math.Min(count - done, BlockFrames);
            Span<byte> bytes = block.AsSpan(0, frames * sampleBytes);
            if (file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            {
                throw new EngineException($"{FilePath} became shorter while it was read; try again when it is complete.");
            }

            Convert(bytes, destination.Slice(done, frames));
            done += frames;
        }

        remaining -= count;
        return count;
    }

    private void Convert(ReadOnlySpan<byte> bytes, Span<float> samples)
    {
        switch (format)
        {
            case WavFormat.Int16:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, short>(bytes), samples);
                TensorPrimitives.Multiply(samples, 1f / (1 << 15), samples);
                break;
            case WavFormat.Int24:
                for (int i = 0; i < samples.Length; i++)
                {
                    ReadOnlySpan<byte> sample = bytes.Slice(3 * i, 3);
                    samples[i] = (sample[0] | (sample[1] << 8) | ((sbyte)sample[2] << 16)) * (1f / (1 << 23));
                }

                break;
            case WavFormat.Int32:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, int>(bytes), samples);
                TensorPrimitives.Multiply(samples, 1f / (1u << 31), samples);
                break;
            default:
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(samples);
                break;
        }
    }
}
