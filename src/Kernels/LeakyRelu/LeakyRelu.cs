using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>The leaky rectifier.</content>
public readonly partial record struct Activation
{
    /// <summary>Leaky rectifier: y = x for x &gt; 0, else slope · x.</summary>
    public static Activation LeakyRelu(float slope) => new(ActivationKind.LeakyRelu, slope);
}

/// <summary>y = x for x &gt; 0, else slope · x. Any slope will do for y; the gradient needs a slope of at least 0.</summary>
internal readonly struct LeakyRelu(float slope) : IActivation
{
    private readonly float _slope = slope;

    public bool NeverFalls => _slope >= 0;

    public double Reference(double x) => x > 0 ? x : _slope * x;

    public double ReferenceGradient(double y, double dy) => y > 0 ? dy : _slope * dy;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV x)
        where TV : unmanaged, IVector<TV> => TV.SelectPositive(x, x, x * TV.Broadcast(_slope));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Gradient<TV>(TV y, TV dy)
        where TV : unmanaged, IVector<TV> => TV.SelectPositive(y, dy, dy * TV.Broadcast(_slope));

    public float OnGpu(float x) => x > 0 ? x : _slope * x;

    public float GradientOnGpu(float y, float dy) => y > 0 ? dy : _slope * dy;
}
