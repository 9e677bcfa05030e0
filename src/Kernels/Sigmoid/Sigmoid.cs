using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>The logistic function.</content>
public readonly partial record struct Activation
{
    /// <summary>Logistic function: y = 1 / (1 + e⁻ˣ).</summary>
    public static Activation Sigmoid => new(ActivationKind.Sigmoid);
}

/// <summary>y = 1 / (1 + e⁻ˣ), computed from t = e^−|x|, which cannot overflow: 1 / (1 + t) for x &gt; 0, else t / (1 + t).</summary>
internal readonly struct Sigmoid : IActivation
{
    public bool NeverFalls => true;

    public double Reference(double x) => 1 / (1 + Math.Exp(-x));

    public double ReferenceGradient(double y, double dy) => y * (1 - y) * dy;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV x)
        where TV : unmanaged, IVector<TV>
    {
        TV one = TV.Broadcast(1);
        TV t = Exponential.ExpOfNegative(TV.Min(x, TV.Zero - x));
        return TV.SelectPositive(x, one, t) / (one + t);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Gradient<TV>(TV y, TV dy)
        where TV : unmanaged, IVector<TV> => y * (TV.Broadcast(1) - y) * dy;

    public float OnGpu(float x)
    {
        float t = GpuMath.ExpOfNegative(x > 0 ? -x : x);
        return (x > 0 ? 1 : t) / (1 + t);
    }

    public float GradientOnGpu(float y, float dy) => y * (1 - y) * dy;
}
