using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>loss[0] = weight·Σ(x − target)²/n over all n elements. Overwrites loss, one float.</summary>
public readonly unsafe record struct MeanSquaredErrorOp(View X, View Target, View Loss, float Weight = 1) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(int length, float weight = 1) =>
        OpSpec.Of((ref v) => new MeanSquaredErrorOp(v.Next(), v.Next(), v.Next(), weight), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Length, s.Number("weight", 1));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, X.Length);
        list.In("target", Target, X.Length);
        list.Out("loss", Loss, 1);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => host.At(Loss)[0] = MeanSquaredError.Reference(host.At(X), host.At(Target), Weight);

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => *cpu.At(Loss) = MeanSquaredError.Forward<TV>(cpu, cpu.At(X), cpu.At(Target), X.Length, Weight);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => MeanSquaredError.Forward(gpu, gpu.At(X), gpu.At(Target), gpu.At(Loss), Weight);

    /// <inheritdoc/>
    public void Backward(IGradients gradients) => gradients.Backend.Run(new MeanSquaredErrorBackwardOp(X, Target, gradients.Dy, gradients.Of(0), Weight));

    /// <inheritdoc/>
    public override string ToString() => $"squared error of {X.Length}, weight {Weight}";
}

/// <summary>dx = 2·weight·dloss·(x − target)/n, where dloss is one float. Overwrites dx, which may be x or target.</summary>
public readonly unsafe record struct MeanSquaredErrorBackwardOp(View X, View Target, View Dloss, View Dx, float Weight = 1) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(int length, float weight = 1) =>
        OpSpec.Of((ref v) => new MeanSquaredErrorBackwardOp(v.Next(), v.Next(), v.Next(), v.Next(), weight), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Length, s.Number("weight", 1));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Dx.Length);
        list.In("target", Target, Dx.Length);
        list.In("dloss", Dloss, 1);
        list.Out("dx", Dx, Dx.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => MeanSquaredError.BackwardReference(host.At(X), host.At(Target), host.At(Dx), Weight * host.At(Dloss)[0]);

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        MeanSquaredError.Backward<TV>(cpu, cpu.At(X), cpu.At(Target), cpu.At(Dx), Dx.Length, Weight * *cpu.At(Dloss));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => MeanSquaredError.Backward(gpu, gpu.At(X), gpu.At(Target), gpu.At(Dloss), gpu.At(Dx), Weight);

    /// <inheritdoc/>
    public override string ToString() => $"gradient of squared error of {Dx.Length}, weight {Weight}";
}
