using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: <see cref="GpuProduct"/>s of plain matrices, parallel over tiles of the result, and over pieces of In if the batch gives too few tiles. In the
/// forward form the rows are the Out features, so the bias belongs to rows. The gradients write contiguous runs of their results. The bias's gradient is a <see
/// cref="GpuReduction"/>. For small batches, reading w bounds it.
/// </content>
internal static unsafe partial class Dense
{
    /// <summary>y = activation(x·w + b). Overwrites y.</summary>
    public static void Forward(
        GpuContext gpu, in DenseShape shape, ArrayView<float> x, ArrayView<float> w, ArrayView<float>? b, Activation activation, ArrayView<float> y) =>
        Product(
            Operand.Matrix(w, 1, shape.Out), Operand.Matrix(x, shape.In, 1), Operand.Matrix(y, 1, shape.Out), shape.Out, shape.N, shape.In,
            b, activation).Run(gpu);

    /// <summary>dx = dy·wᵀ. Overwrites dx.</summary>
    public static void BackwardData(GpuContext gpu, in DenseShape shape, ArrayView<float> dy, ArrayView<float> w, ArrayView<float> dx) =>
        Product(
            Operand.Matrix(dy, shape.Out, 1), Operand.Matrix(w, shape.Out, 1), Operand.Matrix(dx, shape.In, 1), shape.N, shape.In, shape.Out,
            null, Activation.None).Run(gpu);

    /// <summary>dw = xᵀ·dy and, unless <paramref name="db"/> is null, db = Σ dy. Overwrites both.</summary>
    public static void BackwardFilter(
        GpuContext gpu, in DenseShape shape, ArrayView<float> x, ArrayView<float> dy, ArrayView<float> dw, ArrayView<float>? db)
    {
        Product(
            Operand.Matrix(x, 1, shape.In), Operand.Matrix(dy, 1, shape.Out), Operand.Matrix(dw, shape.Out, 1), shape.In, shape.Out, shape.N,
            null, Activation.None).Run(gpu);
        if (db is { } gradient)
        {
            GpuReduction.Run(gpu, new PlainTerms { X = dy }, new ScaledTotals { Result = gradient, Scale = 1 }, shape.N, shape.Out, 1);
        }
    }

    private static GpuProduct Product(
        Operand left, Operand right, Operand result, int rows, int columns, int depth, ArrayView<float>? b, Activation activation) => new()
        {
            Left = left,
            Right = right,
            Result = result,
            Rows = rows,
            Columns = columns,
            Depth = depth,
            RowDigits = Digits.One,
            ColumnDigits = Digits.One,
            TermDigits = Digits.One,
            Phases = Phases.One,
            Bias = b ?? result.Data,
            HasBias = b is null ? 0 : 1,
            Activation = activation,
        };
}
