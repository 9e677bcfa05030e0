using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// y[i] = x[i]/(1 − probability) if a hash of seed and i keeps the element, otherwise 0. An element is kept with probability 1 − probability, and the same
/// elements are kept on every backend. The gradient is the same operation on dy. Overwrites y, which may be x.
/// </summary>
public readonly unsafe record struct DropoutOp(float Probability, ulong Seed, View X, View Y) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(float probability, ulong seed, int length) =>
        OpSpec.Of((ref v) => new DropoutOp(probability, seed, v.Next(), v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Number("probability"), s.Seed("seed"), s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Y.Length);
        list.Out("y", Y, Y.Length);
        if (Probability is not (>= 0 and < 1)) list.Refuse($"a dropout probability lies in [0, 1), not {Probability}");
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Dropout.Reference(Probability, Seed, host.At(X), host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => Dropout.Run(cpu, Probability, Seed, cpu.At(X), cpu.At(Y), Y.Length);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => Dropout.Run(gpu, Probability, Seed, gpu.At(X), gpu.At(Y));

    /// <inheritdoc/>
    public void Backward(IGradients gradients) => gradients.Backend.Run(new DropoutOp(Probability, Seed, gradients.Dy, gradients.Of(0)));

    /// <inheritdoc/>
    public override string ToString() => $"dropout {Probability} of {Y.Length}, seed {Seed}";
}
