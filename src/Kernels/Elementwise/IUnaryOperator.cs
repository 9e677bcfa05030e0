using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>A pointwise function, written once for every vector width; the same struct serves the plain kernel and the fused epilogues.</summary>
internal interface IUnaryOperator
{
    TV Apply<TV>(TV x)
        where TV : unmanaged, IVector<TV>;
}

/// <summary>y = x.</summary>
internal readonly struct IdentityOperator : IUnaryOperator
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV x)
        where TV : unmanaged, IVector<TV> => x;
}
