using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// <see cref="Conv2dOp"/>, then <see cref="ConvMaxPool2dOp"/>, for inference: what lies between the two need not be stored. Overwrites y. Both biases may be
/// left out. There is no gradient.
/// </summary>
/// <param name="Shape">The sizes.</param>
/// <param name="X">The input of the first convolution.</param>
/// <param name="FirstW">The filters of the first convolution.</param>
/// <param name="FirstB">A number for each of its output channels, or null.</param>
/// <param name="FirstActivation">What is applied to its sums.</param>
/// <param name="W">The filters of the second convolution.</param>
/// <param name="B">A number for each of its output channels, or null.</param>
/// <param name="Activation">What is applied last; it must never fall.</param>
/// <param name="Y">The result.</param>
/// <param name="Packed">As in <see cref="Conv2dOp"/>, for the second convolution.</param>
public readonly unsafe record struct ConvConvMaxPool2dOp(
    ConvConvMaxPool2dShape Shape, View X, View FirstW, View? FirstB, Activation FirstActivation, View W, View? B, Activation Activation, View Y,
    PackedFilter? Packed = null) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(
        ConvConvMaxPool2dShape shape, bool firstBias = false, Activation firstActivation = default, bool bias = false, Activation activation = default,
        bool packed = false) =>
        OpSpec.Of((ref v) => new ConvConvMaxPool2dOp(
            shape, v.Next(), v.Next(), v.NextIf(firstBias), firstActivation, v.Next(), v.NextIf(bias), activation, v.Next(), v.PackedIf(packed)));

    internal static OpSpec Spec(OpSettings s)
    {
        OpSettings first = s.Of("first");
        return Spec(ConvConvMaxPool2dShape.From(s), first.Bias, first.Activation, s.Bias, s.Activation, s.Packed);
    }

    /// <inheritdoc/>
    public long Flops => Shape.Flops;

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Shape.First.XLength);
        list.In("first w", FirstW, Shape.First.WLength);
        list.In("first b", FirstB, Shape.First.K);
        list.In("w", W, Shape.Pooled.WLength);
        list.In("b", B, Shape.Pooled.Conv.K);
        list.Out("y", Y, Shape.Pooled.YLength);
        ConvMaxPool2dOp.RequireNeverFalls(ref list, Activation);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => ConvConvMaxPool2d.ForwardReference(
        Shape, host.At(X), host.At(FirstW), host.At(FirstB), FirstActivation, host.At(W), host.At(B), Activation, host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        ConvConvMaxPool2d.Forward<TV>(
            cpu, Shape, cpu.At(X), cpu.At(FirstW), cpu.At(FirstB), FirstActivation, cpu.At(W), cpu.At(B), Activation, cpu.At(Y), Packed);

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => ConvConvMaxPool2d.Forward(
        gpu, Shape, gpu.At(X), gpu.At(FirstW), gpu.AtOrNull(FirstB), FirstActivation, gpu.At(W), gpu.AtOrNull(B), Activation, gpu.At(Y));

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Shape.First}{Titles.With(FirstB, FirstActivation)}, then {Shape.Pooled}{Titles.With(B, Activation)}";
}
