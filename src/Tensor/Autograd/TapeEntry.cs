using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>One operation on a tape: what it was computed from, its result, and in the derived class the rule for going back.</summary>
internal abstract class TapeEntry : IGradients
{
    private Tape _tape = null!;
    private Tensor?[] _inputs = [];
    private DeviceBuffer?[] _further = [];
    private bool _isAlias;

    /// <summary>The result.</summary>
    public Tensor? Output { get; private set; }

    /// <summary>A second result, that only the rule looks at; null for most operations.</summary>
    public Tensor? Kept { get; private set; }

    /// <inheritdoc/>
    public IBackend Backend => Output!.Backend;

    /// <inheritdoc/>
    public View Dy => Output!.Gradient!.View;

    /// <inheritdoc/>
    public RectifierRule Rectifiers => _tape.Rectifiers;

    /// <inheritdoc/>
    public bool Wants(int input) => input < _inputs.Length && _inputs[input] is { RequiresGradient: true };

    /// <inheritdoc/>
    public View Of(int input)
    {
        Tensor tensor = _inputs[input] ?? throw new ArgumentException($"the operation has no input {input}");
        if (!tensor.HasGradientOf(_tape))
        {
            tensor.MarkGradient(_tape);
            return tensor.GradientOrNew(_tape).View;
        }

        return (_further[input] = Backend.Allocate(tensor.Shape.Length)).All;
    }

    /// <inheritdoc/>
    public View InPlaceOf(int input)
    {
        if (_inputs[input] is not { } tensor || tensor.HasGradientOf(_tape) || !tensor.TakesGradientOf(Output!)) return Of(input);
        tensor.MarkGradient(_tape);
        return tensor.Gradient!.View;
    }

    /// <summary>
    /// Makes the result, or reuses that of the step before if it has the same sizes and memory. It shares the memory of another tensor if asked.
    /// </summary>
    public void Begin(Tape tape, IBackend backend, Shape shape, BatchLayout layout, Tensor? shares, Shape? keeps)
    {
        _tape = tape;
        bool fits = Output is not null && Output.Backend == backend && Output.Shape == shape && Output.Layout == layout && _isAlias == shares is not null
            && Kept?.Shape == keeps && (shares is null || Output.SharesMemoryWith(shares));
        if (fits) return;
        Free();
        _isAlias = shares is not null;
        Output = shares is null ? Tensor.Allocate(backend, shape, layout) : shares.Alias(shape, layout);
        (Output.Tape, Output.IsOwnedByTape) = (tape, true);
        Kept = keeps is { } kept ? Tensor.Allocate(backend, kept, layout) : null;
    }

    /// <summary>
    /// Goes back: hands the result's gradient on to the inputs that want one, then gives its memory back. The next gradients are written to that memory, while
    /// it is still in a cache.
    /// </summary>
    public void Backward()
    {
        foreach (Tensor? input in _inputs) input?.RequireLive();
        ApplyRule();
        for (int i = 0; i < _inputs.Length; i++)
        {
            if (_further[i] is not { } further) continue;
            Backend.Run(new AddScaledOp(1, further.All, _inputs[i]!.Gradient!.View));
            further.Dispose();
            _further[i] = null;
        }

        Output!.GiveGradientBack(_tape);
    }

    /// <summary>Gives the memory back.</summary>
    public void Free()
    {
        Output?.Free();
        Kept?.Free();
    }

    /// <summary>Calls the operation's rule.</summary>
    protected abstract void ApplyRule();

    /// <summary>Notes the inputs; the result requires a gradient if one of them does.</summary>
    protected void SetInputs(ReadOnlySpan<Tensor?> inputs)
    {
        if (_inputs.Length != inputs.Length) (_inputs, _further) = (new Tensor?[inputs.Length], new DeviceBuffer?[inputs.Length]);
        inputs.CopyTo(_inputs);
        bool requires = false;
        foreach (Tensor? input in inputs) requires |= input is { RequiresGradient: true };
        Output!.RequiresGradient = requires;
    }
}

/// <summary>An operation with its rule, which is the operation itself: it holds the views that the rule needs.</summary>
internal sealed class TapeEntry<TRule> : TapeEntry
    where TRule : struct, IGradientRule
{
    private TRule _rule;

    /// <summary>Notes the operation and what it was computed from.</summary>
    public void Finish(in TRule rule, ReadOnlySpan<Tensor?> inputs)
    {
        _rule = rule;
        SetInputs(inputs);
    }

    protected override void ApplyRule() => _rule.Backward(this);
}

/// <summary>The rule of a reshape: the result shares its input's memory, and its gradient is the input's under another shape.</summary>
internal readonly struct ReshapeRule : IGradientRule
{
    /// <inheritdoc/>
    public void Backward(IGradients gradients) => gradients.Backend.Copy(gradients.Dy, gradients.Of(0));
}
