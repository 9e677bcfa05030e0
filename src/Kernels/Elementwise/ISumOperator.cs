using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>Computes the terms of two sums at once from elements a and b of two arrays. An operator with one sum leaves the second alone.</summary>
internal interface ISumOperator
{
    /// <summary>Adds the terms of a and b to both sums; a channel's values are taken relative to <paramref name="center"/>.</summary>
    void Add<TV>(TV a, TV b, TV center, ref TV first, ref TV second)
        where TV : unmanaged, IVector<TV>;
}

/// <summary>Σ a.</summary>
internal readonly struct PlainSum : ISumOperator
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add<TV>(TV a, TV b, TV center, ref TV first, ref TV second)
        where TV : unmanaged, IVector<TV> => first += a;
}
