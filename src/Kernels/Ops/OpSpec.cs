namespace Engine.Kernels;

/// <summary>Makes an operation of views, which it takes one after the other in the order of its operands.</summary>
public delegate TOp OpMaker<TOp>(ref ViewSource views)
    where TOp : struct, IOp;

/// <summary>
/// An operation with its sizes and settings, but without its arrays: what tests, benchmarks and golden arrays go through.
/// <see cref="OpTable"/> makes one from named settings.
/// </summary>
public abstract class OpSpec
{
    private readonly List<OperandInfo> _operands = [];

    /// <summary>The operation's name, for example <c>Conv2dBackwardData</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The operation with its sizes and settings, for people.</summary>
    public required string Title { get; init; }

    /// <summary>Its arrays, in order.</summary>
    public IReadOnlyList<OperandInfo> Operands => _operands;

    /// <inheritdoc cref="IOp.Flops"/>
    public required long Flops { get; init; }

    /// <summary>The fewest bytes that must move: each array that is read or written, once.</summary>
    public long Bytes => _operands.Sum(operand => sizeof(float) * (long)operand.Length * (operand.Role == OperandRole.InOut ? 2 : 1));

    /// <summary>
    /// Runs it on views of the operands' lengths, in their order. An operation whose setting <c>packed</c> is true keeps its packed filters in
    /// <paramref name="packed"/> from call to call, as a network does in inference; others ignore it.
    /// </summary>
    /// <exception cref="ArgumentException">A view has another length.</exception>
    public abstract void Run(IBackend backend, ReadOnlySpan<View> views, PackedFilter? packed = null);

    /// <summary>Whether the operation has a gradient rule.</summary>
    public abstract bool IsDifferentiable { get; }

    /// <summary>Runs the gradient rule on the views that <see cref="Run"/> has filled.</summary>
    /// <exception cref="NotSupportedException">The operation has no gradient with these settings.</exception>
    public abstract void Backward(ReadOnlySpan<View> views, IGradients gradients);

    /// <summary>Describes an operation. A pointwise one has the length of its views, <paramref name="length"/>; others have sizes of their own.</summary>
    public static OpSpec Of<TOp>(OpMaker<TOp> make, int length = 0)
        where TOp : struct, IOp
    {
        ViewSource unbound = new(length);
        TOp op = make(ref unbound);
        OpSpec<TOp> spec = new(make) { Name = NameOf<TOp>(), Title = op.ToString()!, Flops = op.Flops };
        OperandList list = new(spec._operands);
        op.Operands(ref list);
        return list.Fault is null ? spec : throw new ArgumentException($"{list.Fault}: {op}");
    }

    /// <summary>The name of an operation: that of its struct without the ending.</summary>
    public static string NameOf<TOp>()
        where TOp : struct, IOp
    {
        const string ending = "Op";
        string name = typeof(TOp).Name;
        return name.EndsWith(ending, StringComparison.Ordinal) ? name[..^ending.Length] : name;
    }

    /// <inheritdoc/>
    public override string ToString() => Title;
}

/// <summary>Hands out views one after the other.</summary>
public ref struct ViewSource
{
    private readonly ReadOnlySpan<View> _views;
    private readonly View? _unbound;
    private readonly PackedFilter? _packed;
    private int _next;

    internal ViewSource(ReadOnlySpan<View> views, PackedFilter? packed)
    {
        _views = views;
        _packed = packed;
    }

    internal ViewSource(int length) => _unbound = View.Unbound(length);

    /// <summary>The next view.</summary>
    /// <exception cref="ArgumentException">There are no more.</exception>
    public View Next() =>
        _unbound ?? (_next < _views.Length ? _views[_next++] : throw new ArgumentException($"{_views.Length} views are too few for this operation"));

    /// <summary>The next view, or null where the operand is left out.</summary>
    public View? NextIf(bool given) => given ? Next() : null;

    /// <summary>The place for packed filters, or null where they are packed in every call.</summary>
    public readonly PackedFilter? PackedIf(bool kept) => kept ? _packed : null;
}

internal sealed class OpSpec<TOp>(OpMaker<TOp> make) : OpSpec
    where TOp : struct, IOp
{
    public override bool IsDifferentiable => typeof(IGradientRule).IsAssignableFrom(typeof(TOp));

    public override void Run(IBackend backend, ReadOnlySpan<View> views, PackedFilter? packed = null) => backend.Run(Make(views, packed));

    public override void Backward(ReadOnlySpan<View> views, IGradients gradients)
    {
        IGradientRule rule = Make(views, null) as IGradientRule ?? throw new NotSupportedException($"{Name} has no gradient");
        rule.Backward(gradients);
    }

    private TOp Make(ReadOnlySpan<View> views, PackedFilter? packed)
    {
        if (views.Length != Operands.Count) throw new ArgumentException($"{views.Length} views for {Operands.Count} operands: {Title}");
        ViewSource source = new(views, packed);
        return make(ref source);
    }
}
