using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y[i] = a[i]·b[i]. Overwrites y, which may be a or b.</summary>
public readonly unsafe record struct MultiplyOp(View A, View B, View Y) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(int length) =>
        OpSpec.Of((ref v) => new MultiplyOp(v.Next(), v.Next(), v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("a", A, Y.Length);
        list.In("b", B, Y.Length);
        list.Out("y", Y, Y.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Multiply.Reference(host.At(A), host.At(B), host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => cpu.Map<TV, MultiplyOperator>(default, A, B, Y);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ForEach.Run(gpu, new Multiply.Body { A = gpu.At(A), B = gpu.At(B), Y = gpu.At(Y) }, Y.Length);

    /// <inheritdoc/>
    public void Backward(IGradients gradients)
    {
        if (gradients.Wants(0)) gradients.Backend.Run(new MultiplyOp(gradients.Dy, B, gradients.Of(0)));
        if (gradients.Wants(1)) gradients.Backend.Run(new MultiplyOp(gradients.Dy, A, gradients.Of(1)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Y.Length} products";
}
