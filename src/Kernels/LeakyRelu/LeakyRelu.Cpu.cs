using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y = x for x &gt; 0, else slope · x, as max(x, slope · x): the same for slopes from 0 to 1. Memory bandwidth bounds it.</summary>
internal readonly struct LeakyReluOperator(float slope) : IUnaryOperator
{
    private readonly float _slope = slope;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV x)
        where TV : unmanaged, IVector<TV> => TV.Max(x, x * TV.Broadcast(_slope));
}
