using Engine.Kernels;

namespace Engine.Svd.Model;

/// <summary>Checks a network's output.</summary>
internal static class NetworkOutput
{
    /// <summary>Throws if a network's output is not finite. Weights and samples that are finite but very large can overflow float32.</summary>
    /// <exception cref="EngineException">A value is NaN or infinite.</exception>
    public static void RequireFinite(ReadOnlySpan<float> output, string network)
    {
        foreach (float value in output)
        {
            if (float.IsFinite(value)) continue;
            throw new EngineException(
                $"{network} gives NaN or infinite values: its weights or the band statistics are out of range; use the ones that belong to it");
        }
    }
}
