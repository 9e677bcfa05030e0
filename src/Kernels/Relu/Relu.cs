using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>The rectifier.</content>
public readonly partial record struct Activation
{
    /// <summary>Rectified linear unit: y = x for x &gt; 0, else 0.</summary>
    public static Activation Relu => new(ActivationKind.Relu);
}

/// <summary>y = x for x &gt; 0, else 0; a NaN stays one.</summary>
internal readonly struct Relu : IActivation
{
    public bool NeverFalls => true;

    public double Reference(double x) => Math.Max(x, 0);

    public double ReferenceGradient(double y, double dy) => y > 0 ? dy : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV x)
        where TV : unmanaged, IVector<TV> => TV.Max(TV.Zero, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Gradient<TV>(TV y, TV dy)
        where TV : unmanaged, IVector<TV> => TV.SelectPositive(y, dy, TV.Zero);

    public float OnGpu(float x) => GpuMath.Max(x, 0);

    public float GradientOnGpu(float y, float dy) => y > 0 ? dy : 0;
}
