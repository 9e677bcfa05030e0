using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>How an operation hands its output's gradient on to its inputs. Rules capture nothing: all they need is in the entry.</summary>
internal delegate void BackwardRule<TArguments>(Tape tape, TapeEntry<TArguments> entry)
    where TArguments : struct;

/// <summary>One operation on a tape: its inputs, its output, and the rule for going back.</summary>
internal abstract class TapeEntry
{
    /// <summary>The result.</summary>
    public Tensor? Output { get; protected set; }

    /// <summary>A second result, shaped as the first, that only the rule looks at; null for most operations.</summary>
    public Tensor? Kept { get; protected set; }

    /// <summary>The main input.</summary>
    public Tensor X { get; protected set; } = null!;

    /// <summary>The weights, or a second input.</summary>
    public Tensor? W { get; protected set; }

    /// <summary>The bias, or a third input.</summary>
    public Tensor? B { get; protected set; }

    /// <summary>The output's gradient, which the rule may spoil: nobody needs it afterwards.</summary>
    public View Dy => Output!.Gradient!.View;

    /// <summary>Whether the weights' or the bias's gradient is wanted; kernels work both out together.</summary>
    public bool WeightsRequireGradient => W!.RequiresGradient || B is { RequiresGradient: true };

    /// <summary>The backend of all of them.</summary>
    public IBackend Backend => X.Backend;

    public abstract void Backward(Tape tape);

    public void Free()
    {
        Output?.Free();
        Kept?.Free();
    }
}

/// <summary>An operation with its own arguments: a shape, most often.</summary>
internal sealed class TapeEntry<TArguments> : TapeEntry
    where TArguments : struct
{
    private BackwardRule<TArguments>? _rule;
    private bool _isAlias;

    /// <summary>What the forward call was given beside the tensors.</summary>
    public TArguments Arguments { get; private set; }

    public void Set(
        Tape tape, Shape shape, BackwardRule<TArguments> rule, in TArguments arguments, Tensor x, Tensor? w, Tensor? b, Tensor? shares,
        bool keeps, BatchLayout layout)
    {
        (X, W, B, _rule, Arguments) = (x, w, b, rule, arguments);

        // The tensor of the step before serves again, unless the sizes or the memory that it shares have changed.
        if (Output is null || Output.Shape != shape || Output.Layout != layout || _isAlias != shares is not null || Kept is not null != keeps
            || (shares is not null && !Output.SharesMemoryWith(shares)))
        {
            Free();
            _isAlias = shares is not null;
            Output = shares is null ? Tensor.Allocate(x.Backend, shape, layout) : shares.Alias(shape);
            (Output.Tape, Output.IsOwnedByTape) = (tape, true);
            Kept = keeps ? Tensor.Allocate(x.Backend, shape) : null;
        }

        Output.RequiresGradient = x.RequiresGradient || w is { RequiresGradient: true } || b is { RequiresGradient: true };
    }

    public override void Backward(Tape tape) => _rule!(tape, this);
}
