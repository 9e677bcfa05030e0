using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: the loss is a <see cref="GpuReduction"/> with all elements as one channel; it is parallel over pieces, which are added in a fixed order. The
/// gradient takes one thread for each element, since none needs another. Memory bandwidth bounds both.
/// </content>
internal static unsafe partial class SigmoidCrossEntropy
{
    /// <summary>Writes the weighted mean cross-entropy.</summary>
    public static void Forward(GpuContext gpu, ArrayView<float> logits, ArrayView<float> target, ArrayView<float> loss, float weight) =>
        GpuReduction.Run(
            gpu, new Terms { Logits = logits, Target = target }, new ScaledTotals { Result = loss, Scale = (float)((double)weight / logits.Length) }, 1, 1,
            (int)logits.Length);

    /// <summary>dz = weight·dloss·(σ(z) − t)/n. Overwrites dlogits, which may be either input.</summary>
    public static void Backward(
        GpuContext gpu, ArrayView<float> logits, ArrayView<float> target, ArrayView<float> dloss, ArrayView<float> dlogits, float weight) =>
        ForEach.Run(
            gpu, new LogitGradient { Scale = (float)((double)weight / dlogits.Length), Logits = logits, Target = target, Dloss = dloss, Gradient = dlogits },
            (int)dlogits.Length);

    internal struct Terms : IGpuTerms
    {
        public ArrayView<float> Logits;
        public ArrayView<float> Target;

        public readonly void Add(int at, int channel, ref CompensatedSum first, ref CompensatedSum second)
        {
            // ln(1 + t) as on the CPU: the divisor has the same error as the rounded 1 + t, so the error cancels. If all of t is lost, the result is t.
            float z = Logits[at], t = GpuMath.ExpOfNegative(z > 0 ? -z : z), sum = 1 + t, kept = sum - 1;
            first.Add((z < 0 ? 0 : z) - z * Target[at] + (kept > 0 ? GpuMath.Log(sum) * (t / kept) : t));
        }
    }

    internal struct LogitGradient : IGpuBody
    {
        public float Scale;
        public ArrayView<float> Logits;
        public ArrayView<float> Target;
        public ArrayView<float> Dloss;
        public ArrayView<float> Gradient;

        public readonly void Run(int i) => Gradient[i] = (default(Sigmoid).OnGpu(Logits[i]) - Target[i]) * (Scale * Dloss[0]);
    }
}
