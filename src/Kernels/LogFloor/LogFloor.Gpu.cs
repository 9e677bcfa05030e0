using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: one thread computes one element, since no element needs another. The logarithm is the engine's own, because that of some devices is a fast
/// approximation. Memory bandwidth bounds it.
/// </content>
internal static partial class LogFloor
{
    /// <summary>y = ln(max(x, floor)); y may be x.</summary>
    internal struct Body : IGpuBody
    {
        public float Floor;
        public ArrayView<float> X;
        public ArrayView<float> Y;

        public readonly void Run(int i) => Y[i] = GpuMath.Log(GpuMath.Max(X[i], Floor));
    }
}
