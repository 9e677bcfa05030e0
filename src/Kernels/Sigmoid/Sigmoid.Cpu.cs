using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y = 1 / (1 + e⁻ˣ), through t = e^−|x|, which cannot overflow: 1 / (1 + t) for x &gt; 0, else t / (1 + t).</summary>
internal readonly struct SigmoidOperator : IUnaryOperator
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV x)
        where TV : unmanaged, IVector<TV>
    {
        TV one = TV.Broadcast(1);
        TV t = Exponential.ExpOfNegative(TV.Min(x, TV.Zero - x));
        return TV.SelectPositive(x, one, t) / (one + t);
    }
}
