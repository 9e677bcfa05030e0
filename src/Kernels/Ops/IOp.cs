using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// An operation: a struct that holds its sizes, its settings and the views that it computes on. It states its operands once, in <see cref="Operands"/>; a
/// backend checks them there and then runs its own form. Outputs must not overlap inputs unless the operation says that they may.
/// </summary>
/// <remarks>
/// The three forms compute the same numbers except for the last digits of float32. <see cref="Reference"/> defines them, and each of the others gives the same
/// bits every time, at any number of threads. None of them keeps a view.
/// </remarks>
public interface IOp
{
    /// <summary>Names every operand with its view and the length that it must have, in the order in which the struct is made of them.</summary>
    void Operands(ref OperandList list);

    /// <summary>Floating-point operations of the plain definition, where a multiply-add counts as two; 0 if memory bandwidth bounds the operation.</summary>
    long Flops => 0;

    /// <summary>The definition: plain loops, double accumulation, one thread.</summary>
    void Reference(ReferenceContext host);

    /// <summary>The form for processors, written once for every vector width.</summary>
    void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV>;

    /// <summary>The form for GPUs. It returns when everything is started.</summary>
    void Gpu(GpuContext gpu);
}

/// <summary>An operation that tapes can differentiate. Its inputs are numbered in the order of its operands.</summary>
public interface IDifferentiableOp : IOp, IGradientRule
{
}

/// <summary>The rule that turns the gradient of a result into the gradients of its inputs.</summary>
public interface IGradientRule
{
    /// <summary>Runs the operations that compute the gradients that are wanted.</summary>
    void Backward(IGradients gradients);
}

/// <summary>What a tape gives a gradient rule.</summary>
public interface IGradients
{
    /// <summary>Where the operations run.</summary>
    IBackend Backend { get; }

    /// <summary>The loss's gradient with respect to the result. The rule may overwrite it: it is not needed afterwards.</summary>
    View Dy { get; }

    /// <summary>How the gradient passes rectifiers.</summary>
    RectifierRule Rectifiers => RectifierRule.Derivative;

    /// <summary>Whether the gradient of an input is wanted; never that of an input that was left out.</summary>
    bool Wants(int input);

    /// <summary>
    /// Where the rule writes the gradient of an input, whether it is wanted or not. The rule overwrites it; if the input has other gradients, the tape adds
    /// them up afterwards.
    /// </summary>
    View Of(int input);

    /// <summary>
    /// The same for a rule that needs <see cref="Dy"/> for nothing else and may write over it: Dy's own memory if the input's gradient can take it over.
    /// Take Dy first, for it is gone afterwards.
    /// </summary>
    View InPlaceOf(int input) => Of(input);
}

/// <summary>What gradient rules share.</summary>
internal static class GradientsExtensions
{
    /// <summary>Where the rule writes the gradient of an input, or null if it is not wanted.</summary>
    public static View? OfWanted(this IGradients gradients, int input) => gradients.Wants(input) ? gradients.Of(input) : null;

    /// <summary>The gradient before the activation that ended the operation, computed in place from the result y.</summary>
    public static View BeforeActivation(this IGradients gradients, Activation activation, View y)
    {
        View dy = gradients.Dy;
        if (activation != Activation.None) gradients.PassActivation(activation, y, dy);
        return dy;
    }

    /// <summary>Overwrites dx, which may be dy, with the gradient before an activation whose result is y.</summary>
    public static void PassActivation(this IGradients gradients, Activation activation, View y, View dx)
    {
        if (!gradients.HasRuleFor(activation))
        {
            gradients.Backend.Run(new ActivateBackwardOp(activation, y, gradients.Dy, dx));
            return;
        }

        // Both rules rectify the gradient; guided back-propagation also stops it where the rectifier stopped its input.
        gradients.Backend.Run(new ActivateOp(Activation.Relu, gradients.Dy, dx));
        if (gradients.Rectifiers == RectifierRule.Guided) gradients.Backend.Run(new ActivateBackwardOp(Activation.Relu, y, dx, dx));
    }

    /// <summary>Whether the gradient passes this activation by another rule than its derivative.</summary>
    public static bool HasRuleFor(this IGradients gradients, Activation activation) =>
        gradients.Rectifiers != RectifierRule.Derivative && activation.Kind is ActivationKind.Relu or ActivationKind.LeakyRelu;
}
