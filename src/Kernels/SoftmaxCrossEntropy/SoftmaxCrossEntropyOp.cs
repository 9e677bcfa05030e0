using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// loss[0] = weight times the mean over N rows of Σ_c t_c·(ln Σ_k e^(z_k) − z_c), the cross-entropy of the softmax of the logits z and the targets t, both
/// N×C. A row of targets holds probabilities: most often a single 1. Overwrites loss, one float.
/// </summary>
public readonly unsafe record struct SoftmaxCrossEntropyOp(int Rows, View Logits, View Target, View Loss, float Weight = 1) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(int rows, int classes, float weight = 1) =>
        OpSpec.Of((ref v) => new SoftmaxCrossEntropyOp(rows, v.Next(), v.Next(), v.Next(), weight), rows * classes);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Size("n"), s.Size("classes"), s.Number("weight", 1));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("logits", Logits, Logits.Length);
        list.In("target", Target, Logits.Length);
        list.Out("loss", Loss, 1);
        if (Rows < 1 || Logits.Length < Rows || Logits.Length % Rows > 0) list.Refuse($"{Logits.Length} logits are not {Rows} rows");
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => host.At(Loss)[0] = SoftmaxCrossEntropy.Reference(Rows, host.At(Logits), host.At(Target), Weight);

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        *cpu.At(Loss) = SoftmaxCrossEntropy.Forward<TV>(cpu, Rows, Logits.Length / Rows, cpu.At(Logits), cpu.At(Target), Weight);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => SoftmaxCrossEntropy.Forward(gpu, Rows, gpu.At(Logits), gpu.At(Target), gpu.At(Loss), Weight);

    /// <inheritdoc/>
    public void Backward(IGradients gradients) =>
        gradients.Backend.Run(new SoftmaxCrossEntropyBackwardOp(Rows, Logits, Target, gradients.Dy, gradients.Of(0), Weight));

    /// <inheritdoc/>
    public override string ToString() => $"softmax cross-entropy of {Rows}×{Logits.Length / Rows}, weight {Weight}";
}

/// <summary>dlogits = dloss[0]·weight/N·(softmax(logits)·Σ_c t_c − t), row by row. Overwrites dlogits, which may be either input.</summary>
public readonly unsafe record struct SoftmaxCrossEntropyBackwardOp(int Rows, View Logits, View Target, View Dloss, View Dlogits, float Weight = 1) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(int rows, int classes, float weight = 1) =>
        OpSpec.Of((ref v) => new SoftmaxCrossEntropyBackwardOp(rows, v.Next(), v.Next(), v.Next(), v.Next(), weight), rows * classes);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Size("n"), s.Size("classes"), s.Number("weight", 1));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("logits", Logits, Dlogits.Length);
        list.In("target", Target, Dlogits.Length);
        list.In("dloss", Dloss, 1);
        list.Out("dlogits", Dlogits, Dlogits.Length);
        if (Rows < 1 || Dlogits.Length < Rows || Dlogits.Length % Rows > 0) list.Refuse($"{Dlogits.Length} logits are not {Rows} rows");
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) =>
        SoftmaxCrossEntropy.BackwardReference(Rows, host.At(Logits), host.At(Target), Weight * host.At(Dloss)[0], host.At(Dlogits));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => SoftmaxCrossEntropy.Backward<TV>(
            cpu, Rows, Dlogits.Length / Rows, cpu.At(Logits), cpu.At(Target), Weight * *cpu.At(Dloss), cpu.At(Dlogits));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) =>
        SoftmaxCrossEntropy.Backward(gpu, Rows, gpu.At(Logits), gpu.At(Target), gpu.At(Dloss), gpu.At(Dlogits), Weight);

    /// <inheritdoc/>
    public override string ToString() => $"gradient of softmax cross-entropy of {Rows}×{Dlogits.Length / Rows}, weight {Weight}";
}
