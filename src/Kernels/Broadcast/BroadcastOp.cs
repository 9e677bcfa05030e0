using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// y = a + scale·b, each repeated along its axes of size 1; see <see cref="BroadcastShape"/>. Overwrites y, which may be an input that is not repeated.
/// </summary>
public readonly unsafe record struct BroadcastAddOp(BroadcastShape Shape, View A, View B, float Scale, View Y) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(BroadcastShape shape, float scale = 1) =>
        OpSpec.Of((ref v) => new BroadcastAddOp(shape, v.Next(), v.Next(), scale, v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(BroadcastShape.From(s), s.Number("scale", 1));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("a", A, Shape.A.Length);
        list.In("b", B, Shape.B.Length);
        list.Out("y", Y, Shape.Whole.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Broadcast.AddReference(Shape, host.At(A), host.At(B), Scale, host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        Broadcast.Run<TV, AddScaledOperator>(cpu, Shape.Swapped, new AddScaledOperator(Scale), cpu.At(B), cpu.At(A), cpu.At(Y));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) =>
        ForEach.Run(gpu, new Broadcast.Sum { Places = new BroadcastPlaces(Shape), A = gpu.At(A), B = gpu.At(B), Scale = Scale, Y = gpu.At(Y) }, Y.Length);

    /// <inheritdoc/>
    public void Backward(IGradients gradients)
    {
        if (gradients.Wants(0)) gradients.Backend.Run(new SumOverOp(Shape.A, Shape.Whole, gradients.Dy, null, default, 1, gradients.Of(0)));
        if (gradients.Wants(1)) gradients.Backend.Run(new SumOverOp(Shape.B, Shape.Whole, gradients.Dy, null, default, Scale, gradients.Of(1)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Shape.A} plus {Scale} times {Shape.B}";
}

/// <summary>
/// y = scale·a·b, each repeated along its axes of size 1; see <see cref="BroadcastShape"/>. Overwrites y, which may be an input that is not repeated.
/// </summary>
public readonly unsafe record struct BroadcastMultiplyOp(BroadcastShape Shape, View A, View B, float Scale, View Y) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(BroadcastShape shape, float scale = 1) =>
        OpSpec.Of((ref v) => new BroadcastMultiplyOp(shape, v.Next(), v.Next(), scale, v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(BroadcastShape.From(s), s.Number("scale", 1));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("a", A, Shape.A.Length);
        list.In("b", B, Shape.B.Length);
        list.Out("y", Y, Shape.Whole.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => Broadcast.MultiplyReference(Shape, host.At(A), host.At(B), Scale, host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        Broadcast.Run<TV, Broadcast.ScaledProduct>(cpu, Shape, new Broadcast.ScaledProduct(Scale), cpu.At(A), cpu.At(B), cpu.At(Y));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) =>
        ForEach.Run(gpu, new Broadcast.Product { Places = new BroadcastPlaces(Shape), A = gpu.At(A), B = gpu.At(B), Scale = Scale, Y = gpu.At(Y) }, Y.Length);

    /// <inheritdoc/>
    public void Backward(IGradients gradients)
    {
        if (gradients.Wants(0)) gradients.Backend.Run(new SumOverOp(Shape.A, Shape.Whole, gradients.Dy, B, Shape.B, Scale, gradients.Of(0)));
        if (gradients.Wants(1)) gradients.Backend.Run(new SumOverOp(Shape.B, Shape.Whole, gradients.Dy, A, Shape.A, Scale, gradients.Of(1)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Scale} times {Shape.A} times {Shape.B}";
}
