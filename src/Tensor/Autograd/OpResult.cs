using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>
/// The result of an operation that is about to run. <see cref="TensorOps.Begin"/> makes it, you make the operation with its view, and <see cref="Run"/> runs
/// the operation and, if the main input is on a tape, records it.
/// <code>
/// OpResult&lt;MultiplyOp&gt; y = a.Begin&lt;MultiplyOp&gt;(a.Shape);
/// return y.Run(new MultiplyOp(a.View, b.View, y.View), a, b);
/// </code>
/// </summary>
public readonly struct OpResult<TOp>
    where TOp : struct, IDifferentiableOp
{
    private readonly TapeEntry<TOp>? _entry;
    private readonly Tensor _tensor;

    internal OpResult(TapeEntry<TOp> entry) => (_entry, _tensor) = (entry, entry.Output!);

    internal OpResult(Tensor tensor) => _tensor = tensor;

    /// <summary>The elements that the operation overwrites.</summary>
    public View View => _tensor.View;

    /// <summary>The elements of a second result for the gradient rule alone; null where none was asked for or nothing is on a tape.</summary>
    public View? Kept => _entry?.Kept?.View;

    /// <summary>
    /// Runs the operation. <paramref name="inputs"/> are the tensors of the operation's inputs in the order of its operands, null for one that is left out; the
    /// gradient rule refers to them by number. If there is a tape, it owns the result; otherwise the caller owns it and disposes it.
    /// </summary>
    /// <exception cref="ArgumentException">An operand has a wrong length, or <paramref name="inputs"/> are not the operation's.</exception>
    public Tensor Run(in TOp op, params ReadOnlySpan<Tensor?> inputs)
    {
        for (int i = 0; i < inputs.Length; i++) OperandCheck.RequireInput(op, i, inputs[i]?.View);
        _tensor.Backend.Run(op);
        _entry?.Finish(op, inputs);
        return _tensor;
    }
}
