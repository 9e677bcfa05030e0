using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>No activation.</content>
public readonly partial record struct Activation
{
    /// <summary>y = x.</summary>
    public static Activation None => default;
}

/// <summary>y = x.</summary>
internal readonly struct Identity : IActivation
{
    public bool NeverFalls => true;

    public double Reference(double x) => x;

    public double ReferenceGradient(double y, double dy) => dy;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV x)
        where TV : unmanaged, IVector<TV> => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Gradient<TV>(TV y, TV dy)
        where TV : unmanaged, IVector<TV> => dy;

    public float OnGpu(float x) => x;

    public float GradientOnGpu(float y, float dy) => dy;
}
