namespace Engine.Tensors;

/// <summary>
/// Spares a repeated computation its allocations. A run makes its tensors in the same order as the run before, so it gets the same objects again, with memory
/// from the backend's pool; sizes may differ from run to run. A tensor of the run before that was not disposed stays with its owner, and another takes its
/// place.
/// </summary>
/// <remarks>Do not use or dispose a tensor again after it was disposed: the next run may be using the object.</remarks>
public sealed class InferencePlan
{
    [ThreadStatic]
    private static InferencePlan? s_running;

    private readonly List<Tensor> _tensors = [];
    private int _next;
    private InferencePlan? _outer;

    /// <summary>Begins a run: until what is returned is disposed, tensors that this thread makes are the plan's.</summary>
    public Run Begin()
    {
        (_next, _outer, s_running) = (0, s_running, this);
        return new Run(this);
    }

    /// <summary>The object for the next tensor that is made on this thread.</summary>
    internal static Tensor NextTensor() => s_running is { } plan ? plan.Next() : new Tensor();

    private Tensor Next()
    {
        if (_next == _tensors.Count) _tensors.Add(new Tensor());
        else if (!_tensors[_next].IsDisposed) _tensors[_next] = new Tensor();
        return _tensors[_next++];
    }

    /// <summary>A run that ends when it is disposed.</summary>
    public readonly struct Run : IDisposable
    {
        private readonly InferencePlan _plan;

        internal Run(InferencePlan plan) => _plan = plan;

        /// <inheritdoc/>
        public void Dispose() => s_running = _plan._outer;
    }
}
