using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: one thread for each element. It hashes the element's number as the definition does, so the same elements are dropped in any order. It divides
/// in float32. Memory bandwidth bounds it.
/// </content>
internal static unsafe partial class Dropout
{
    /// <summary>Writes y, which may be x.</summary>
    public static void Run(GpuContext gpu, float probability, ulong seed, ArrayView<float> x, ArrayView<float> y) =>
        ForEach.Run(gpu, new Body { Key = Hash(seed), Probability = probability, Kept = (float)(1.0 - probability), X = x, Y = y }, (int)y.Length);

    internal struct Body : IGpuBody
    {
        public ulong Key;
        public float Probability;
        public float Kept;
        public ArrayView<float> X;
        public ArrayView<float> Y;

        public readonly void Run(int i) => Y[i] = IsKept(Key, i, Probability) ? X[i] / Kept : 0;
    }
}
