using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// y[n, i] = 1 for the counts[n] largest of row n of x, else 0. Of equal numbers, those that come first in the row are kept first. least[n] is the smallest
/// number that is kept. The result has steps and no slope, so the gradient is that of σ(slope·(x − least)), where the slope is steepness / standard deviation
/// of the row; slope and least count as constants. Overwrites y and least. least may be left out, but the gradient needs it.
/// </summary>
/// <remarks>The gradient is a straight-through estimator (Bengio, Léonard and Courville, 2013).</remarks>
/// <param name="Rows">The number of rows.</param>
/// <param name="Steepness">The slope in units of 1 / standard deviation.</param>
/// <param name="X">Rows of numbers; a NaN is larger or smaller than all others by its sign, and −0 is 0.</param>
/// <param name="Counts">How many each row keeps: whole numbers from 1 to the length of a row.</param>
/// <param name="Y">The masks, as long as x.</param>
/// <param name="Least">A number for each row, or null.</param>
public readonly unsafe record struct TopKMaskOp(int Rows, float Steepness, View X, View Counts, View Y, View? Least) : IDifferentiableOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(int rows, int columns, float steepness, bool least = false) =>
        OpSpec.Of((ref v) => new TopKMaskOp(rows, steepness, v.Next(), v.Next(), v.Next(), v.NextIf(least)), rows * columns);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Size("rows"), s.Size("columns"), s.Number("steepness"), s.Flag("least"));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Y.Length);
        list.In("counts", Counts, Rows);
        list.Out("y", Y, Y.Length);
        list.Out("least", Least, Rows);
        if (Rows < 1 || Y.Length < Rows || Y.Length % Rows > 0) list.Refuse($"{Y.Length} numbers are not {Rows} rows");
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) =>
        TopKMask.Reference(Rows, host.At(X), host.At(Counts), host.At(Y), host.At(Least));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        TopKMask.Forward(cpu, Rows, Y.Length / Rows, cpu.At(X), cpu.At(Counts), cpu.At(Y), cpu.At(Least));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => TopKMask.Forward(gpu, Rows, gpu.At(X), gpu.At(Counts), gpu.At(Y), gpu.AtOrNull(Least));

    /// <inheritdoc/>
    public void Backward(IGradients gradients)
    {
        View least = Least ?? throw new InvalidOperationException("the gradient of a mask needs the smallest number that is kept");
        gradients.Backend.Run(new TopKMaskBackwardOp(Rows, Steepness, X, least, gradients.Dy, gradients.Of(0)));
    }

    /// <inheritdoc/>
    public override string ToString() => $"masks of the largest in {Rows}×{Y.Length / Math.Max(1, Rows)}, steepness {Steepness}";
}

/// <summary>
/// dx = dy·slope·s·(1 − s) with s = σ(slope·(x − least[n])) and slope = steepness / standard deviation of row n: the gradient that stands for that of
/// <see cref="TopKMaskOp"/>. Overwrites dx, which may be dy.
/// </summary>
public readonly unsafe record struct TopKMaskBackwardOp(int Rows, float Steepness, View X, View Least, View Dy, View Dx) : IOp
{
    /// <summary>The operation with these sizes and settings.</summary>
    public static OpSpec Spec(int rows, int columns, float steepness) =>
        OpSpec.Of((ref v) => new TopKMaskBackwardOp(rows, steepness, v.Next(), v.Next(), v.Next(), v.Next()), rows * columns);

    internal static OpSpec Spec(OpSettings s) => Spec(s.Size("rows"), s.Size("columns"), s.Number("steepness"));

    /// <inheritdoc/>
    public void Operands(ref OperandList list)
    {
        list.In("x", X, Dx.Length);
        list.In("least", Least, Rows);
        list.In("dy", Dy, Dx.Length);
        list.Out("dx", Dx, Dx.Length);
        if (Rows < 1 || Dx.Length < Rows || Dx.Length % Rows > 0) list.Refuse($"{Dx.Length} numbers are not {Rows} rows");
    }

    /// <inheritdoc/>
    public void Reference(ReferenceContext host) =>
        TopKMask.BackwardReference(Rows, Steepness, host.At(X), host.At(Least), host.At(Dy), host.At(Dx));

    /// <inheritdoc/>
    public void Cpu<TV>(CpuContext cpu)
        where TV : unmanaged, IVector<TV> =>
        TopKMask.Backward<TV>(cpu, Rows, Dx.Length / Rows, Steepness, cpu.At(X), cpu.At(Least), cpu.At(Dy), cpu.At(Dx));

    /// <inheritdoc/>
    public void Gpu(GpuContext gpu) => TopKMask.Backward(gpu, Rows, Steepness, gpu.At(X), gpu.At(Least), gpu.At(Dy), gpu.At(Dx));

    /// <inheritdoc/>
    public override string ToString() => $"gradient of masks of the largest in {Rows}×{Dx.Length / Math.Max(1, Rows)}, steepness {Steepness}";
}
