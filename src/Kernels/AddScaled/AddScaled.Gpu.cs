using ILGPU;

namespace Engine.Kernels;

/// <content>The GPU form: one thread computes one element, since no element needs another. Memory bandwidth bounds it.</content>
internal static partial class AddScaled
{
    /// <summary>y += scale·x.</summary>
    internal struct Body : IGpuBody
    {
        public float Scale;
        public ArrayView<float> X;
        public ArrayView<float> Y;

        public readonly void Run(int i) => Y[i] += Scale * X[i];
    }

    /// <summary>result = y + scale·x.</summary>
    internal struct Sum : IGpuBody
    {
        public float Scale;
        public ArrayView<float> X;
        public ArrayView<float> Y;
        public ArrayView<float> Result;

        public readonly void Run(int i) => Result[i] = Y[i] + Scale * X[i];
    }
}
