using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>left·scale + right: with y on the right and as the result, y += scale·x. Memory bandwidth bounds it.</summary>
internal readonly struct AddScaledOperator(float scale) : IBinaryOperator
{
    private readonly float _scale = scale;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV left, TV right)
        where TV : unmanaged, IVector<TV>
    {
        TV.Fma(ref right, left, TV.Broadcast(_scale));
        return right;
    }
}
