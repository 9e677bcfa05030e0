using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>
/// Reverse-mode differentiation. The tape records the operations on a watched tensor and on their results, one after the other.
/// <see cref="Backward"/> goes through them from the last to the first and passes each operation's gradient on to its inputs.
/// </summary>
/// <remarks>
/// The tape owns every tensor that an operation on it makes. When it is reset, it keeps them, their gradients and its own entries, and reuses them
/// as long as the next step runs the same operations in the same sizes. So a step that has warmed up allocates nothing.
/// A tape is for one thread and one step at a time.
/// </remarks>
public sealed class Tape : IDisposable
{
    private readonly List<TapeEntry> _entries = [];

    // Memory of gradients that were given back, the last at the end.
    private readonly List<(IBackend Backend, DeviceBuffer Buffer)> _spare = [];
    private int _count;
    private bool _wentBack;

    /// <summary>Which step this is; gradients of earlier steps count as absent.</summary>
    internal int Step { get; private set; } = 1;

    /// <summary>What the random operations of this step are drawn from; set it before the step, so that a step can be repeated to the bit.</summary>
    public ulong Seed { get; set; }

    /// <summary>A seed for the operation that is about to be recorded: another for each operation of a step.</summary>
    public ulong NextSeed => Seed + (ulong)_count;

    /// <summary>How <see cref="Backward"/> goes through rectifiers.</summary>
    public RectifierRule Rectifiers { get; set; }

    /// <summary>Starts the next step: forgets the operations, keeps the memory.</summary>
    public void Reset()
    {
        _count = 0;
        _wentBack = false;
        Step++;
    }

    /// <summary>
    /// Follows a tensor from here on. With <paramref name="requiresGradient"/> its gradient is worked out too, and kept even if the tensor is a result.
    /// </summary>
    public Tensor Watch(Tensor tensor, bool requiresGradient = false)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        tensor.Tape = this;
        tensor.RequiresGradient = tensor.KeepsGradient = requiresGradient;
        return tensor;
    }

    /// <summary>
    /// Computes the gradient of a loss with respect to every tensor that requires one and that the loss depends on. Gradients of earlier steps are
    /// overwritten; those of a tensor that was used more than once are added up. Those of results on the tape are given back as soon as they were handed on,
    /// except for results that are watched.
    /// </summary>
    /// <exception cref="ArgumentException">The loss is not a single number on this tape that depends on a tensor that requires a gradient.</exception>
    /// <exception cref="InvalidOperationException">It went back in this step already, which overwrote the gradients in between.</exception>
    public void Backward(Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (loss.Shape.Length != 1) throw new ArgumentException($"a loss is one number, not {loss.Shape}: take its Mean or Sum first");
        if (loss.Tape != this)
        {
            throw new ArgumentException("the loss was not computed on this tape: call tape.Watch(input) and create TrainableParameters first, then compute it");
        }

        if (!loss.RequiresGradient)
        {
            throw new ArgumentException(
                "the loss depends on nothing that requires a gradient: create TrainableParameters first, or call tape.Watch(input, requiresGradient: true)");
        }

        if (_wentBack) throw new InvalidOperationException("a tape goes back once a step: call tape.Reset() before every step");
        _wentBack = true;
        loss.Backend.Run(new FillOp(1, loss.GradientOrNew(this).View));
        loss.MarkGradient(this);
        for (int i = _count - 1; i >= 0; i--)
        {
            if (_entries[i] is { Output: { RequiresGradient: true } output } && output.HasGradientOf(this)) _entries[i].Backward();
        }
    }

    /// <summary>Gives everything back. Parameters and watched tensors are not the tape's.</summary>
    public void Dispose()
    {
        foreach (TapeEntry entry in _entries) entry.Free();
        _entries.Clear();
        foreach ((_, DeviceBuffer buffer) in _spare) buffer.Dispose();
        _spare.Clear();
    }

    /// <summary>
    /// Memory for the gradient of a result: of all of this length that was given back the last, for it is the likeliest to be in a cache. So a step's gradients
    /// take hardly more memory than those of each length that are in use at the same time. Larger memory is not used: a thread would write where another had
    /// its rows, and lines that another processor wrote last are expensive.
    /// </summary>
    internal DeviceBuffer TakeMemory(IBackend backend, int length)
    {
        int i = _spare.Count - 1;
        while (i >= 0 && (_spare[i].Backend != backend || _spare[i].Buffer.Length != length)) i--;
        if (i < 0) return backend.Allocate(length);
        DeviceBuffer buffer = _spare[i].Buffer;
        _spare.RemoveAt(i);
        return buffer;
    }

    /// <summary>Keeps the memory of a gradient for the next ones.</summary>
    internal void GiveMemory(IBackend backend, DeviceBuffer buffer) => _spare.Add((backend, buffer));

    /// <summary>
    /// The next place on the tape, with a result of this shape that the operation overwrites. What it held is undefined. The caller finishes it.
    /// </summary>
    internal TapeEntry<TRule> Begin<TRule>(IBackend backend, Shape shape, BatchLayout layout, Tensor? shares = null, Shape? keeps = null)
        where TRule : struct, IGradientRule
    {
        if (_count == _entries.Count) _entries.Add(new TapeEntry<TRule>());
        if (_entries[_count] is not TapeEntry<TRule> entry)
        {
            _entries[_count].Free();
            _entries[_count] = entry = new TapeEntry<TRule>();
        }

        _count++;
        entry.Begin(this, backend, shape, layout, shares, keeps);
        return entry;
    }
}
