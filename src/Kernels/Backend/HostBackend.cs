namespace Engine.Kernels;

/// <summary>What the backends in the host's memory share: the pool, copies, and checked access to a view's floats.</summary>
internal abstract unsafe class HostBackend
{
    /// <summary>The pool that the buffers come from.</summary>
    public HostMemory Memory { get; } = new();

    public DeviceBuffer Allocate(int length) => Memory.Rent(length);

    public void Upload(ReadOnlySpan<float> source, View destination) => source.CopyTo(SpanOf(destination, source.Length));

    public void Download(View source, Span<float> destination) => SpanOf(source, destination.Length).CopyTo(destination);

    public void Copy(View source, View destination) => SpanOf(source, source.Length).CopyTo(SpanOf(destination, source.Length));

    public void Fill(float value, View y) => SpanOf(y, y.Length).Fill(value);

    public void Synchronize()
    {
        // Every kernel has finished when its call returns.
    }

    public virtual void Dispose() => Memory.Dispose();

    /// <summary>The first float of a view.</summary>
    protected static float* At(View view) => ((HostBuffer)view.Buffer).Pointer + view.Offset;

    /// <summary>The first float of a view that must have a given length, or null for no view.</summary>
    protected static float* At<TShape>(in TShape shape, View? view, int length, string name)
        where TShape : struct
    {
        if (view is not { } given) return null;
        Sizes.RequireLength(shape, given, length, name);
        return At(given);
    }

    /// <summary>A view's floats, which must have a given length.</summary>
    protected static Span<float> SpanOf(View view, int length)
    {
        if (view.Length != length) throw new ArgumentException($"a view has {view.Length} floats, not {length}");
        return new Span<float>(At(view), length);
    }

    /// <summary>A view's floats, checked against a shape; empty for no view.</summary>
    protected static Span<float> SpanOf<TShape>(in TShape shape, View? view, int length, string name)
        where TShape : struct => new(At(shape, view, length, name), view is null ? 0 : length);
}
