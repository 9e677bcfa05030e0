using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y[i] = 1/√(x[i] + ε), what normalisations multiply by. Overwrites y, which may be x.</summary>
public readonly record struct InverseSqrtOp(float Epsilon, View X, View Y) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(float epsilon, int length) => OpSpec.Of((ref v) => new InverseSqrtOp(epsilon, v.Next(), v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Number("epsilon"), s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Y.Length);
        list.Out("y", Y, Y.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => InverseSqrt.Reference(Epsilon, host.At(X), host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => cpu.Map<TV, InverseSqrt.Function>(new InverseSqrt.Function(Epsilon), X, Y);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ForEach.Run(gpu, new InverseSqrt.Body { Epsilon = Epsilon, X = gpu.At(X), Y = gpu.At(Y) }, Y.Length);

    /// <inheritdoc/>
    public void Backward(IGradients gradients) => gradients.Backend.Run(new InverseSqrtBackwardOp(Y, gradients.Dy, gradients.Of(0)));

    /// <inheritdoc/>
    public override string ToString() => $"inverse roots of {Y.Length} floats plus {Epsilon}";
}

/// <summary>dx[i] = −½·y[i]³·dy[i] of y = 1/√(x + ε). Overwrites dx, which may be dy.</summary>
public readonly record struct InverseSqrtBackwardOp(View Y, View Dy, View Dx) : IOp
{
    /// <summary>The operation with these sizes.</summary>
    public static OpSpec Spec(int length) => OpSpec.Of((ref v) => new InverseSqrtBackwardOp(v.Next(), v.Next(), v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("y", Y, Dx.Length);
        list.In("dy", Dy, Dx.Length);
        list.Out("dx", Dx, Dx.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => InverseSqrt.BackwardReference(host.At(Y), host.At(Dy), host.At(Dx));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => cpu.Map<TV, InverseSqrt.Gradient>(default, Y, Dy, Dx);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ForEach.Run(gpu, new InverseSqrt.GradientBody { Y = gpu.At(Y), Dy = gpu.At(Dy), Dx = gpu.At(Dx) }, Dx.Length);

    /// <inheritdoc/>
    public override string ToString() => $"gradient of {Dx.Length} inverse roots";
}
