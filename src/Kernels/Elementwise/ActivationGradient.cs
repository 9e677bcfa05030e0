using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// The gradients of the activations, from their output y (on the left) and dy (on the right), so that the input need not be kept. Memory bandwidth
/// bounds them.
/// </summary>
internal static unsafe class ActivationGradient
{
    /// <summary>Throws unless the output tells the gradient: below zero, a leaky rectifier with a negative slope looks like one above.</summary>
    public static void Validate(Activation activation)
    {
        if (activation.Kind == ActivationKind.LeakyRelu && !(activation.Slope >= 0))
        {
            throw new ArgumentException($"the output of a leaky rectifier tells its gradient only for a slope from 0 on: {activation}");
        }
    }

    /// <summary>dx = activation′·dy over a run of floats, for kernels that go on with them while the cache has them. dx may be dy.</summary>
    public static void Run<TV>(Activation activation, float* y, float* dy, float* dx, int length)
        where TV : unmanaged, IVector<TV>
    {
        switch (activation.Kind)
        {
            case ActivationKind.LeakyRelu: Elementwise.RunLine<TV, LeakyReluGradient>(new LeakyReluGradient(activation.Slope), y, dy, dx, length); break;
            case ActivationKind.Elu: Elementwise.RunLine<TV, EluGradient>(default, y, dy, dx, length); break;
            case ActivationKind.Sigmoid: Elementwise.RunLine<TV, SigmoidGradient>(default, y, dy, dx, length); break;
            default: Elementwise.RunLine<TV, IdentityGradient>(default, y, dy, dx, length); break;
        }
    }

    /// <summary>The definition, in double precision.</summary>
    public static double Reference(Activation activation, double y, double dy) => activation.Kind switch
    {
        ActivationKind.LeakyRelu => y > 0 ? dy : activation.Slope * dy,
        ActivationKind.Elu => y > 0 ? dy : (y + 1) * dy,
        ActivationKind.Sigmoid => y * (1 - y) * dy,
        _ => dy,
    };
}

/// <summary>dx = dy.</summary>
internal readonly struct IdentityGradient : IBinaryOperator
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV left, TV right)
        where TV : unmanaged, IVector<TV> => right;
}

/// <summary>dx = dy for y &gt; 0, else slope·dy; slope ≥ 0.</summary>
internal readonly struct LeakyReluGradient(float slope) : IBinaryOperator
{
    private readonly float _slope = slope;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV left, TV right)
        where TV : unmanaged, IVector<TV> => TV.SelectPositive(left, right, right * TV.Broadcast(_slope));
}

/// <summary>dx = dy for y &gt; 0, else (y + 1)·dy, since eˣ = y + 1.</summary>
internal readonly struct EluGradient : IBinaryOperator
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV left, TV right)
        where TV : unmanaged, IVector<TV> => TV.SelectPositive(left, right, (left + TV.Broadcast(1)) * right);
}

/// <summary>dx = y·(1 − y)·dy.</summary>
internal readonly struct SigmoidGradient : IBinaryOperator
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TV Apply<TV>(TV left, TV right)
        where TV : unmanaged, IVector<TV> => left * (TV.Broadcast(1) - left) * right;
}
