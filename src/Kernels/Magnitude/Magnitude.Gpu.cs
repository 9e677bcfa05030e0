using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: one thread for each complex number, since none needs another. Neighbouring threads read neighbouring pairs. Memory bandwidth bounds it.
/// </content>
internal static unsafe partial class Magnitude
{
    /// <summary>y[i] = √(x[2i]² + x[2i+1]²).</summary>
    internal struct Body : IGpuBody
    {
        public ArrayView<float> X;
        public ArrayView<float> Y;

        public readonly void Run(int i) => Y[i] = MathF.Sqrt(X[2 * i] * X[2 * i] + X[2 * i + 1] * X[2 * i + 1]);
    }
}
