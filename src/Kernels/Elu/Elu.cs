using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>The exponential linear unit.</content>
public readonly partial record struct Activation
{
    /// <summary>Exponential linear unit: y = x for x &gt; 0, else eˣ − 1.</summary>
    public static Activation Elu => new(ActivationKind.Elu);
}

/// <summary>
/// y = x for x &gt; 0, else eˣ − 1, without the cancellation of subtracting 1 from a number near 1. On a GPU the exponential is the engine's own: a device's
/// is an approximation, and after subtracting 1 nothing would be left of it near zero.
/// </summary>
internal readonly struct Elu : IActivation
{
    public bool NeverFalls => true;

    public double Reference(double x) => x > 0 ? x : ExpM1(x);

    // eˣ = y + 1.
    public double ReferenceGradient(double y, double dy) => y > 0 ? dy : (y + 1) * dy;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV x)
        where TV : unmanaged, IVector<TV> => TV.SelectPositive(x, x, Exponential.ExpM1OfNegative(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Gradient<TV>(TV y, TV dy)
        where TV : unmanaged, IVector<TV> => TV.SelectPositive(y, dy, (y + TV.Broadcast(1)) * dy);

    public float OnGpu(float x) => x > 0 ? x : GpuMath.ExpM1OfNegative(x);

    public float GradientOnGpu(float y, float dy) => y > 0 ? dy : (y + 1) * dy;

    // Kahan's method: it is exact wherever eˣ − 1 cancels, because the logarithm of the rounded eˣ undoes the rounding.
    private static double ExpM1(double x)
    {
        double u = Math.Exp(x);
        if (u == 1) return x;
        return u - 1 == -1 ? -1 : (u - 1) * x / Math.Log(u);
    }
}
