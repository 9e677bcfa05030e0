using ILGPU;

namespace Engine.Kernels;

/// <content>
/// The GPU form: a <see cref="GpuProduct"/> of K filters with N·P·Q output pixels, whose terms are the C·R·S taps. The filter gradient is a product of K
/// filters with C·R·S taps, whose terms are the N·P·Q pixels. The gradient with respect to the input is a transposed convolution. The forward form is parallel
/// over tiles of filters times pixels, of which there are many. The result of the filter gradient is small, so it is also parallel over pieces of the pixels,
/// which are added in order. Compute bounds both, except for one input channel, where memory bandwidth does.
/// </content>
internal static unsafe partial class Conv2d
{
    /// <summary>y = activation(x ⋆ w + b). Overwrites y, which lies as x unless <paramref name="result"/> says otherwise.</summary>
    public static void Forward(
        GpuContext gpu, in Conv2dShape shape, ArrayView<float> x, ArrayView<float> w, ArrayView<float>? b, Activation activation, ArrayView<float> y,
        BatchLayout? result = null) =>
        new GpuProduct
        {
            Left = Operand.Matrix(w, shape.C * shape.R * shape.S, 1) with
            {
                InnerPlane = shape.R * shape.S, InnerRow = 1, InnerColumn = 1, Height = shape.R, Width = shape.S, Pitch = shape.S, Step = 1,
            },
            Right = UnderTaps(shape, x),
            Result = OfPixels(result is { } layout ? shape.In(layout) : shape, y),
            Rows = shape.K,
            Columns = shape.N * shape.P * shape.Q,
            Depth = shape.C * shape.R * shape.S,
            RowDigits = Digits.One,
            ColumnDigits = Digits.OfMaps(shape.YStrides, shape.P, shape.Q),
            TermDigits = new Digits(shape.R, shape.S),
            Phases = Phases.One,
            Bias = b ?? y,
            HasBias = b is null ? 0 : 1,
            Activation = activation,
        }.Run(gpu);

    /// <summary>The gradient with respect to the input. Overwrites dx.</summary>
    public static void BackwardData(GpuContext gpu, in Conv2dShape shape, ArrayView<float> dy, ArrayView<float> w, ArrayView<float> dx)
    {
        if (shape.Layout != BatchLayout.ChannelsLast)
        {
            ConvTranspose2d.Forward(gpu, ConvTranspose2dShape.GradientOf(shape), dy, w, null, Activation.None, dx);
            return;
        }

        using GpuBuffer gradient = Transpose.ToBatchFirst(gpu, shape.N, shape.K, shape.P * shape.Q, dy), result = gpu.Memory.Rent(shape.XLength);
        BackwardData(gpu, shape.In(BatchLayout.First), gradient.Floats, w, result.Floats);
        Transpose.ToChannelsLast(gpu, shape.N, shape.C, shape.H * shape.W, result.Floats, dx);
    }

    /// <summary>The gradients with respect to the filters and, unless <paramref name="db"/> is null, the bias. Overwrites both.</summary>
    public static void BackwardFilter(
        GpuContext gpu, in Conv2dShape shape, ArrayView<float> x, ArrayView<float> dy, ArrayView<float> dw, ArrayView<float>? db)
    {
        // The same image under the same taps as in the forward form, but here the taps are columns of the result and the pixels are terms.
        Operand taps = UnderTaps(shape, x);
        new GpuProduct
        {
            Left = OfPixels(shape, dy),
            Right = taps with
            {
                OuterPlane = taps.InnerPlane, OuterRow = taps.InnerRow, OuterColumn = taps.InnerColumn,
                InnerPlane = taps.OuterPlane, InnerRow = taps.OuterRow, InnerColumn = taps.OuterColumn, RunsInward = 1,
            },
            Result = Operand.Matrix(dw, shape.C * shape.R * shape.S, shape.R * shape.S) with
            {
                InnerRow = 1, InnerColumn = 1, Height = shape.R, Width = shape.S, Pitch = shape.S, Step = 1,
            },
            Rows = shape.K,
            Columns = shape.C * shape.R * shape.S,
            Depth = shape.N * shape.P * shape.Q,
            RowDigits = Digits.One,
            ColumnDigits = new Digits(shape.R, shape.S),
            TermDigits = Digits.OfMaps(shape.YStrides, shape.P, shape.Q),
            Phases = Phases.One,
            Bias = dw,
        }.Run(gpu);
        if (db is not { } gradient) return;
        if (shape.Layout == BatchLayout.ChannelsLast)
        {
            using GpuBuffer turned = Transpose.ToBatchFirst(gpu, shape.N, shape.K, shape.P * shape.Q, dy);
            BackwardBias(gpu, BatchLayout.First, shape.N, shape.K, shape.P * shape.Q, turned.Floats, gradient);
        }
        else BackwardBias(gpu, shape.Layout, shape.N, shape.K, shape.P * shape.Q, dy, gradient);
    }

    /// <summary>db[k] = Σ dy of a channel of maps. Overwrites db.</summary>
    public static void BackwardBias(GpuContext gpu, BatchLayout layout, int n, int k, int pixels, ArrayView<float> dy, ArrayView<float> db)
    {
        // A block counts as a sample whose pixels hold all samples of the block.
        int together = BatchBlocks.SamplesOf(layout, n);
        GpuReduction.Run(gpu, new PlainTerms { X = dy }, new ScaledTotals { Result = db, Scale = 1 }, n / together, k, pixels * together);
    }

    // Outer index (n, p, q), inner index (c, r, s).
    private static Operand UnderTaps(in Conv2dShape shape, ArrayView<float> x) => new()
    {
        Data = x,
        OuterPlane = shape.XStrides.Block,
        OuterRow = shape.StrideH,
        OuterColumn = shape.StrideW,
        InnerPlane = shape.XStrides.Channel,
        InnerRow = shape.DilationH,
        InnerColumn = shape.DilationW,
        RowStart = -shape.PadH,
        ColumnStart = -shape.PadW,
        Height = shape.H,
        Width = shape.W,
        Pitch = shape.W * shape.XStrides.Pixel,
        Step = shape.XStrides.Pixel,
    };

    // Outer index k, inner index (n, p, q).
    private static Operand OfPixels(in Conv2dShape shape, ArrayView<float> y) => new()
    {
        Data = y,
        OuterPlane = shape.YStrides.Channel,
        InnerPlane = shape.YStrides.Block,
        InnerRow = 1,
        InnerColumn = 1,
        Height = shape.P,
        Width = shape.Q,
        Pitch = shape.Q * shape.YStrides.Pixel,
        Step = shape.YStrides.Pixel,
        RunsInward = 1,
    };
}
