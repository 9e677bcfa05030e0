using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>y = activation(x ⋆ w + b), a cross-correlation; see <see cref="Conv2dShape"/>. Overwrites y. b may be left out.</summary>
/// <param name="Shape">The sizes.</param>
/// <param name="X">The input.</param>
/// <param name="W">The filters.</param>
/// <param name="B">A number for each output channel, or null.</param>
/// <param name="Activation">What is applied to the sums.</param>
/// <param name="Y">The result.</param>
/// <param name="Packed">
/// A place that belongs to the owner of w, where a backend may keep the packed filters. The owner empties it when w changes. It does not change the result.
/// </param>
public readonly unsafe record struct Conv2dOp(Conv2dShape Shape, View X, View W, View? B, Activation Activation, View Y, PackedFilter? Packed = null)
    : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(Conv2dShape shape, bool bias = false, Activation activation = default, bool packed = false) =>
        OpSpec.Of((ref v) => new Conv2dOp(shape, v.Next(), v.Next(), v.NextIf(bias), activation, v.Next(), v.PackedIf(packed)));

    internal static OpSpec Spec(OpSettings s) => Spec(Conv2dShape.From(s), s.Bias, s.Activation, s.Packed);

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
        Conv2d.ForwardReference(Shape, host.At(X), host.At(W), host.At(B), Activation, host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        Conv2d.Forward<TV>(
            cpu, Shape, cpu.At(X), cpu.At(W), cpu.At(B), Activation, cpu.At(Y),
            Conv2d.Keep<TV>(cpu, Shape, Conv2d.ChooseForm(Shape), cpu.At(W), Packed));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => Conv2d.Forward(gpu, Shape, gpu.At(X), gpu.At(W), gpu.AtOrNull(B), Activation, gpu.At(Y));

    /// <inheritdoc/>
    public void Backward(IGradients gradients)
    {
        bool wantsFilters = gradients.Wants(1) || gradients.Wants(2);
        if (!gradients.Wants(0) && wantsFilters && Activation != Activation.None && !gradients.HasRuleFor(Activation))
        {
            // Nobody else needs the gradient before the activation, so it need not be written.
            gradients.Backend.Run(
                new Conv2dBackwardFilterOp(Shape, X, gradients.Dy, gradients.Of(1), gradients.OfWanted(2), Activation, Y));
            return;
        }

        View dy = gradients.BeforeActivation(Activation, Y);
        if (gradients.Wants(0)) gradients.Backend.Run(new Conv2dBackwardDataOp(Shape, dy, W, gradients.Of(0)));
        if (!wantsFilters) return;
        gradients.Backend.Run(new Conv2dBackwardFilterOp(Shape, X, dy, gradients.Of(1), gradients.OfWanted(2)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Shape}{Titles.With(B, Activation)}";
}

/// <summary>
/// dx[n,c,h,v] = Σ dy[n,k,p,q] · w[k,c,r,s] over all k, p, q, r, s that lead there: the transposed convolution of dy with the same filters. Overwrites dx; an
/// input that no window reached gets 0.
/// </summary>
public readonly unsafe record struct Conv2dBackwardDataOp(Conv2dShape Shape, View Dy, View W, View Dx) : IOp
{
    /// <summary>The operation with these sizes.</summary>
    public static OpSpec Spec(Conv2dShape shape) => OpSpec.Of((ref v) => new Conv2dBackwardDataOp(shape, v.Next(), v.Next(), v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(Conv2dShape.From(s));

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
    public void Reference(ReferenceContext host) => Conv2d.BackwardDataReference(Shape, host.At(Dy), host.At(W), host.At(Dx));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV>
    {
        using HostBuffer turned = cpu.Memory.Rent(Shape.WLength);
        Conv2d.BackwardData<TV>(cpu, Shape, cpu.At(Dy), cpu.At(W), cpu.At(Dx), turned.Pointer);
    }

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => Conv2d.BackwardData(gpu, Shape, gpu.At(Dy), gpu.At(W), gpu.At(Dx));

    /// <inheritdoc/>
    public override string ToString() => $"dx of {Shape}";
}

/// <summary>
/// dw[k,c,r,s] = Σ_n,p,q dy[n,k,p,q] · x[n, c, p·StrideH + r·DilationH − PadH, q·StrideW + s·DilationW − PadW] and db[k] = Σ_n,p,q dy[n,k,p,q].
/// Overwrites both. db may be left out. With an activation, dy is the gradient behind it, and y is what the activation gave; in the formulas, activation′·dy
/// takes the place of dy.
/// </summary>
public readonly unsafe record struct Conv2dBackwardFilterOp(
    Conv2dShape Shape, View X, View Dy, View Dw, View? Db, Activation Activation = default, View? Y = null) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(Conv2dShape shape, bool bias, Activation activation = default) =>
        OpSpec.Of((ref v) => new Conv2dBackwardFilterOp(
            shape, v.Next(), v.Next(), v.Next(), v.NextIf(bias), activation, v.NextIf(activation != Activation.None)));

    internal static OpSpec Spec(OpSettings s) => Spec(Conv2dShape.From(s), s.Bias, s.Activation);

    /// <inheritdoc/>
    public long Flops => Shape.Flops;

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.XLength);
        list.In("dy", Dy, Shape.YLength);
        list.Out("dw", Dw, Shape.WLength);
        list.Out("db", Db, Shape.K);
        list.In("y", Y, Shape.YLength);
        list.RequireGradientOf(Activation);
        if (Y is null != (Activation == Activation.None)) list.Refuse("an activation needs its output, and only an activation does");
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host)
    {
        ReadOnlySpan<float> dy = host.At(Dy), y = host.At(Y);
        float[] before = new float[y.Length];
        for (int i = 0; i < before.Length; i++) before[i] = (float)ActivationGradient.Reference(Activation, y[i], dy[i]);
        Conv2d.BackwardFilterReference(Shape, host.At(X), Y is null ? dy : before, host.At(Dw), host.At(Db));
    }

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        Conv2d.BackwardFilter<TV>(cpu, Shape, cpu.At(X), cpu.At(Dy), cpu.At(Dw), cpu.At(Db), Activation, cpu.At(Y));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu)
    {
        if (Y is not { } y)
        {
            Conv2d.BackwardFilter(gpu, Shape, gpu.At(X), gpu.At(Dy), gpu.At(Dw), gpu.AtOrNull(Db));
            return;
        }

        using GpuBuffer before = gpu.Memory.Rent(Shape.YLength);
        ForEach.Run(
            gpu, new GpuActivation.Backward { Activation = Activation, Y = gpu.At(y), Dy = gpu.At(Dy), Dx = before.Floats }, Shape.YLength);
        Conv2d.BackwardFilter(gpu, Shape, gpu.At(X), before.Floats, gpu.At(Dw), gpu.AtOrNull(Db));
    }

    /// <inheritdoc/>
    public override string ToString() => $"dw{(Db is null ? "" : " and db")} of {Shape}{Titles.With(Activation)}";
}
