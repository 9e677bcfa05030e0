using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y[n, j, i] = x[n, i, j]; see <see cref="TransposeShape"/>. Overwrites y.</summary>
public readonly unsafe record struct TransposeOp(TransposeShape Shape, View X, View Y) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(TransposeShape shape) =>
        OpSpec.Of((ref v) => new TransposeOp(shape, v.Next(), v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(TransposeShape.From(s));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.Length);
        list.Out("y", Y, Shape.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Transpose.Reference(Shape, host.At(X), host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => Transpose.Forward(cpu, Shape, cpu.At(X), cpu.At(Y));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => Transpose.Run(gpu, Shape, gpu.At(X), gpu.At(Y));

    /// <inheritdoc/>
    public void Backward(IGradients gradients) => gradients.Backend.Run(new TransposeOp(Shape.Inverse, gradients.Dy, gradients.Of(0)));

    /// <inheritdoc/>
    public override string ToString() => $"{Shape}";
}
