using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y = activation(x · w + b), a matrix product; see <see cref="DenseShape"/>. Overwrites y. b may be left out.</summary>
/// <param name="Shape">The sizes.</param>
/// <param name="X">The input.</param>
/// <param name="W">The weights.</param>
/// <param name="B">A number for each output, or null.</param>
/// <param name="Activation">What is applied to the sums.</param>
/// <param name="Y">The result.</param>
/// <param name="Sparse">Whether most of w is zero, as in a filterbank. This changes the speed, never the result.</param>
public readonly unsafe record struct DenseOp(DenseShape Shape, View X, View W, View? B, Activation Activation, View Y, bool Sparse = false)
    : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(DenseShape shape, bool bias = false, Activation activation = default, bool sparse = false) =>
        OpSpec.Of((ref v) => new DenseOp(shape, v.Next(), v.Next(), v.NextIf(bias), activation, v.Next(), sparse));

    internal static OpSpec Spec(OpSettings s) => Spec(DenseShape.From(s), s.Bias, s.Activation, s.Flag("sparse"));

    /// <inheritdoc/>
    public long Flops => Shape.Flops;

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.XLength);
        list.In(Sparse ? "sparse w" : "w", W, Shape.WLength);
        list.In("b", B, Shape.Out);
        list.Out("y", Y, Shape.YLength);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) =>
        Dense.ForwardReference(Shape, host.At(X), host.At(W), host.At(B), Activation, host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        Dense.Forward<TV>(cpu, Shape, cpu.At(X), cpu.At(W), cpu.At(B), Activation, cpu.At(Y), Sparse);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => Dense.Forward(gpu, Shape, gpu.At(X), gpu.At(W), gpu.AtOrNull(B), Activation, gpu.At(Y));

    /// <inheritdoc/>
    public void Backward(IGradients gradients)
    {
        View dy = gradients.BeforeActivation(Activation, Y);
        if (gradients.Wants(0)) gradients.Backend.Run(new DenseBackwardDataOp(Shape, dy, W, gradients.Of(0)));
        if (!gradients.Wants(1) && !gradients.Wants(2)) return;
        gradients.Backend.Run(new DenseBackwardFilterOp(Shape, X, dy, gradients.Of(1), gradients.OfWanted(2)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Shape}{Titles.With(B, Activation)}{(Sparse ? ", sparse" : "")}";
}

/// <summary>dx = dy·wᵀ. Overwrites dx.</summary>
public readonly unsafe record struct DenseBackwardDataOp(DenseShape Shape, View Dy, View W, View Dx) : IOp
{
    /// <summary>The operation with these sizes.</summary>
    public static OpSpec Spec(DenseShape shape) => OpSpec.Of((ref v) => new DenseBackwardDataOp(shape, v.Next(), v.Next(), v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(DenseShape.From(s));

    /// <inheritdoc/>
    public long Flops => Shape.Flops;

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("dy", Dy, Shape.YLength);
        list.In("w", W, Shape.WLength);
        list.Out("dx", Dx, Shape.XLength);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Dense.BackwardDataReference(Shape, host.At(Dy), host.At(W), host.At(Dx));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => Dense.BackwardData<TV>(cpu, Shape, cpu.At(Dy), cpu.At(W), cpu.At(Dx));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => Dense.BackwardData(gpu, Shape, gpu.At(Dy), gpu.At(W), gpu.At(Dx));

    /// <inheritdoc/>
    public override string ToString() => $"dx of {Shape}";
}

/// <summary>dw = xᵀ·dy and db[o] = Σ_n dy[n, o]. Overwrites both. db may be left out.</summary>
public readonly unsafe record struct DenseBackwardFilterOp(DenseShape Shape, View X, View Dy, View Dw, View? Db) : IOp
{
    /// <summary>The operation with these sizes.</summary>
    public static OpSpec Spec(DenseShape shape, bool bias) =>
        OpSpec.Of((ref v) => new DenseBackwardFilterOp(shape, v.Next(), v.Next(), v.Next(), v.NextIf(bias)));

    internal static OpSpec Spec(OpSettings s) => Spec(DenseShape.From(s), s.Bias);

    /// <inheritdoc/>
    public long Flops => Shape.Flops;

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.XLength);
        list.In("dy", Dy, Shape.YLength);
        list.Out("dw", Dw, Shape.WLength);
        list.Out("db", Db, Shape.Out);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Dense.BackwardFilterReference(Shape, host.At(X), host.At(Dy), host.At(Dw), host.At(Db));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => Dense.BackwardFilter<TV>(cpu, Shape, cpu.At(X), cpu.At(Dy), cpu.At(Dw), cpu.At(Db));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => Dense.BackwardFilter(gpu, Shape, gpu.At(X), gpu.At(Dy), gpu.At(Dw), gpu.AtOrNull(Db));

    /// <inheritdoc/>
    public override string ToString() => $"dw{(Db is null ? "" : " and db")} of {Shape}";
}
