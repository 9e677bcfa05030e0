namespace Engine.Kernels;

/// <content>
/// The GPU form: of one number, since no element needs another. Products apply it to their sums while they are in registers; alone it is a thread an element
/// (<see cref="GpuActivation"/>), which memory bandwidth bounds. The exponential is the engine's own, of −|x|, which cannot overflow.
/// </content>
internal static partial class Sigmoid
{
    /// <summary>y = 1 / (1 + e⁻ˣ).</summary>
    public static float OnGpu(float x)
    {
        float t = GpuMath.ExpOfNegative(x > 0 ? -x : x);
        return (x > 0 ? 1 : t) / (1 + t);
    }

    /// <summary>dx from the output.</summary>
    public static float GradientOnGpu(float y, float dy) => y * (1 - y) * dy;
}
