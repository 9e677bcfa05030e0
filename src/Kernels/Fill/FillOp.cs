using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y[i] = value. Overwrites y.</summary>
public readonly unsafe record struct FillOp(float Value, View Y) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(float value, int length) =>
        OpSpec.Of((ref v) => new FillOp(value, v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Number("value"), s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.Out("y", Y, Y.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => host.At(Y).Fill(Value);

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => cpu.SpanAt(Y).Fill(Value);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ForEach.Run(gpu, new Filling { Value = Value, Y = gpu.At(Y) }, Y.Length);

    /// <inheritdoc/>
    public override string ToString() => $"{Y.Length} floats of {Value}";
}
