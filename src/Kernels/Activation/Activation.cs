using System.Runtime.CompilerServices;

namespace Engine.Kernels;

/// <summary>A pointwise function that a product or a convolution can apply to its result before it stores it.</summary>
public enum ActivationKind
{
    /// <summary>y = x.</summary>
    None,

    /// <summary>y = x for x &gt; 0, else slope · x.</summary>
    LeakyRelu,

    /// <summary>y = x for x &gt; 0, else eˣ − 1.</summary>
    Elu,

    /// <summary>y = 1 / (1 + e⁻ˣ).</summary>
    Sigmoid,

    /// <summary>y = x for x &gt; 0, else 0.</summary>
    Relu,
}

/// <summary>An activation with its parameter. Each is a struct in a folder of its own, see <see cref="IActivation"/>.</summary>
/// <param name="Kind">Which function.</param>
/// <param name="Slope">The slope below zero of <see cref="ActivationKind.LeakyRelu"/>; the others ignore it.</param>
public readonly partial record struct Activation(ActivationKind Kind, float Slope = 0)
{
    /// <summary>
    /// Hands the struct of this activation to a visitor, and returns what the visitor makes of it. A new activation is added here. The compiler makes a
    /// version of the visitor for each activation, so loops inside it have no branches and no calls.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal TResult Accept<TVisitor, TResult>(TVisitor visitor)
        where TVisitor : struct, IActivationVisitor<TResult>, allows ref struct => Kind switch
        {
            ActivationKind.LeakyRelu => visitor.Visit(new LeakyRelu(Slope)),
            ActivationKind.Elu => visitor.Visit(default(Elu)),
            ActivationKind.Sigmoid => visitor.Visit(default(Sigmoid)),
            ActivationKind.Relu => visitor.Visit(default(Relu)),
            _ => visitor.Visit(default(Identity)),
        };

    /// <summary>Whether the function never falls as x grows, see <see cref="IActivation.NeverFalls"/>.</summary>
    internal bool NeverFalls => Accept<AskWhetherItNeverFalls, bool>(default);

    /// <summary>The definition, in double precision.</summary>
    internal double Reference(double x) => Accept<ReferenceValue, double>(new ReferenceValue(x));

    private readonly struct AskWhetherItNeverFalls : IActivationVisitor<bool>
    {
        public bool Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation => activation.NeverFalls;
    }

    private readonly struct ReferenceValue(double x) : IActivationVisitor<double>
    {
        public double Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation => activation.Reference(x);
    }
}
