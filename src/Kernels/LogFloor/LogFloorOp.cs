using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y[i] = ln(max(x[i], floor)) with floor &gt; 0. Overwrites y, which may be x.</summary>
public readonly unsafe record struct LogFloorOp(float Floor, View X, View Y) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(float floor, int length) =>
        OpSpec.Of((ref v) => new LogFloorOp(floor, v.Next(), v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Number("floor"), s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Y.Length);
        list.Out("y", Y, Y.Length);
        if (!(Floor > 0)) list.Refuse($"the floor of a logarithm is above 0, not {Floor}");
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host)
    {
        Span<float> x = host.At(X), y = host.At(Y);
        for (int i = 0; i < y.Length; i++) y[i] = (float)LogFloor.Reference(x[i], Floor);
    }

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => cpu.Map<TV, LogFloorOperator>(new LogFloorOperator(Floor), X, Y);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ForEach.Run(gpu, new LogFloor.Body { Floor = Floor, X = gpu.At(X), Y = gpu.At(Y) }, Y.Length);

    /// <inheritdoc/>
    public override string ToString() => $"logarithm of {Y.Length}, floor {Floor}";
}
