namespace Engine.Kernels;

/// <summary>What the definition of an operation is given: its operands as spans.</summary>
public sealed unsafe class ReferenceContext
{
    private readonly HostMemory _memory;

    internal ReferenceContext(HostMemory memory) => _memory = memory;

    /// <summary>The floats of a view; empty for none.</summary>
    public Span<float> At(View? view) => view is { } given ? new(_memory.At(given), given.Length) : default;
}
