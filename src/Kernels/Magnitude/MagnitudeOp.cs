using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>Absolute values of complex numbers: y[i] = √(x[2i]² + x[2i+1]²). Overwrites y.</summary>
public readonly unsafe record struct MagnitudeOp(View X, View Y) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(int length) =>
        OpSpec.Of((ref v) => new MagnitudeOp(v.Next(), v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, checked(2 * Y.Length));
        list.Out("y", Y, Y.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Magnitude.ForwardReference(host.At(X), host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => Magnitude.Forward<TV>(cpu, cpu.At(X), cpu.At(Y), Y.Length);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ForEach.Run(gpu, new Magnitude.Body { X = gpu.At(X), Y = gpu.At(Y) }, Y.Length);

    /// <inheritdoc/>
    public override string ToString() => $"magnitude of {Y.Length}";
}
