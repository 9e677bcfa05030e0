using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>Batch normalisation with given statistics, then the activation; see <see cref="BatchNormShape"/>. Overwrites y, which may be x.</summary>
public readonly unsafe record struct BatchNormInferOp(
    BatchNormShape Shape, View X, View Mean, View InverseStd, View Gamma, View Beta, Activation Activation, View Y) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(BatchNormShape shape, Activation activation = default) =>
        OpSpec.Of((ref v) => new BatchNormInferOp(shape, v.Next(), v.Next(), v.Next(), v.Next(), v.Next(), activation, v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(BatchNormShape.From(s), s.Activation);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.Length);
        list.In("mean", Mean, Shape.C);
        list.In("inverseStd", InverseStd, Shape.C);
        list.In("gamma", Gamma, Shape.C);
        list.In("beta", Beta, Shape.C);
        list.Out("y", Y, Shape.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) =>
        BatchNorm.InferReference(Shape, host.At(X), host.At(Mean), host.At(InverseStd), host.At(Gamma), host.At(Beta), Activation, host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        BatchNorm.Infer<TV>(cpu, Shape, cpu.At(X), cpu.At(Mean), cpu.At(InverseStd), cpu.At(Gamma), cpu.At(Beta), Activation, cpu.At(Y));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) =>
        BatchNorm.Infer(gpu, Shape, gpu.At(X), gpu.At(Mean), gpu.At(InverseStd), gpu.At(Gamma), gpu.At(Beta), Activation, gpu.At(Y));

    /// <inheritdoc/>
    public override string ToString() => $"{Shape}{Titles.With(Activation)}";
}

/// <summary>
/// Batch normalisation with the statistics of the batch, over the N·Inner elements of each channel: mean, and inverseStd = 1/√(variance + epsilon) with the
/// biased variance; then the activation. Overwrites y (N×C×Inner, may be x), mean and inverseStd (C each). Updates runningMean and runningInverseStd (C each):
/// r ← (1 − momentum)·r + momentum·batch.
/// </summary>
public readonly unsafe record struct BatchNormTrainOp(
    BatchNormShape Shape, View X, View Gamma, View Beta, Activation Activation, View Y, View Mean, View InverseStd, View RunningMean, View RunningInverseStd,
    float Momentum, float Epsilon) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(BatchNormShape shape, float momentum = 0.1f, float epsilon = 1e-4f, Activation activation = default) =>
        OpSpec.Of((ref v) => new BatchNormTrainOp(
            shape, v.Next(), v.Next(), v.Next(), activation, v.Next(), v.Next(), v.Next(), v.Next(), v.Next(), momentum, epsilon));

    internal static OpSpec Spec(OpSettings s) => Spec(BatchNormShape.From(s), s.Number("momentum"), s.Number("epsilon"), s.Activation);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.Length);
        list.In("gamma", Gamma, Shape.C);
        list.In("beta", Beta, Shape.C);
        list.Out("y", Y, Shape.Length);
        list.Out("mean", Mean, Shape.C);
        list.Out("inverseStd", InverseStd, Shape.C);
        list.InOut("runningMean", RunningMean, Shape.C);
        list.InOut("runningInverseStd", RunningInverseStd, Shape.C);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) =>
        BatchNorm.TrainReference(
            Shape, host.At(X), host.At(Gamma), host.At(Beta), Activation, host.At(Y), host.At(Mean), host.At(InverseStd), host.At(RunningMean),
            host.At(RunningInverseStd), Momentum, Epsilon);

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        BatchNorm.Train<TV>(
            cpu, Shape, cpu.At(X), cpu.At(Gamma), cpu.At(Beta), Activation, cpu.At(Y), cpu.At(Mean), cpu.At(InverseStd), cpu.At(RunningMean),
            cpu.At(RunningInverseStd), Momentum, Epsilon);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) =>
        BatchNorm.Train(
            gpu, Shape, gpu.At(X), gpu.At(Gamma), gpu.At(Beta), Activation, gpu.At(Y), gpu.At(Mean), gpu.At(InverseStd), gpu.At(RunningMean),
            gpu.At(RunningInverseStd), Momentum, Epsilon);

    /// <inheritdoc/>
    public void Backward(IGradients gradients)
    {
        // The gradients of gamma and beta are by-products of the gradient of x, so all three are computed together.
        bool hasRule = gradients.HasRuleFor(Activation);
        View dy = hasRule ? gradients.BeforeActivation(Activation, Y) : gradients.Dy;
        gradients.Backend.Run(
            new BatchNormBackwardOp(
                Shape, X, Mean, InverseStd, Gamma, hasRule ? Activation.None : Activation, Y, dy, gradients.InPlaceOf(0), gradients.Of(1), gradients.Of(2)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"training of {Shape}{Titles.With(Activation)}";
}

/// <summary>
/// The gradients of <see cref="BatchNormTrainOp"/>, with its y, mean and inverseStd, x̂ = (x − mean)·inverseStd, M = N·Inner and dz the gradient before the
/// activation, as <see cref="ActivateBackwardOp"/> computes it: dbeta = Σ dz, dgamma = Σ dz·x̂ and dx = gamma·inverseStd·(dz − dbeta/M − x̂·dgamma/M).
/// Overwrites all three; dx may be dy.
/// </summary>
public readonly unsafe record struct BatchNormBackwardOp(
    BatchNormShape Shape, View X, View Mean, View InverseStd, View Gamma, Activation Activation, View Y, View Dy, View Dx, View Dgamma, View Dbeta) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(BatchNormShape shape, Activation activation = default) =>
        OpSpec.Of((ref v) => new BatchNormBackwardOp(
            shape, v.Next(), v.Next(), v.Next(), v.Next(), activation, v.Next(), v.Next(), v.Next(), v.Next(), v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(BatchNormShape.From(s), s.Activation);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.Length);
        list.In("mean", Mean, Shape.C);
        list.In("inverseStd", InverseStd, Shape.C);
        list.In("gamma", Gamma, Shape.C);
        list.In("y", Y, Shape.Length);
        list.In("dy", Dy, Shape.Length);
        list.Out("dx", Dx, Shape.Length);
        list.Out("dgamma", Dgamma, Shape.C);
        list.Out("dbeta", Dbeta, Shape.C);
        list.RequireGradientOf(Activation);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) =>
        BatchNorm.BackwardReference(
            Shape, host.At(X), host.At(Mean), host.At(InverseStd), host.At(Gamma), Activation, host.At(Y), host.At(Dy), host.At(Dx), host.At(Dgamma),
            host.At(Dbeta));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        BatchNorm.Backward<TV>(
            cpu, Shape, cpu.At(X), cpu.At(Mean), cpu.At(InverseStd), cpu.At(Gamma), Activation, cpu.At(Y), cpu.At(Dy), cpu.At(Dx), cpu.At(Dgamma),
            cpu.At(Dbeta));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) =>
        BatchNorm.Backward(
            gpu, Shape, gpu.At(X), gpu.At(Mean), gpu.At(InverseStd), gpu.At(Gamma), Activation, gpu.At(Y), gpu.At(Dy), gpu.At(Dx), gpu.At(Dgamma),
            gpu.At(Dbeta));

    /// <inheritdoc/>
    public override string ToString() => $"gradient of {Shape}{Titles.With(Activation)}";
}
