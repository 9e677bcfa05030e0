using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>The CPU form: a <see cref="Reduction"/>, parallel over fixed chunks; memory bandwidth bounds it.</content>
internal static unsafe partial class SumOfSquares
{
    /// <summary>Σ x².</summary>
    public static float Forward<TV>(CpuContext cpu, float* x, int length)
        where TV : unmanaged, IVector<TV> => (float)Reduction.Whole<TV, Squares>(cpu, default, x, x, length);

    private readonly struct Squares : ISumOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add<TV>(TV a, TV b, TV center, ref TV first, ref TV second)
            where TV : unmanaged, IVector<TV> => TV.Fma(ref first, a, a);
    }
}
