namespace Engine.Kernels;

/// <content>
/// The GPU form: of one number, since no element needs another. Products and pooling apply it to their results while they are in registers, which saves a
/// pass that memory bandwidth would bound; alone it is a thread an element (<see cref="GpuActivation"/>).
/// </content>
internal static partial class LeakyRelu
{
    /// <summary>y = x for x &gt; 0, else slope · x.</summary>
    public static float OnGpu(float x, float slope) => x > 0 ? x : slope * x;

    /// <summary>dx from the output, for a slope from 0 on.</summary>
    public static float GradientOnGpu(float y, float dy, float slope) => y > 0 ? dy : slope * dy;
}
