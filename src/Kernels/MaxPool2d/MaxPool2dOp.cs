using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>Max-pooling; see <see cref="MaxPool2dShape"/>. Overwrites y.</summary>
public readonly unsafe record struct MaxPool2dOp(MaxPool2dShape Shape, View X, View Y) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(MaxPool2dShape shape) =>
        OpSpec.Of((ref v) => new MaxPool2dOp(shape, v.Next(), v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(MaxPool2dShape.From(s));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.XLength);
        list.Out("y", Y, Shape.YLength);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => MaxPool2d.ForwardReference(Shape, host.At(X), host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => MaxPool2d.Forward<TV>(cpu, Shape, cpu.At(X), cpu.At(Y));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => MaxPool2d.Forward(gpu, Shape, gpu.At(X), gpu.At(Y));

    /// <inheritdoc/>
    public void Backward(IGradients gradients) => gradients.Backend.Run(new MaxPool2dBackwardOp(Shape, X, Y, gradients.Dy, gradients.Of(0)));

    /// <inheritdoc/>
    public override string ToString() => $"{Shape}";
}

/// <summary>
/// dx is the sum of dy over the windows whose first maximum, in row-major order, is this input; 0 if there is none. y is the forward's result for x. Overwrites
/// dx.
/// </summary>
public readonly unsafe record struct MaxPool2dBackwardOp(MaxPool2dShape Shape, View X, View Y, View Dy, View Dx) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(MaxPool2dShape shape) =>
        OpSpec.Of((ref v) => new MaxPool2dBackwardOp(shape, v.Next(), v.Next(), v.Next(), v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(MaxPool2dShape.From(s));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.XLength);
        list.In("y", Y, Shape.YLength);
        list.In("dy", Dy, Shape.YLength);
        list.Out("dx", Dx, Shape.XLength);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => MaxPool2d.BackwardReference(Shape, host.At(X), host.At(Y), host.At(Dy), host.At(Dx));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => MaxPool2d.Backward(cpu, Shape, cpu.At(X), cpu.At(Y), cpu.At(Dy), cpu.At(Dx));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => MaxPool2d.Backward(gpu, Shape, gpu.At(X), gpu.At(Dy), gpu.At(Dx));

    /// <inheritdoc/>
    public override string ToString() => $"gradient of {Shape}";
}
