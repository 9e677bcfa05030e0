using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// y = activation(maxpool(x ⋆ w) + b) and, if wanted, the place of each maximum in its window; see <see cref="ConvMaxPool2dShape"/>. Overwrites both. b and
/// argmax may be left out; the gradient needs argmax.
/// </summary>
/// <param name="Shape">The sizes.</param>
/// <param name="X">The input.</param>
/// <param name="W">The filters.</param>
/// <param name="B">A number for each output channel, or null.</param>
/// <param name="Activation">What is applied last; it must never fall.</param>
/// <param name="Y">The result.</param>
/// <param name="Argmax">Row · window columns + column of each maximum, which lie as y does, or null.</param>
/// <param name="Packed">As in <see cref="Conv2dOp"/>.</param>
public readonly unsafe record struct ConvMaxPool2dOp(
    ConvMaxPool2dShape Shape, View X, View W, View? B, Activation Activation, View Y, View? Argmax, PackedFilter? Packed = null) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(ConvMaxPool2dShape shape, bool bias = false, Activation activation = default, bool argmax = false, bool packed = false) =>
        OpSpec.Of((ref v) => new ConvMaxPool2dOp(shape, v.Next(), v.Next(), v.NextIf(bias), activation, v.Next(), v.NextIf(argmax), v.PackedIf(packed)));

    internal static OpSpec Spec(OpSettings s) => Spec(ConvMaxPool2dShape.From(s), s.Bias, s.Activation, s.Flag("argmax"), s.Packed);

    /// <inheritdoc/>
    public long Flops => Shape.Flops;

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.XLength);
        list.In("w", W, Shape.WLength);
        list.In("b", B, Shape.Conv.K);
        list.Out("y", Y, Shape.YLength);
        list.Out("argmax", Argmax, Shape.YLength);
        RequireNeverFalls(ref list, Activation);
    }

    // Then the activated maximum is the maximum of the activated sums.
    internal static void RequireNeverFalls(ref OperandList list, Activation activation)
    {
        if (!activation.NeverFalls) list.Refuse($"max-pooling needs an activation that never falls, but this one does: {activation}");
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) =>
        ConvMaxPool2d.ForwardReference(Shape, host.At(X), host.At(W), host.At(B), Activation, host.At(Y), host.At(Argmax));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV>
    {
        using HostBuffer sums = cpu.Memory.Rent(ConvMaxPool2d.SumsLength(Shape, Argmax is not null));
        ConvMaxPool2d.Forward<TV>(
            cpu, Shape, cpu.At(X), cpu.At(W), cpu.At(B), Activation, cpu.At(Y), cpu.At(Argmax), sums.Pointer,
            Conv2d.Keep<TV>(cpu, Shape.Conv, ConvMaxPool2d.ConvolutionForm(Shape, Argmax is not null), cpu.At(W), Packed));
    }

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) =>
        ConvMaxPool2d.Forward(gpu, Shape, gpu.At(X), gpu.At(W), gpu.AtOrNull(B), Activation, gpu.At(Y), gpu.AtOrNull(Argmax));

    /// <inheritdoc/>
    public void Backward(IGradients gradients)
    {
        View argmax = Argmax ?? throw new InvalidOperationException($"the gradient needs argmax: {this}");
        View dy = gradients.BeforeActivation(Activation, Y);
        if (gradients.Wants(0)) gradients.Backend.Run(new ConvMaxPool2dBackwardDataOp(Shape, argmax, dy, W, gradients.Of(0)));
        if (!gradients.Wants(1) && !gradients.Wants(2)) return;
        gradients.Backend.Run(new ConvMaxPool2dBackwardFilterOp(Shape, X, argmax, dy, gradients.Of(1), gradients.OfWanted(2)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Shape}{Titles.With(B, Activation)}{(Argmax is null ? "" : ", argmax")}";
}

/// <summary>
/// The gradient of <see cref="ConvMaxPool2dOp"/> with respect to x: it is <see cref="Conv2dBackwardDataOp"/> for sums whose gradient is dy at the places that
/// argmax names, and 0 elsewhere. dy is the gradient before the activation. Overwrites dx; an input that no window reached gets 0.
/// </summary>
public readonly unsafe record struct ConvMaxPool2dBackwardDataOp(ConvMaxPool2dShape Shape, View Argmax, View Dy, View W, View Dx) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(ConvMaxPool2dShape shape) =>
        OpSpec.Of((ref v) => new ConvMaxPool2dBackwardDataOp(shape, v.Next(), v.Next(), v.Next(), v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(ConvMaxPool2dShape.From(s));

    /// <inheritdoc/>
    public long Flops => Shape.Flops;

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("argmax", Argmax, Shape.YLength);
        list.In("dy", Dy, Shape.YLength);
        list.In("w", W, Shape.WLength);
        list.Out("dx", Dx, Shape.XLength);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) =>
        ConvMaxPool2d.BackwardDataReference(Shape, host.At(Argmax), host.At(Dy), host.At(W), host.At(Dx));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        ConvMaxPool2d.BackwardData<TV>(cpu, Shape, cpu.At(Argmax), cpu.At(Dy), cpu.At(W), cpu.At(Dx));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ConvMaxPool2d.BackwardData(gpu, Shape, gpu.At(Argmax), gpu.At(Dy), gpu.At(W), gpu.At(Dx));

    /// <inheritdoc/>
    public override string ToString() => $"dx of {Shape}";
}

/// <summary>
/// The gradients of <see cref="ConvMaxPool2dOp"/> with respect to the filters and the bias: they are <see cref="Conv2dBackwardFilterOp"/> for sums whose
/// gradient is dy at the places that argmax names, and 0 elsewhere. dy is the gradient before the activation. Overwrites both. db may be left out.
/// </summary>
public readonly unsafe record struct ConvMaxPool2dBackwardFilterOp(ConvMaxPool2dShape Shape, View X, View Argmax, View Dy, View Dw, View? Db) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(ConvMaxPool2dShape shape, bool bias) =>
        OpSpec.Of((ref v) => new ConvMaxPool2dBackwardFilterOp(shape, v.Next(), v.Next(), v.Next(), v.Next(), v.NextIf(bias)));

    internal static OpSpec Spec(OpSettings s) => Spec(ConvMaxPool2dShape.From(s), s.Bias);

    /// <inheritdoc/>
    public long Flops => Shape.Flops;

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.XLength);
        list.In("argmax", Argmax, Shape.YLength);
        list.In("dy", Dy, Shape.YLength);
        list.Out("dw", Dw, Shape.WLength);
        list.Out("db", Db, Shape.Conv.K);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) =>
        ConvMaxPool2d.BackwardFilterReference(Shape, host.At(X), host.At(Argmax), host.At(Dy), host.At(Dw), host.At(Db));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        ConvMaxPool2d.BackwardFilter<TV>(cpu, Shape, cpu.At(X), cpu.At(Argmax), cpu.At(Dy), cpu.At(Dw), cpu.At(Db));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) =>
        ConvMaxPool2d.BackwardFilter(gpu, Shape, gpu.At(X), gpu.At(Argmax), gpu.At(Dy), gpu.At(Dw), gpu.AtOrNull(Db));

    /// <inheritdoc/>
    public override string ToString() => $"dw{(Db is null ? "" : " and db")} of {Shape}";
}
