using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// One step of Nesterov's momentum: v ← momentum·v − learningRate·g, w ← w + momentum·v − learningRate·g. Updates w and the velocity v, which are both as long
/// as g; velocities below 1e-30 become 0.
/// </summary>
public readonly unsafe record struct NesterovOp(float LearningRate, float Momentum, View G, View W, View Velocity) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(float learningRate, float momentum, int length) =>
        OpSpec.Of((ref v) => new NesterovOp(learningRate, momentum, v.Next(), v.Next(), v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Number("learningRate"), s.Number("momentum"), s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("g", G, W.Length);
        list.InOut("w", W, W.Length);
        list.InOut("velocity", Velocity, W.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Nesterov.Reference(LearningRate, Momentum, host.At(W), host.At(G), host.At(Velocity));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        Nesterov.Run<TV>(cpu, LearningRate, Momentum, cpu.At(W), cpu.At(G), cpu.At(Velocity), W.Length);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => Nesterov.Run(gpu, LearningRate, Momentum, gpu.At(W), gpu.At(G), gpu.At(Velocity));

    /// <inheritdoc/>
    public override string ToString() => $"momentum {Momentum}, rate {LearningRate}, {W.Length} floats";
}
