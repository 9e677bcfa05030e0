using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: the loss is a <see cref="GpuReduction"/> with all elements as one channel; it is parallel over pieces, which are added in a fixed order. The
/// gradient takes one thread for each element, since none needs another. Memory bandwidth bounds both.
/// </content>
internal static unsafe partial class MeanSquaredError
{
    /// <summary>Writes the weighted mean of (x − t)².</summary>
    public static void Forward(GpuContext gpu, ArrayView<float> x, ArrayView<float> target, ArrayView<float> loss, float weight) =>
        GpuReduction.Run(
            gpu, new Terms { X = x, Target = target }, new ScaledTotals { Result = loss, Scale = (float)((double)weight / x.Length) }, 1, 1, (int)x.Length);

    /// <summary>dx = 2·weight·dloss·(x − t)/n. Overwrites dx, which may be x or the target.</summary>
    public static void Backward(GpuContext gpu, ArrayView<float> x, ArrayView<float> target, ArrayView<float> dloss, ArrayView<float> dx, float weight) =>
        ForEach.Run(gpu, new Gradient { Scale = (float)(2.0 * weight / dx.Length), X = x, Target = target, Dloss = dloss, Dx = dx }, (int)dx.Length);

    internal struct Terms : IGpuTerms
    {
        public ArrayView<float> X;
        public ArrayView<float> Target;

        public readonly void Add(int at, int channel, ref CompensatedSum first, ref CompensatedSum second)
        {
            float difference = X[at] - Target[at];
            first.Add(difference * difference);
        }
    }

    internal struct Gradient : IGpuBody
    {
        public float Scale;
        public ArrayView<float> X;
        public ArrayView<float> Target;
        public ArrayView<float> Dloss;
        public ArrayView<float> Dx;

        public readonly void Run(int i) => Dx[i] = (X[i] - Target[i]) * (Scale * Dloss[0]);
    }
}
