using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>What is added up over elements a and b of two arrays, in two sums at once; an operator of one sum leaves the second alone.</summary>
internal interface ISumOperator
{
    /// <summary>Adds the terms of a and b to both sums; <paramref name="center"/> is what a channel's values are taken relative to.</summary>
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
