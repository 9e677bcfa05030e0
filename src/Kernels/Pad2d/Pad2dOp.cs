using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>Padding and cropping; see <see cref="Pad2dShape"/>. Overwrites y. The gradient is the same operation with the sizes exchanged.</summary>
public readonly unsafe record struct Pad2dOp(Pad2dShape Shape, View X, View Y) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(Pad2dShape shape) =>
        OpSpec.Of((ref v) => new Pad2dOp(shape, v.Next(), v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(Pad2dShape.From(s));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.XLength);
        list.Out("y", Y, Shape.YLength);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Pad2d.Forward(Shape, host.At(X), host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => Pad2d.Forward(Shape, cpu.SpanAt(X), cpu.SpanAt(Y));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => Pad2d.Forward(gpu, Shape, gpu.At(X), gpu.At(Y));

    /// <inheritdoc/>
    public void Backward(IGradients gradients) => gradients.Backend.Run(new Pad2dOp(Shape.Reversed, gradients.Dy, gradients.Of(0)));

    /// <inheritdoc/>
    public override string ToString() => $"{Shape}";
}
