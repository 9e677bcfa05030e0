using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// One step of ADAM: m ← β1·m + (1 − β1)·g, v ← β2·v + (1 − β2)·g², w ← w − a·m/(√v + ε) with a = lr·√(1 − β2ᵗ)/(1 − β1ᵗ). Updates w, m and v, which are all as
/// long as g; moments below 1e-30 become 0.
/// </summary>
public readonly unsafe record struct AdamOp(AdamStep Step, View G, View W, View M, View V) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(AdamStep step, int length) =>
        OpSpec.Of((ref v) => new AdamOp(step, v.Next(), v.Next(), v.Next(), v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(AdamStep.From(s.Of("step")), s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("g", G, W.Length);
        list.InOut("w", W, W.Length);
        list.InOut("m", M, W.Length);
        list.InOut("v", V, W.Length);
        if (Step.Step < 1) list.Refuse("the first step of ADAM is 1");
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Adam.Reference(Step, host.At(W), host.At(G), host.At(M), host.At(V));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => Adam.Run<TV>(cpu, Step, cpu.At(W), cpu.At(G), cpu.At(M), cpu.At(V), W.Length);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => Adam.Run(gpu, Step, gpu.At(W), gpu.At(G), gpu.At(M), gpu.At(V));

    /// <inheritdoc/>
    public override string ToString() => $"{Step}, {W.Length} floats";
}
