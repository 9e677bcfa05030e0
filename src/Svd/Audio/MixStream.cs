using Engine.Kernels;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Engine.Svd.Audio;

/// <summary>The sum of two recordings, sample by sample: a song from its voice and its accompaniment. It owns both streams.</summary>
internal sealed class MixStream(AudioStream first, AudioStream second) : AudioStream($"{first.FilePath} + {second.FilePath}", first.DurationSeconds)
{
    private float[] _other = [];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Warnings => [.. first.Warnings, .. second.Warnings, .. base.Warnings];

    /// <inheritdoc/>
    public override Decoder Decoder => first.Decoder;

    /// <inheritdoc/>
    public override void Dispose()
    {
        first.Dispose();
        second.Dispose();
    }

    private protected override int ReadSamples(Span<float> destination)
    {
        if (_other.Length < destination.Length) _other = new float[destination.Length];
        Span<float> other = _other.AsSpan(0, destination.Length);
        int count = first.Read(destination), otherCount = second.Read(other);
        if (count != otherCount)
        {
            (AudioStream shorter, AudioStream longer) = count < otherCount ? (first, second) : (second, first);
            throw new EngineException($"{shorter.FilePath} is shorter than {longer.FilePath}: the two make a song only where they are equally long");
        }

        TensorPrimitives.Add(destination[..count], other[..count], destination);
        return count;
    }
}
