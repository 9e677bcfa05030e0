using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// y = scale · Σ x·factor over the axes of x along which y has size 1; the factor, 1 where it is left out, is repeated along its own axes of size 1. It is the
/// gradient of everything that repeats an array. Overwrites y.
/// </summary>
public readonly unsafe record struct SumOverOp(Axes YAxes, Axes XAxes, View X, View? Factor, Axes FactorAxes, float Scale, View Y) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings; without sizes of a factor it has none.</summary>
    public static OpSpec Spec(Axes y, Axes x, Axes? factor = null, float scale = 1) =>
        OpSpec.Of((ref v) => new SumOverOp(y, x, v.Next(), v.NextIf(factor is not null), factor ?? default, scale, v.Next()));

    internal static OpSpec Spec(OpSettings s) =>
        Spec(Axes.From(s, "y"), Axes.From(s, "x"), s.Flag("factor") ? Axes.From(s, "f") : null, s.Number("scale", 1));

    /// <summary>The array of ones' or the factor's sizes.</summary>
    internal Axes Repeated => Factor is null ? YAxes : FactorAxes;

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, XAxes.Length);
        list.In("factor", Factor, FactorAxes.Length);
        list.Out("y", Y, YAxes.Length);
        if (!IsPart(YAxes) || !IsPart(Repeated)) list.Refuse("along each axis, the result and the factor must have x's size or 1");
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) => SumOver.Reference(this, host.At(X), host.At(Factor), host.At(Y));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> => SumOver.Run<TV>(cpu, this, cpu.At(X), cpu.At(Factor), cpu.At(Y));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => SumOver.Run(gpu, this, gpu.At(X), gpu.AtOrNull(Factor), gpu.At(Y));

    /// <inheritdoc/>
    /// <remarks>x's alone; sums with a factor are gradients themselves.</remarks>
    public void Backward(IGradients gradients)
    {
        if (Factor is not null) throw new NotSupportedException("a sum with a factor has no gradient");
        if (gradients.Wants(0)) gradients.Backend.Run(new RepeatOp(YAxes, XAxes, gradients.Dy, Scale, gradients.Of(0)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Scale} times the sum of {XAxes} over to {YAxes}{(Factor is null ? "" : $", times {FactorAxes}")}";

    private bool IsPart(Axes part) =>
        (part.D0 == 1 || part.D0 == XAxes.D0) && (part.D1 == 1 || part.D1 == XAxes.D1) && (part.D2 == 1 || part.D2 == XAxes.D2)
        && (part.D3 == 1 || part.D3 == XAxes.D3);
}

/// <summary>y = scale · x, repeated along its axes of size 1. Overwrites y.</summary>
public readonly unsafe record struct RepeatOp(Axes XAxes, Axes YAxes, View X, float Scale, View Y) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(Axes x, Axes y, float scale = 1) => OpSpec.Of((ref v) => new RepeatOp(x, y, v.Next(), scale, v.Next()));

    internal static OpSpec Spec(OpSettings s) => Spec(Axes.From(s, "x"), Axes.From(s, "y"), s.Number("scale", 1));

    private BroadcastShape Shape => new(XAxes, YAxes);

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, XAxes.Length);
        list.Out("y", Y, Shape.Whole.Length);
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host)
    {
        Span<float> x = host.At(X), y = host.At(Y);
        for (int i = 0; i < y.Length; i++) y[i] = Scale * x[Broadcast.Place(YAxes, XAxes, i)];
    }

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        Broadcast.Run<TV, SumOver.ScaledFirst>(cpu, Shape, new SumOver.ScaledFirst(Scale), cpu.At(X), cpu.At(Y), cpu.At(Y));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) =>
        ForEach.Run(gpu, new SumOver.Repeat { Places = new BroadcastPlaces(Shape), X = gpu.At(X), Scale = Scale, Y = gpu.At(Y) }, Y.Length);

    /// <inheritdoc/>
    public void Backward(IGradients gradients) =>
        gradients.Backend.Run(new SumOverOp(XAxes, YAxes, gradients.Dy, null, default, Scale, gradients.Of(0)));

    /// <inheritdoc/>
    public override string ToString() => $"{Scale} times {XAxes} repeated to {YAxes}";
}
