using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y[i] += scale·x[i]. ACCUMULATES into y.</summary>
public readonly unsafe record struct AddScaledOp(float Scale, View X, View Y) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(float scale, int length) =>
        OpSpec.Of((ref v) => new AddScaledOp(scale, v.Next(), v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Number("scale"), s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Y.Length);
        list.InOut("y", Y, Y.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => AddScaled.Reference(Scale, host.At(X), host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => cpu.Map<TV, AddScaledOperator>(new AddScaledOperator(Scale), X, Y, Y);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ForEach.Run(gpu, new AddScaled.Body { Scale = Scale, X = gpu.At(X), Y = gpu.At(Y) }, Y.Length);

    /// <inheritdoc/>
    public override string ToString() => $"{Y.Length} floats plus {Scale} times as many";
}

/// <summary>sum[i] = x[i] + scale·y[i]. Overwrites sum, which may be x or y.</summary>
public readonly unsafe record struct AddOp(View X, View Y, float Scale, View Sum) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(float scale, int length) => OpSpec.Of((ref v) => new AddOp(v.Next(), v.Next(), scale, v.Next()), length);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Number("scale", 1), s.Length);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Sum.Length);
        list.In("y", Y, Sum.Length);
        list.Out("sum", Sum, Sum.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host)
    {
        Span<float> x = host.At(X), y = host.At(Y), sum = host.At(Sum);
        for (int i = 0; i < sum.Length; i++) sum[i] = (float)(x[i] + (double)Scale * y[i]);
    }

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => cpu.Map<TV, AddScaledOperator>(new AddScaledOperator(Scale), Y, X, Sum);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) =>
        ForEach.Run(gpu, new AddScaled.Sum { Scale = Scale, X = gpu.At(Y), Y = gpu.At(X), Result = gpu.At(Sum) }, Sum.Length);

    /// <inheritdoc/>
    public void Backward(IGradients gradients)
    {
        if (gradients.Wants(0)) gradients.Backend.Copy(gradients.Dy, gradients.Of(0));
        if (!gradients.Wants(1)) return;
        View dy = gradients.Of(1);
        gradients.Backend.Run(new FillOp(0, dy));
        gradients.Backend.Run(new AddScaledOp(Scale, gradients.Dy, dy));
    }

    /// <inheritdoc/>
    public override string ToString() => $"sum of {Sum.Length} floats and {Scale} times as many";
}
