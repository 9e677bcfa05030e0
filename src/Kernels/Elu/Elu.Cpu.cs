using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// y = x for x &gt; 0, else eˣ − 1, without the cancellation of subtracting 1 from a number near 1.
/// </summary>
internal readonly struct EluOperator : IUnaryOperator
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV x)
        where TV : unmanaged, IVector<TV> => TV.SelectPositive(x, x, Exponential.ExpM1OfNegative(TV.Min(TV.Zero, x)));
}
