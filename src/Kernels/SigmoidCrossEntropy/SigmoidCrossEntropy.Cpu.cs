using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form: a <see cref="Reduction"/> and a pointwise kernel, parallel over fixed chunks; the exponential and the logarithm bound them.
/// </content>
internal static unsafe partial class SigmoidCrossEntropy
{
    /// <summary>The weighted mean cross-entropy.</summary>
    public static float Forward<TV>(CpuContext cpu, float* logits, float* target, int length, float weight)
        where TV : unmanaged, IVector<TV> => (float)(weight * Reduction.Whole<TV, Losses>(cpu, default, logits, target, length) / length);

    /// <summary>dz = weight·(σ(z) − t)/n. Overwrites dlogits, which may be the logits.</summary>
    public static void Backward<TV>(CpuContext cpu, float* logits, float* target, float* dlogits, int length, float weight)
        where TV : unmanaged, IVector<TV> =>
        Elementwise.Run<TV, Gradient>(cpu, new Gradient((float)((double)weight / length)), logits, target, dlogits, length);

    private readonly struct Losses : ISumOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add<TV>(TV a, TV b, TV center, ref TV first, ref TV second)
            where TV : unmanaged, IVector<TV>
        {
            // ln(1 + t): the divisor has the same error as the rounded 1 + t, so the error cancels (Kahan). If all of t is lost, the result is t.
            TV one = TV.Broadcast(1);
            TV t = Exponential.ExpOfNegative(TV.Min(a, TV.Zero - a));
            TV sum = one + t, kept = sum - one;
            first += TV.Max(TV.Zero, a) - a * b + TV.SelectPositive(kept, TV.Log(sum) * (t / kept), t);
        }
    }

    private readonly struct Gradient(float scale) : IBinaryOperator
    {
        private readonly float _scale = scale;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TV Apply<TV>(TV left, TV right)
            where TV : unmanaged, IVector<TV> => (default(Sigmoid).Apply(left) - right) * TV.Broadcast(_scale);
    }
}
