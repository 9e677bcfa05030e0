using ILGPU;

namespace Engine.Kernels;

/// <content>The GPU form: one thread computes one element, since no element needs another. Memory bandwidth bounds it.</content>
internal static partial class Multiply
{
    /// <summary>y = a·b.</summary>
    internal struct Body : IGpuBody
    {
        public ArrayView<float> A;
        public ArrayView<float> B;
        public ArrayView<float> Y;

        public readonly void Run(int i) => Y[i] = A[i] * B[i];
    }
}
