using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>sum[0] = Σ x[i]². Overwrites sum, one float.</summary>
public readonly unsafe record struct SumOfSquaresOp(View X, View Sum) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(int length) =>
        OpSpec.Of((ref v) => new SumOfSquaresOp(v.Next(), v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, X.Length);
        list.Out("sum", Sum, 1);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => host.At(Sum)[0] = SumOfSquares.Reference(host.At(X));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => *cpu.At(Sum) = SumOfSquares.Forward<TV>(cpu, cpu.At(X), X.Length);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => SumOfSquares.Forward(gpu, gpu.At(X), gpu.At(Sum));

    /// <inheritdoc/>
    public override string ToString() => $"sum of squares of {X.Length}";
}
