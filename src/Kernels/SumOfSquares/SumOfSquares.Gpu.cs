using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: a <see cref="GpuReduction"/> with all elements as one channel. It is parallel over pieces, which are added in a fixed order. Memory bandwidth
/// bounds it.
/// </content>
internal static unsafe partial class SumOfSquares
{
    /// <summary>Writes Σ x².</summary>
    public static void Forward(GpuContext gpu, ArrayView<float> x, ArrayView<float> sum) =>
        GpuReduction.Run(gpu, new Terms { X = x }, new ScaledTotals { Result = sum, Scale = 1 }, 1, 1, (int)x.Length);

    internal struct Terms : IGpuTerms
    {
        public ArrayView<float> X;

        public readonly void Add(int at, int channel, ref CompensatedSum first, ref CompensatedSum second) => first.Add(X[at] * X[at]);
    }
}
