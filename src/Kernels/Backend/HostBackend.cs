namespace Engine.Kernels;

/// <summary>What the backends in the host's memory share: the pool and copies.</summary>
internal abstract class HostBackend : IBackend
{
    /// <summary>The pool that the buffers come from.</summary>
    public HostMemory Memory { get; } = new();

    public abstract string Name { get; }

    public virtual BatchLayout MapLayout => BatchLayout.First;

    // What the caches of two cores hold. The same everywhere, so that results do not depend on the machine.
    public long ChunkBytes => 10 << 20;

    public DeviceBuffer Allocate(int length) => Memory.Rent(length);

    public void Upload(ReadOnlySpan<float> source, View destination) => source.CopyTo(SpanOf(destination, source.Length));

    public void Download(View source, Span<float> destination) => SpanOf(source, destination.Length).CopyTo(destination);

    public void Copy(View source, View destination) => SpanOf(source, source.Length).CopyTo(SpanOf(destination, source.Length));

    public void Synchronize()
    {
        // Every kernel has finished when its call returns.
    }

    public abstract void Run<TOp>(in TOp op)
        where TOp : struct, IOp;

    public virtual void Dispose() => Memory.Dispose();

    private unsafe Span<float> SpanOf(View view, int length)
    {
        Sizes.RequireLength(view, length);
        return new Span<float>(Memory.At(view), length);
    }
}

/// <summary>The definitions, one thread, double accumulation: the oracle of every other backend, and slow.</summary>
internal sealed class ReferenceBackend : HostBackend
{
    private readonly ReferenceContext _host;

    public ReferenceBackend() => _host = new ReferenceContext(Memory);

    public override string Name => "reference (plain loops, double accumulation)";

    public override void Run<TOp>(in TOp op)
    {
        OperandCheck.Check(op);
        op.Reference(_host);
    }
}
