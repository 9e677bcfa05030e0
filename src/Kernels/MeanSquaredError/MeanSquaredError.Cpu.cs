using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>The CPU form: a <see cref="Reduction"/> and a pointwise kernel, parallel over fixed chunks; memory bandwidth bounds both.</content>
internal static unsafe partial class MeanSquaredError
{
    /// <summary>The weighted mean of (x − t)².</summary>
    public static float Forward<TV>(CpuContext cpu, float* x, float* target, int length, float weight)
        where TV : unmanaged, IVector<TV> => (float)(weight * Reduction.Whole<TV, SquaredErrors>(cpu, default, x, target, length) / length);

    /// <summary>dx = 2·weight·(x − t)/n. Overwrites dx, which may be x.</summary>
    public static void Backward<TV>(CpuContext cpu, float* x, float* target, float* dx, int length, float weight)
        where TV : unmanaged, IVector<TV> =>
        Elementwise.Run<TV, ScaledDifference>(cpu, new ScaledDifference((float)(2.0 * weight / length)), x, target, dx, length);

    private readonly struct SquaredErrors : ISumOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add<TV>(TV a, TV b, TV center, ref TV first, ref TV second)
            where TV : unmanaged, IVector<TV>
        {
            TV difference = a - b;
            TV.Fma(ref first, difference, difference);
        }
    }

    private readonly struct ScaledDifference(float scale) : IBinaryOperator
    {
        private readonly float _scale = scale;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TV Apply<TV>(TV left, TV right)
            where TV : unmanaged, IVector<TV> => (left - right) * TV.Broadcast(_scale);
    }
}
