using ILGPU;

namespace Engine.Kernels;

/// <content>The GPU form: a thread an element. Memory bandwidth bounds it.</content>
internal static partial class InverseSqrt
{
    internal struct Body : IGpuBody
    {
        public float Epsilon;
        public ArrayView<float> X;
        public ArrayView<float> Y;

        public readonly void Run(int i) => Y[i] = 1 / MathF.Sqrt(X[i] + Epsilon);
    }

    internal struct GradientBody : IGpuBody
    {
        public ArrayView<float> Y;
        public ArrayView<float> Dy;
        public ArrayView<float> Dx;

        public readonly void Run(int i) => Dx[i] = -0.5f * Y[i] * Y[i] * Y[i] * Dy[i];
    }
}
