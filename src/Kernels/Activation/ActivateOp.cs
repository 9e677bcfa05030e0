using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y[i] = activation(x[i]). Overwrites y, which may be x.</summary>
public readonly unsafe record struct ActivateOp(Activation Activation, View X, View Y) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(Activation activation, int length) =>
        OpSpec.Of((ref v) => new ActivateOp(activation, v.Next(), v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Activation, s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Y.Length);
        list.Out("y", Y, Y.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host)
    {
        Span<float> x = host.At(X), y = host.At(Y);
        for (int i = 0; i < y.Length; i++) y[i] = (float)Activation.Reference(x[i]);
    }

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => Elementwise.Run<TV>(cpu, Activation, cpu.At(X), cpu.At(Y), Y.Length);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) =>
        ForEach.Run(gpu, new GpuActivation.Forward { Activation = Activation, X = gpu.At(X), Y = gpu.At(Y) }, Y.Length);

    /// <inheritdoc/>
    public void Backward(IGradients gradients) => gradients.PassActivation(Activation, Y, gradients.Of(0));

    /// <inheritdoc/>
    public override string ToString() => $"{Y.Length} floats{Titles.With(Activation)}";
}

/// <summary>
/// dx[i] = activation′ · dy[i], the derivative taken from the output y: ELU y + 1 below zero, leaky rectifier by the sign of y (its slope must not be
/// negative), sigmoid y·(1 − y). Overwrites dx, which may be dy or y.
/// </summary>
public readonly unsafe record struct ActivateBackwardOp(Activation Activation, View Y, View Dy, View Dx) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(Activation activation, int length) =>
        OpSpec.Of((ref v) => new ActivateBackwardOp(activation, v.Next(), v.Next(), v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Activation, s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("y", Y, Dx.Length);
        list.In("dy", Dy, Dx.Length);
        list.Out("dx", Dx, Dx.Length);
        list.RequireGradientOf(Activation);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host)
    {
        Span<float> y = host.At(Y), dy = host.At(Dy), dx = host.At(Dx);
        for (int i = 0; i < dx.Length; i++) dx[i] = (float)ActivationGradient.Reference(Activation, y[i], dy[i]);
    }

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => ActivationGradient.Run<TV>(cpu, Activation, cpu.At(Y), cpu.At(Dy), cpu.At(Dx), Dx.Length);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) =>
        ForEach.Run(gpu, new GpuActivation.Backward { Activation = Activation, Y = gpu.At(Y), Dy = gpu.At(Dy), Dx = gpu.At(Dx) }, Dx.Length);

    /// <inheritdoc/>
    public override string ToString() => $"gradient of {Dx.Length} floats{Titles.With(Activation)}";
}
