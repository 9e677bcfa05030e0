namespace Engine.Kernels;

/// <content>
/// The GPU form: of one number, since no element needs another. Products apply it to their sums while they are in registers, which saves a pass that memory
/// bandwidth would bound; alone it is a thread an element (<see cref="GpuActivation"/>). The exponential is the engine's own: a device's is an
/// approximation, and minus 1 near zero nothing would be left of it.
/// </content>
internal static partial class Elu
{
    /// <summary>y = x for x &gt; 0, else eˣ − 1.</summary>
    public static float OnGpu(float x) => x > 0 ? x : GpuMath.ExpM1OfNegative(x);

    /// <summary>dx from the output: eˣ = y + 1.</summary>
    public static float GradientOnGpu(float y, float dy) => y > 0 ? dy : (y + 1) * dy;
}
