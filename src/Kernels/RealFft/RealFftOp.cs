using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>Windowed Fourier transforms of overlapping frames; see <see cref="RealFftShape"/>. Overwrites y.</summary>
public readonly unsafe record struct RealFftOp(RealFftShape Shape, View X, View Window, View Y) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(RealFftShape shape) =>
        OpSpec.Of((ref v) => new RealFftOp(shape, v.Next(), v.Next(), v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(RealFftShape.From(s));

    /// <inheritdoc/>
    public long Flops => Shape.Flops;

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.XLength);
        list.In("window", Window, Shape.Size);
        list.Out("y", Y, Shape.YLength);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => RealFft.ForwardReference(Shape, host.At(X), host.At(Window), host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => RealFft.Forward<TV>(cpu, Shape, cpu.At(X), cpu.At(Window), cpu.At(Y));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => RealFft.Forward(gpu, Shape, gpu.At(X), gpu.At(Window), gpu.At(Y));

    /// <inheritdoc/>
    public override string ToString() => $"{Shape}";
}
