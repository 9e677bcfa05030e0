using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>The CPU form: pointwise. Memory bandwidth bounds it.</content>
internal static partial class InverseSqrt
{
    internal readonly struct Function(float epsilon) : IUnaryOperator
    {
        private readonly float _epsilon = epsilon;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TV Apply<TV>(TV x)
            where TV : unmanaged, IVector<TV> => TV.Broadcast(1) / TV.Sqrt(x + TV.Broadcast(_epsilon));
    }

    internal readonly struct Gradient : IBinaryOperator
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TV Apply<TV>(TV left, TV right)
            where TV : unmanaged, IVector<TV> => TV.Broadcast(-0.5f) * left * left * left * right;
    }
}
