using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form. All outputs with the same p mod StrideH and q mod StrideW, a phase, see the same taps, and see the inputs at the same places relative to their
/// own. So each phase is a <see cref="GpuProduct"/> of K filters with the pixels of the phase, whose terms are C channels times the taps of the phase. It is
/// like a convolution of stride 1 with a smaller filter, and nothing is multiplied by the zeros between inputs. All phases run together, with as many taps and
/// pixels as the largest of them; only filters with dilation, whose taps come in another order, take a product for each phase. It is parallel over tiles of
/// filters times pixels. The gradients are the forward and the filter gradient of the convolution whose gradient this is. Compute bounds it for many channels,
/// memory bandwidth for few.
/// </content>
internal static unsafe partial class ConvTranspose2d
{
    /// <summary>y = activation(x ⋆ᵀ w + b). Overwrites y.</summary>
    public static void Forward(
        GpuContext gpu, in ConvTranspose2dShape shape, ArrayView<float> x, ArrayView<float> w, ArrayView<float>? b, Activation activation,
        ArrayView<float> y)
    {
        TapAxis vertical = TapAxis.RowsOf(shape), horizontal = TapAxis.ColumnsOf(shape);
        if (shape is { DilationH: 1, DilationW: 1 })
        {
            Phases phases = new(vertical.Phases, horizontal.Phases, shape.StrideH, shape.StrideW, shape.PadH, shape.PadW);
            TapRun rows = new(0, shape.StrideH, (shape.R - 1) / shape.StrideH + 1, 0, -1);
            TapRun columns = new(0, shape.StrideW, (shape.S - 1) / shape.StrideW + 1, 0, -1);
            Product(shape, x, w, b, activation, y, rows, columns, 0, 0, phases).Run(gpu);
            return;
        }

        for (int phaseH = 0; phaseH < vertical.Phases; phaseH++)
        for (int phaseW = 0; phaseW < horizontal.Phases; phaseW++)
        {
            Product(shape, x, w, b, activation, y, vertical.TapsOf(phaseH), horizontal.TapsOf(phaseW), phaseH, phaseW, Phases.One).Run(gpu);
        }
    }

    /// <summary>The gradient with respect to the input. Overwrites dx.</summary>
    public static void BackwardData(GpuContext gpu, in ConvTranspose2dShape shape, ArrayView<float> dy, ArrayView<float> w, ArrayView<float> dx) =>
        Conv2d.Forward(gpu, shape.Gradient, dy, w, null, Activation.None, dx);

    /// <summary>The gradients with respect to the filters and, unless <paramref name="db"/> is null, the bias. Overwrites both.</summary>
    public static void BackwardFilter(
        GpuContext gpu, in ConvTranspose2dShape shape, ArrayView<float> x, ArrayView<float> dy, ArrayView<float> dw, ArrayView<float>? db)
    {
        Conv2d.BackwardFilter(gpu, shape.Gradient, dy, x, dw, null);
        if (db is { } gradient) Conv2d.BackwardBias(gpu, shape.Layout, shape.N, shape.K, shape.P * shape.Q, dy, gradient);
    }

    // The product of a phase, or of several from this one on, with these taps.
    private static GpuProduct Product(
        in ConvTranspose2dShape shape, ArrayView<float> x, ArrayView<float> w, ArrayView<float>? b, Activation activation, ArrayView<float> y, TapRun rows,
        TapRun columns, int phaseH, int phaseW, Phases phases)
    {
        int outputRows = TapAxis.RowsOf(shape).Count(phaseH), outputColumns = TapAxis.ColumnsOf(shape).Count(phaseW);
        return new GpuProduct
        {
            Left = new Operand
            {
                Data = w,
                OuterPlane = shape.R * shape.S,
                InnerPlane = shape.K * shape.R * shape.S,
                InnerRow = rows.Step,
                InnerColumn = columns.Step,
                RowStart = rows.First,
                ColumnStart = columns.First,
                Height = shape.R,
                Width = shape.S,
                Pitch = shape.S,
                Step = 1,
                RunsInward = 1,
            },
            Right = new Operand
            {
                Data = x,
                OuterPlane = shape.XStrides.Block,
                OuterRow = 1,
                OuterColumn = 1,
                InnerPlane = shape.XStrides.Channel,
                InnerRow = rows.InputStep,
                InnerColumn = columns.InputStep,
                RowStart = rows.Input,
                ColumnStart = columns.Input,
                Height = shape.H,
                Width = shape.W,
                Pitch = shape.W * shape.XStrides.Pixel,
                Step = shape.XStrides.Pixel,
            },
            Result = new Operand
            {
                Data = y,
                OuterPlane = shape.YStrides.Channel,
                InnerPlane = shape.YStrides.Block,
                InnerRow = shape.StrideH,
                InnerColumn = shape.StrideW,
                RowStart = phaseH,
                ColumnStart = phaseW,
                Height = shape.P,
                Width = shape.Q,
                Pitch = shape.Q * shape.YStrides.Pixel,
                Step = shape.YStrides.Pixel,
            },
            Rows = shape.K,
            Columns = shape.N * outputRows * outputColumns,
            Depth = shape.C * rows.Count * columns.Count,
            RowDigits = Digits.One,
            ColumnDigits = Digits.OfMaps(shape.XStrides, outputRows, outputColumns),
            TermDigits = new Digits(Math.Max(1, rows.Count), Math.Max(1, columns.Count)),
            Phases = phases,
            Bias = b ?? y,
            HasBias = b is null ? 0 : 1,
            Activation = activation,
        };
    }
}
