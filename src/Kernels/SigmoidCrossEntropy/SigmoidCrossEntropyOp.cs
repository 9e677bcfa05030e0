using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// loss[0] = weight times the mean of max(z, 0) − z·t + ln(1 + e^−|z|) over all n logits z and targets t, the binary cross-entropy of σ(z). Overwrites loss,
/// one float.
/// </summary>
public readonly unsafe record struct SigmoidCrossEntropyOp(View Logits, View Target, View Loss, float Weight = 1) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(int length, float weight = 1) =>
        OpSpec.Of((ref v) => new SigmoidCrossEntropyOp(v.Next(), v.Next(), v.Next(), weight), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Length, s.Number("weight", 1));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("logits", Logits, Logits.Length);
        list.In("target", Target, Logits.Length);
        list.Out("loss", Loss, 1);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => host.At(Loss)[0] = SigmoidCrossEntropy.Reference(host.At(Logits), host.At(Target), Weight);

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => *cpu.At(Loss) = SigmoidCrossEntropy.Forward<TV>(cpu, cpu.At(Logits), cpu.At(Target), Logits.Length, Weight);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => SigmoidCrossEntropy.Forward(gpu, gpu.At(Logits), gpu.At(Target), gpu.At(Loss), Weight);

    /// <inheritdoc/>
    public void Backward(IGradients gradients) =>
        gradients.Backend.Run(new SigmoidCrossEntropyBackwardOp(Logits, Target, gradients.Dy, gradients.Of(0), Weight));

    /// <inheritdoc/>
    public override string ToString() => $"cross-entropy of {Logits.Length}, weight {Weight}";
}

/// <summary>dlogits = weight·dloss·(σ(logits) − target)/n, where dloss is one float. Overwrites dlogits, which may be either input.</summary>
public readonly unsafe record struct SigmoidCrossEntropyBackwardOp(View Logits, View Target, View Dloss, View Dlogits, float Weight = 1) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(int length, float weight = 1) =>
        OpSpec.Of((ref v) => new SigmoidCrossEntropyBackwardOp(v.Next(), v.Next(), v.Next(), v.Next(), weight), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Length, s.Number("weight", 1));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("logits", Logits, Dlogits.Length);
        list.In("target", Target, Dlogits.Length);
        list.In("dloss", Dloss, 1);
        list.Out("dlogits", Dlogits, Dlogits.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) =>
        SigmoidCrossEntropy.BackwardReference(host.At(Logits), host.At(Target), host.At(Dlogits), Weight * host.At(Dloss)[0]);

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        SigmoidCrossEntropy.Backward<TV>(cpu, cpu.At(Logits), cpu.At(Target), cpu.At(Dlogits), Dlogits.Length, Weight * *cpu.At(Dloss));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => SigmoidCrossEntropy.Backward(gpu, gpu.At(Logits), gpu.At(Target), gpu.At(Dloss), gpu.At(Dlogits), Weight);

    /// <inheritdoc/>
    public override string ToString() => $"gradient of cross-entropy of {Dlogits.Length}, weight {Weight}";
}
