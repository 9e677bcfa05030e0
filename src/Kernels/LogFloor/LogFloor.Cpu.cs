using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y = ln(max(x, floor)). The logarithm's polynomial bounds it.</summary>
internal readonly struct LogFloorOperator(float floor) : IUnaryOperator
{
    private readonly float _floor = floor;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV x)
        where TV : unmanaged, IVector<TV> => TV.Log(TV.Max(TV.Broadcast(_floor), x));
}
