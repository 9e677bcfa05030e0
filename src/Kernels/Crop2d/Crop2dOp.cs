using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>The upper left corner; see <see cref="Crop2dShape"/>. Overwrites y.</summary>
public readonly unsafe record struct Crop2dOp(Crop2dShape Shape, View X, View Y) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(Crop2dShape shape) =>
        OpSpec.Of((ref v) => new Crop2dOp(shape, v.Next(), v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(Crop2dShape.From(s));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.XLength);
        list.Out("y", Y, Shape.YLength);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Crop2d.Forward(Shape, host.At(X), host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => Crop2d.Forward(Shape, cpu.SpanAt(X), cpu.SpanAt(Y));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => Crop2d.Forward(gpu, Shape, gpu.At(X), gpu.At(Y));

    /// <inheritdoc/>
    public void Backward(IGradients gradients) => gradients.Backend.Run(new Crop2dBackwardOp(Shape, gradients.Dy, gradients.Of(0)));

    /// <inheritdoc/>
    public override string ToString() => $"{Shape}";
}

/// <summary>dx = dy in the upper left corner, 0 elsewhere. Overwrites dx.</summary>
public readonly unsafe record struct Crop2dBackwardOp(Crop2dShape Shape, View Dy, View Dx) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(Crop2dShape shape) =>
        OpSpec.Of((ref v) => new Crop2dBackwardOp(shape, v.Next(), v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(Crop2dShape.From(s));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("dy", Dy, Shape.YLength);
        list.Out("dx", Dx, Shape.XLength);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Crop2d.Backward(Shape, host.At(Dy), host.At(Dx));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => Crop2d.Backward(Shape, cpu.SpanAt(Dy), cpu.SpanAt(Dx));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => Crop2d.Backward(gpu, Shape, gpu.At(Dy), gpu.At(Dx));

    /// <inheritdoc/>
    public override string ToString() => $"gradient of {Shape}";
}
