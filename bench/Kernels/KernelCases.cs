using Engine.Bench.Peers;
using Engine.Kernels;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Bench;

/// <summary>Every kernel on the sizes of the layers in <c>shapes.csv</c>: forward at each batch size, and the gradients at that of training.</summary>
internal static class KernelCases
{
    // What the song's lines of the file are for.
    private const int SongBlockFrames = 1024;

    // SVDNet's definitions take a second for each GFLOP.
    private const int CheckedBatch = 4;

    private static readonly Activation LeakyRelu = Activation.LeakyRelu(0.01f);

    /// <summary>All cases in the order of the file.</summary>
    public static IReadOnlyList<KernelCase> All { get; } = [.. LayerRow.ReadAll().SelectMany(Of)];

    /// <summary>Floating-point operations of the whole-song form over so many frames and 57 of silence on both sides, in one piece.</summary>
    public static double SongFlops(int frames) => LayerRow.ReadAll().Where(row => row is { Network: "song", Op: "conv2d" }).Sum(row =>
    {
        Conv2dShape block = Conv2d(row, 1);
        return block.Flops / (double)block.P * (block.P + frames - SongBlockFrames);
    });

    private static IEnumerable<KernelCase> Of(LayerRow row)
    {
        IEnumerable<KernelCase> forward = row.Batches.SelectMany(n => WithCheck(row, n, Forward));
        return row.TrainBatch is { } batch ? forward.Concat(WithCheck(row, batch, Training).Select(kernel => kernel with { IsGradient = true })) : forward;
    }

    // Where the batch is not in the lanes, few samples take the same ways as many.
    private static IEnumerable<KernelCase> WithCheck(LayerRow row, int n, Func<LayerRow, int, IEnumerable<KernelCase>> make) =>
        row.Network != "svdnet" || n <= CheckedBatch ? make(row, n)
        : make(row, n).Zip(make(row, CheckedBatch), (kernel, few) => kernel with { CheckedAs = few });

    private static IEnumerable<KernelCase> Forward(LayerRow row, int n)
    {
        switch (row.Op)
        {
            case "conv2d":
                Conv2dShape conv = Conv2d(row, n);
                yield return Product(
                    row, n, "conv2d", conv.Flops, conv.Bytes, $"{conv}", [conv.XLength, conv.WLength, conv.K], conv.YLength,
                    (b, x, y) => b.Run(new Conv2dOp(conv, x[0], x[1], x[2], ActivationOf(row), y))) with
                {
                    XShape = [conv.N, conv.C, conv.H, conv.W], Layout = conv.Layout, Peer = inputs => OnnxOperation.Conv2d(conv, ActivationOf(row), inputs),
                };
                break;
            case "conv_transpose2d":
                ConvTranspose2dShape transposed = ConvTranspose2d(row, n);
                yield return Product(
                    row, n, "conv_transpose2d", transposed.Flops, transposed.Bytes, $"{transposed}",
                    [transposed.XLength, transposed.WLength, transposed.K], transposed.YLength,
                    (b, x, y) => b.Run(new ConvTranspose2dOp(transposed, x[0], x[1], x[2], Activation.None, y))) with
                {
                    XShape = [transposed.N, transposed.C, transposed.H, transposed.W], Layout = transposed.Layout,
                    Peer = inputs => OnnxOperation.ConvTranspose2d(transposed, inputs),
                };
                break;
            case "dense":
                DenseShape dense = new(n, row["c"], row["k"]);
                yield return Product(
                    row, n, "dense", dense.Flops, dense.Bytes, $"{dense}", [dense.XLength, dense.WLength, dense.Out], dense.YLength,
                    (b, x, y) => b.Run(new DenseOp(dense, x[0], x[1], x[2], Activation.None, y))) with
                {
                    XShape = [dense.N, dense.In], Peer = inputs => OnnxOperation.Dense(dense, inputs),
                };
                break;
            case "max_pool2d":
                MaxPool2dShape pool = MaxPool2d(row, n);
                yield return Moved(
                    row, n, "max_pool2d", $"{pool}", [pool.XLength], pool.YLength, (b, x, y) => b.Run(new MaxPool2dOp(pool, x[0], y))) with
                {
                    XShape = [pool.N, pool.C, pool.H, pool.W], Peer = _ => OnnxOperation.MaxPool2d(pool),
                };
                break;
            case "batch_norm":
                BatchNormShape norm = BatchNorm(row, n);
                yield return Moved(
                    row, n, "batch_norm", $"{norm}", [norm.Length, norm.C, norm.C, norm.C, norm.C], norm.Length,
                    (b, x, y) => b.Run(new BatchNormInferOp(norm, x[0], x[1], x[2], x[3], x[4], Activation.None, y)));
                break;
            case "elu":
                int length = n * row["c"] * row["h"] * row["w"];
                yield return Moved(row, n, "elu", $"{length} floats", [length], length, (b, x, y) => b.Run(new ActivateOp(Activation.Elu, x[0], y)));
                break;
            case "crop2d":
                Crop2dShape crop = new(row["c"], row["h"], row["w"] * n, row["r"], row["s"] * n);
                yield return Moved(row, n, "crop2d", $"{crop}", [crop.XLength], crop.YLength, (b, x, y) => b.Run(new Crop2dOp(crop, x[0], y))) with
                {
                    Bytes = 2.0 * sizeof(float) * crop.YLength,
                };
                break;
            case "real_fft":
                RealFftShape fft = new(n, row["h"], row["w"], row["c"]);
                yield return Product(
                    row, n, "real_fft", fft.Flops, fft.Bytes, $"{fft}", [fft.XLength, fft.Size], fft.YLength,
                    (b, x, y) => b.Run(new RealFftOp(fft, x[0], x[1], y)));
                break;
            case "magnitude":
                int bins = n * row["c"];
                yield return Moved(row, n, "magnitude", $"{bins} floats", [2 * bins], bins, (b, x, y) => b.Run(new MagnitudeOp(x[0], y)));
                break;
            case "log_floor":
                int bands = n * row["c"];
                yield return Moved(row, n, "log_floor", $"{bands} floats", [bands], bands, (b, x, y) => b.Run(new LogFloorOp(MagnitudeFloor, x[0], y))) with
                {
                    Adjust = AllPositive,
                };
                break;
            default:
                throw new InvalidDataException($"shapes.csv: {row.Op} is no operation");
        }
    }

    private static IEnumerable<KernelCase> Training(LayerRow row, int n)
    {
        switch (row.Op)
        {
            case "conv2d":
                Conv2dShape conv = Conv2d(row, n);
                yield return Product(
                    row, n, "conv2d dx", conv.Flops, conv.Bytes, $"{conv}", [conv.YLength, conv.WLength], conv.XLength,
                    (b, x, y) => b.Run(new Conv2dBackwardDataOp(conv, x[0], x[1], y)));
                yield return Product(
                    row, n, "conv2d dw", conv.Flops, conv.Bytes, $"{conv}", [conv.XLength, conv.YLength], conv.WLength + conv.K,
                    (b, x, y) => b.Run(new Conv2dBackwardFilterOp(conv, x[0], x[1], y.Slice(0, conv.WLength), y.Slice(conv.WLength, conv.K))));
                break;
            case "conv_transpose2d":
                ConvTranspose2dShape transposed = ConvTranspose2d(row, n);
                yield return Product(
                    row, n, "conv_transpose2d dx", transposed.Flops, transposed.Bytes, $"{transposed}", [transposed.YLength, transposed.WLength],
                    transposed.XLength, (b, x, y) => b.Run(new ConvTranspose2dBackwardDataOp(transposed, x[0], x[1], y)));
                yield return Product(
                    row, n, "conv_transpose2d dw", transposed.Flops, transposed.Bytes, $"{transposed}", [transposed.XLength, transposed.YLength],
                    transposed.WLength, (b, x, y) => b.Run(new ConvTranspose2dBackwardFilterOp(transposed, x[0], x[1], y, null)));
                break;
            case "dense":
                DenseShape dense = new(n, row["c"], row["k"]);
                yield return Product(
                    row, n, "dense dx", dense.Flops, dense.Bytes, $"{dense}", [dense.YLength, dense.WLength], dense.XLength,
                    (b, x, y) => b.Run(new DenseBackwardDataOp(dense, x[0], x[1], y)));
                yield return Product(
                    row, n, "dense dw", dense.Flops, dense.Bytes, $"{dense}", [dense.XLength, dense.YLength], dense.WLength + dense.Out,
                    (b, x, y) => b.Run(new DenseBackwardFilterOp(dense, x[0], x[1], y.Slice(0, dense.WLength), y.Slice(dense.WLength, dense.Out))));
                break;
            case "max_pool2d":
                MaxPool2dShape pool = MaxPool2d(row, n);
                yield return Moved(
                    row, n, "max_pool2d dx", $"{pool}", [pool.XLength, pool.YLength, pool.YLength], pool.XLength,
                    (b, x, y) => b.Run(new MaxPool2dBackwardOp(pool, x[0], x[1], x[2], y))) with
                {
                    Adjust = inputs => inputs[1] = Pooled(pool, inputs[0]),
                };
                break;
            case "batch_norm":
                BatchNormShape norm = BatchNorm(row, n);
                int c = norm.C;
                yield return Moved(
                    row, n, "batch_norm train", $"{norm}", [norm.Length, c, c, c, c], norm.Length + 2 * c,
                    (b, x, y) => b.Run(new BatchNormTrainOp(
                        norm, x[0], x[1], x[2], Activation.None, y.Slice(0, norm.Length), y.Slice(norm.Length, c), y.Slice(norm.Length + c, c), x[3],
                        x[4], 0.1f, 1e-4f)));
                yield return Moved(
                    row, n, "batch_norm dx", $"{norm}", [norm.Length, c, c, c, norm.Length], norm.Length + 2 * c,
                    (b, x, y) => b.Run(new BatchNormBackwardOp(
                        norm, x[0], x[1], x[2], x[3], Activation.None, x[4], x[4], y.Slice(0, norm.Length), y.Slice(norm.Length, c),
                        y.Slice(norm.Length + c, c))));
                break;
            case "elu":
                int length = n * row["c"] * row["h"] * row["w"];
                yield return Moved(
                    row, n, "elu dx", $"{length} floats", [length, length], length, (b, x, y) => b.Run(new ActivateBackwardOp(Activation.Elu, x[0], x[1], y)));
                break;
            case "crop2d":
                Crop2dShape crop = new(row["c"], row["h"], row["w"] * n, row["r"], row["s"] * n);
                yield return Moved(row, n, "crop2d dx", $"{crop}", [crop.YLength], crop.XLength, (b, x, y) => b.Run(new Crop2dBackwardOp(crop, x[0], y)));
                break;
            case "dropout":
                int features = n * row["c"];
                yield return Moved(row, n, "dropout", $"{features} floats", [features], features, (b, x, y) => b.Run(new DropoutOp(0.5f, 1, x[0], y)));
                break;
            case "mean_squared_error":
                int values = n * row["c"] * row["h"] * row["w"];
                yield return Moved(
                    row, n, "mean_squared_error", $"{values} floats", [values, values], 1, (b, x, y) => b.Run(new MeanSquaredErrorOp(x[0], x[1], y)));
                yield return Moved(
                    row, n, "mean_squared_error dx", $"{values} floats", [values, values], values, (b, x, y) => b.Run(new MeanSquaredErrorBackwardOp(x[0], x[1], y)));
                break;
            case "sigmoid_cross_entropy":
                int logits = n * row["c"];
                yield return Moved(
                    row, n, "sigmoid_cross_entropy", $"{logits} floats", [logits, logits], 1, (b, x, y) => b.Run(new SigmoidCrossEntropyOp(x[0], x[1], y))) with
                {
                    Adjust = AllPositive,
                };
                yield return Moved(
                    row, n, "sigmoid_cross_entropy dx", $"{logits} floats", [logits, logits], logits,
                    (b, x, y) => b.Run(new SigmoidCrossEntropyBackwardOp(x[0], x[1], y))) with
                {
                    Adjust = AllPositive,
                };
                break;
            case "adam":
                int weights = row["c"];
                yield return Moved(
                    row, n, "adam", $"{weights} parameters", [weights, weights, weights, weights], weights,
                    (b, x, _) => b.Run(new AdamOp(new AdamStep(1e-3f, 0.9f, 0.999f, 1e-8f, 10), x[1], x[0], x[2], x[3]))) with
                {
                    IsInPlace = true, Adjust = AllPositive, Bytes = 7.0 * sizeof(float) * weights,
                };
                break;
            case "nesterov":
                int parameters = row["c"];
                yield return Moved(
                    row, n, "nesterov", $"{parameters} parameters", [parameters, parameters, parameters], parameters,
                    (b, x, _) => b.Run(new NesterovOp(0.01f, 0.95f, x[1], x[0], x[2]))) with
                {
                    IsInPlace = true, Bytes = 5.0 * sizeof(float) * parameters,
                };
                break;
            default:
                throw new InvalidDataException($"shapes.csv: {row.Op} is no operation that is trained");
        }
    }

    // What arithmetic bounds, or should.
    private static KernelCase Product(
        LayerRow row, int n, string kernel, double flops, double bytes, string sizes, int[] inputs, int output, KernelBody body) =>
        new(row.Network, n, row.Layer, kernel, inputs, output, body) { Flops = flops, Bytes = bytes, Sizes = sizes };

    // What memory bounds.
    private static KernelCase Moved(LayerRow row, int n, string kernel, string sizes, int[] inputs, int output, KernelBody body) =>
        new(row.Network, n, row.Layer, kernel, inputs, output, body) { Bytes = sizeof(float) * (inputs.Sum(length => (double)length) + output), Sizes = sizes };

    private static Conv2dShape Conv2d(LayerRow row, int n) => new(
        n, row["c"], row["h"], row["w"], row["k"], row["r"], row["s"], row["stride_h"], row["stride_w"], row["pad"], row["pad"],
        row["dilation_h"], row["dilation_w"], LayoutOf(row));

    private static ConvTranspose2dShape ConvTranspose2d(LayerRow row, int n) => new(
        n, row["c"], row["h"], row["w"], row["k"], row["r"], row["s"], row["stride_h"], row["stride_w"], row["pad"], row["pad"], layout: LayoutOf(row));

    private static MaxPool2dShape MaxPool2d(LayerRow row, int n) => new(
        n, row["c"], row["h"], row["w"], row["r"], row["s"], row["stride_h"], row["stride_w"], row["dilation_h"], row["dilation_w"]);

    private static BatchNormShape BatchNorm(LayerRow row, int n) =>
        LayoutOf(row) == BatchLayout.First ? new(n, row["c"], row["h"] * row["w"]) : new(1, row["c"], row["h"] * row["w"] * n);

    // The inversion network's maps have few channels, so their batch lies last.
    private static BatchLayout LayoutOf(LayerRow row) =>
        row.Network.StartsWith("inversion", StringComparison.Ordinal) && row["h"] > 1 ? BatchLayout.Last : BatchLayout.First;

    // SVDNet's convolutions end in their activation; the inversion network's, whose batch normalisation comes between, do not.
    private static Activation ActivationOf(LayerRow row) => row.Network is "svdnet" or "song" ? LeakyRelu : Activation.None;

    private static void AllPositive(float[][] inputs)
    {
        foreach (float[] input in inputs)
        {
            for (int i = 0; i < input.Length; i++) input[i] = Math.Abs(input[i]);
        }
    }

    private static float[] Pooled(MaxPool2dShape shape, float[] x)
    {
        using IBackend reference = Backends.CreateReference();
        using DeviceBuffer input = reference.Allocate(shape.XLength), output = reference.Allocate(shape.YLength);
        reference.Upload(x, input.All);
        reference.Run(new MaxPool2dOp(shape, input.All, output.All));
        float[] y = new float[shape.YLength];
        reference.Download(output.All, y);
        return y;
    }
}
