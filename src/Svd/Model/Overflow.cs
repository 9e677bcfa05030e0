using System.Numerics.Tensors;
using Engine.Kernels;

namespace Engine.Svd.Model;

/// <summary>Finite weights and samples, large enough, still give results that are no numbers.</summary>
internal static class Overflow
{
    /// <summary>Throws if a network's output is not finite.</summary>
    /// <exception cref="EngineException">It is not.</exception>
    public static void Check(ReadOnlySpan<float> output, string network)
    {
        if (TensorPrimitives.IsFiniteAll(output)) return;
        throw new EngineException(
            $"{network} gives NaN or infinite values: its weights or the band statistics are out of range; use those it was trained with");
    }
}
