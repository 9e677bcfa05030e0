namespace Engine.Kernels;

/// <summary>A pointwise function that a product or a convolution can apply to its result before storing it.</summary>
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
}

/// <summary>An activation with its parameter.</summary>
/// <param name="Kind">Which function.</param>
/// <param name="Slope">The slope below zero of <see cref="ActivationKind.LeakyRelu"/>; others ignore it.</param>
public readonly record struct Activation(ActivationKind Kind, float Slope = 0)
{
    /// <summary>y = x.</summary>
    public static Activation None => default;

    /// <summary>Exponential linear unit.</summary>
    public static Activation Elu => new(ActivationKind.Elu);

    /// <summary>Logistic function.</summary>
    public static Activation Sigmoid => new(ActivationKind.Sigmoid);

    /// <summary>Leaky rectifier.</summary>
    public static Activation LeakyRelu(float slope) => new(ActivationKind.LeakyRelu, slope);

    /// <summary>The definition, in double precision.</summary>
    internal double Reference(double x) => Kind switch
    {
        ActivationKind.LeakyRelu => Engine.Kernels.LeakyRelu.Reference(x, Slope),
        ActivationKind.Elu => Engine.Kernels.Elu.Reference(x),
        ActivationKind.Sigmoid => Engine.Kernels.Sigmoid.Reference(x),
        _ => x,
    };
}
