using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y = activation(x ⋆ᵀ w + b), a transposed convolution; see <see cref="ConvTranspose2dShape"/>. Overwrites y. b may be left out.</summary>
/// <param name="Shape">The sizes.</param>
/// <param name="X">The input.</param>
/// <param name="W">The filters.</param>
/// <param name="B">A number for each output channel, or null.</param>
/// <param name="Activation">What is applied to the sums.</param>
/// <param name="Y">The result.</param>
public readonly unsafe record struct ConvTranspose2dOp(ConvTranspose2dShape Shape, View X, View W, View? B, Activation Activation, View Y)
    : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(ConvTranspose2dShape shape, bool bias = false, Activation activation = default) =>
        OpSpec.Of((ref v) => new ConvTranspose2dOp(shape, v.Next(), v.Next(), v.NextIf(bias), activation, v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(ConvTranspose2dShape.From(s), s.Bias, s.Activation);

    /// <inheritdoc/>
    public long Flops => Shape.Flops;

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.XLength);
        list.In("w", W, Shape.WLength);
        list.In("b", B, Shape.K);
        list.Out("y", Y, Shape.YLength);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) =>
        ConvTranspose2d.ForwardReference(Shape, host.At(X), host.At(W), host.At(B), Activation, host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        ConvTranspose2d.Forward<TV>(cpu, Shape, cpu.At(X), cpu.At(W), cpu.At(B), Activation, cpu.At(Y));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ConvTranspose2d.Forward(gpu, Shape, gpu.At(X), gpu.At(W), gpu.AtOrNull(B), Activation, gpu.At(Y));

    /// <inheritdoc/>
    public void Backward(IGradients gradients)
    {
        View dy = gradients.BeforeActivation(Activation, Y);
        if (gradients.Wants(0)) gradients.Backend.Run(new ConvTranspose2dBackwardDataOp(Shape, dy, W, gradients.Of(0)));
        if (!gradients.Wants(1) && !gradients.Wants(2)) return;
        gradients.Backend.Run(new ConvTranspose2dBackwardFilterOp(Shape, X, dy, gradients.Of(1), gradients.OfWanted(2)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Shape}{Titles.With(B, Activation)}";
}

/// <summary>
/// dx[n,c,h,v] = Σ_k,r,s dy[n, k, h·StrideH + r·DilationH − PadH, v·StrideW + s·DilationW − PadW] · w[c,k,r,s]: a convolution of dy with the same filters.
/// Overwrites dx.
/// </summary>
public readonly unsafe record struct ConvTranspose2dBackwardDataOp(ConvTranspose2dShape Shape, View Dy, View W, View Dx) : IOp
{
    /// <summary>The operation with these sizes.</summary>
    public static OpSpec Spec(ConvTranspose2dShape shape) => OpSpec.Of((ref v) => new ConvTranspose2dBackwardDataOp(shape, v.Next(), v.Next(), v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(ConvTranspose2dShape.From(s));

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
    public void Reference(ReferenceContext host) => ConvTranspose2d.BackwardDataReference(Shape, host.At(Dy), host.At(W), host.At(Dx));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => ConvTranspose2d.BackwardData<TV>(cpu, Shape, cpu.At(Dy), cpu.At(W), cpu.At(Dx));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ConvTranspose2d.BackwardData(gpu, Shape, gpu.At(Dy), gpu.At(W), gpu.At(Dx));

    /// <inheritdoc/>
    public override string ToString() => $"dx of {Shape}";
}

/// <summary>
/// dw[c,k,r,s] = Σ_n,h,v x[n,c,h,v] · dy[n, k, h·StrideH + r·DilationH − PadH, v·StrideW + s·DilationW − PadW] and db[k] = Σ_n,p,q dy[n,k,p,q].
/// Overwrites both. db may be left out.
/// </summary>
public readonly unsafe record struct ConvTranspose2dBackwardFilterOp(ConvTranspose2dShape Shape, View X, View Dy, View Dw, View? Db) : IOp
{
    /// <summary>The operation with these sizes.</summary>
    public static OpSpec Spec(ConvTranspose2dShape shape, bool bias) =>
        OpSpec.Of((ref v) => new ConvTranspose2dBackwardFilterOp(shape, v.Next(), v.Next(), v.Next(), v.NextIf(bias)));

    internal static OpSpec Spec(OpSettings s) => Spec(ConvTranspose2dShape.From(s), s.Bias);

    /// <inheritdoc/>
    public long Flops => Shape.Flops;

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.XLength);
        list.In("dy", Dy, Shape.YLength);
        list.Out("dw", Dw, Shape.WLength);
        list.Out("db", Db, Shape.K);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => ConvTranspose2d.BackwardFilterReference(Shape, host.At(X), host.At(Dy), host.At(Dw), host.At(Db));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => ConvTranspose2d.BackwardFilter<TV>(cpu, Shape, cpu.At(X), cpu.At(Dy), cpu.At(Dw), cpu.At(Db));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ConvTranspose2d.BackwardFilter(gpu, Shape, gpu.At(X), gpu.At(Dy), gpu.At(Dw), gpu.AtOrNull(Db));

    /// <inheritdoc/>
    public override string ToString() => $"dw{(Db is null ? "" : " and db")} of {Shape}";
}
