using System.Reflection;
using CsCheck;
using Xunit.Sdk;

namespace Engine.Kernels.Tests;

/// <summary>
/// The table of cases that drives every test which is the same for all operations: sizes chosen to be awkward, then generated ones, the
/// same in every run.
/// </summary>
internal static class OpCases
{
    private const int GeneratedPerOp = 10;

    private static readonly Activation[] Activations =
        [Activation.None, Activation.LeakyRelu(0.01f), Activation.Elu, Activation.Sigmoid, Activation.LeakyRelu(0), Activation.Relu];

    /// <summary>Those that Winograd's forms compute, in tiles of 3×3 and then of 4×4.</summary>
    public static readonly Conv2dShape[] Winograd =
    [
        new(1, 32, 11, 17, 64, 3, 3), // whole tiles
        new(1, 16, 56, 8, 32, 3, 3, dilationH: 5), // a last group of one phase
        new(2, 16, 12, 17, 32, 3, 3), // ragged tiles
        new(3, 16, 9, 10, 32, 3, 3, padH: 2, padW: 1),
        new(1, 48, 26, 9, 96, 3, 3, dilationH: 3), // several blocks of channels
        new(1, 16, 52, 10, 32, 3, 3, dilationH: 5), // a last group of two phases
    ];

    /// <summary>Those with long filters as wide as the input, whose rows are transformed in tiles.</summary>
    public static readonly Conv2dShape[] WholeWidth =
    [
        new(1, 16, 70, 7, 64, 4, 7, dilationH: 5), // a last group of three phases
        new(2, 16, 130, 3, 32, 11, 3, dilationH: 3), // pieces of the filter, the last not full
        new(1, 16, 700, 1, 96, 9, 1), // several bands
    ];

    /// <summary>Those of few input channels and long rows.</summary>
    public static readonly Conv2dShape[] FewChannels =
    [
        new(1, 1, 20, 50, 8, 3, 3), // one tile a row
        new(2, 3, 9, 101, 16, 2, 4, dilationH: 2, dilationW: 3), // tiles that share columns
        new(1, 2, 37, 64, 24, 3, 3),
    ];

    private static readonly Conv2dShape[] Convolutions =
    [
        new(1, 1, 1, 1, 1, 1, 1),
        new(1, 3, 7, 5, 2, 1, 1), // a 1×1 filter, in place
        new(2, 3, 11, 13, 5, 3, 2), // in place, all dims distinct
        new(1, 2, 9, 40, 9, 3, 3), // in place, a ragged last tile and a ragged block of rows
        new(1, 2, 15, 64, 3, 3, 3, dilationH: 4), // in place, dilated
        new(1, 17, 5, 30, 33, 3, 3), // in place, several chunks of depth, copied panels
        new(1, 2, 5, 6, 17, 2, 3), // unfolded: the dropped columns would dominate
        new(2, 3, 12, 17, 4, 3, 5, strideH: 2, strideW: 3, padH: 1, padW: 2),
        new(1, 2, 15, 14, 3, 3, 2, dilationH: 2, dilationW: 3),
        new(1, 2, 3, 4, 3, 2, 2, padH: 3, padW: 5), // whole windows of padding
        new(2, 4, 6, 5, 7, 6, 5), // one output pixel
        new(1, 2, 9, 3, 3, 2, 3), // one output column
        new(1, 16, 6, 9, 20, 3, 3, padH: 1, padW: 1), // several chunks of depth
        new(1, 128, 3, 4, 3, 1, 1, strideH: 2), // exactly one chunk
        new(1, 32, 4, 5, 2, 2, 4), // exactly two
        new(1, 2, 10, 11, 3, 1, 2, strideH: 3, strideW: 4), // rows that no output sees
        new(1, 2, 13, 16, 3, 3, 3, 2, 2, 2, 1, 2, 3), // stride, padding and dilation at once
        new(1, 1, 20, 30, 2, 3, 3, padH: 1, padW: 1), // many tiles
        new(1, 16, 70, 7, 64, 2, 7, dilationH: 5), // filters as wide as the input
        new(3, 8, 99, 2, 32, 1, 2),
        new(1, 32, 210, 1, 32, 2, 1), // a dense layer over many rows
        .. Winograd,
        .. WholeWidth,
        .. FewChannels,
    ];

    // What only the filter gradient tells apart.
    public static readonly Conv2dShape[] FilterGradients =
    [
        new(2, 24, 60, 50, 3, 3, 3, padH: 1, padW: 1), // several bands of rows
        new(1, 130, 20, 24, 26, 2, 3, strideH: 2, dilationH: 3), // several bands that reach far, copied panels
        new(7, 1, 12, 13, 65, 3, 3, padH: 1), // dot products, many rows
        new(3, 1, 130, 61, 2, 4, 3, padH: 2, padW: 1, dilationH: 2), // dot products, several bands
        new(2, 1, 25, 27, 37, 3, 3, strideH: 2, strideW: 2, padH: 1, padW: 1), // gathered, many rows
        new(1, 2, 90, 300, 3, 2, 2, strideH: 2, strideW: 1), // gathered, several bands
        new(20, 5, 14, 10, 9, 2, 2), // more samples than pieces
        new(1, 50, 9, 11, 6, 2, 2, dilationW: 2), // a group for each tap, in place
    ];

    private static readonly ConvTranspose2dShape[] TransposedConvolutions =
    [
        new(1, 1, 1, 1, 1, 1, 1),
        new(2, 3, 5, 7, 4, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1), // the filter twice the stride
        new(1, 2, 3, 4, 5, 2, 2, strideH: 3, strideW: 3), // the filter smaller than the stride: outputs of bias alone
        new(1, 3, 4, 5, 2, 3, 5, strideH: 2, strideW: 3),
        new(1, 2, 5, 3, 3, 1, 1, strideH: 2, strideW: 4),
        new(3, 2, 4, 6, 5, 3, 2),
        new(1, 2, 4, 5, 3, 3, 3, strideH: 2, strideW: 3, dilationH: 2, dilationW: 2), // phases that no tap reaches
        new(1, 2, 4, 5, 3, 2, 3, strideH: 3, strideW: 2, dilationH: 2, dilationW: 3),
        new(1, 2, 6, 7, 3, 3, 3, padH: 3, padW: 4), // more cropped than the filter adds
        new(1, 3, 1, 1, 2, 3, 3, strideH: 2, strideW: 2, padH: 1, padW: 1), // one output pixel
        new(2, 3, 1, 1, 2, 1, 1, strideH: 3, strideW: 2), // an output smaller than the stride
        new(1, 40, 3, 4, 33, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1), // several chunks of depth, copied panels
        new(1, 1, 12, 20, 2, 4, 4, strideH: 2, strideW: 2), // many tiles
    ];

    /// <summary>Those with their batch last that come in Winograd's tiles.</summary>
    public static readonly Conv2dShape[] BatchLastWinograd =
    [
        new(16, 8, 8, 12, 17, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // whole tiles
        new(32, 5, 11, 14, 27, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // ragged tiles, several passes over channels
        new(16, 21, 9, 18, 7, 3, 3, padW: 2, layout: BatchLayout.Last), // paddings that differ, pairs that fill no vector
    ];

    // Batches that fill vectors, that fill several and a part, and that fill none; as the inversion network has them, and the rest.
    private static readonly Conv2dShape[] BatchLastConvolutions =
    [
        .. BatchLastWinograd,
        new(32, 2, 9, 16, 2, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(16, 5, 8, 8, 7, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(7, 1, 5, 9, 1, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(1, 3, 5, 6, 4, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(33, 3, 10, 12, 5, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(19, 2, 4, 5, 3, 3, 2, strideH: 2, strideW: 3, padH: 1, padW: 2, dilationH: 2, layout: BatchLayout.Last),
        new(2, 2, 3, 4, 3, 2, 2, padH: 3, padW: 5, layout: BatchLayout.Last), // whole windows of padding
        new(3, 2, 6, 1, 37, 1, 1, layout: BatchLayout.Last), // several groups of channels
        new(5, 1, 2, 2, 2, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // every pixel lacks taps
        new(4, 2, 40, 3, 3, 3, 3, padH: 1, layout: BatchLayout.Last), // several rows a task
        new(4, 32, 6, 6, 32, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // channels as Winograd's tiles want them
    ];

    private static readonly ConvTranspose2dShape[] BatchLastTransposed =
    [
        new(32, 2, 4, 8, 3, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(16, 5, 4, 4, 4, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(7, 2, 5, 9, 1, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(1, 2, 5, 3, 2, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(33, 3, 5, 4, 2, 2, 2, strideH: 3, strideW: 3, layout: BatchLayout.Last), // outputs of bias alone
        new(18, 2, 4, 5, 3, 3, 3, strideH: 2, strideW: 3, dilationH: 2, dilationW: 2, layout: BatchLayout.Last), // phases that no tap reaches
        new(2, 3, 1, 1, 2, 1, 1, strideH: 3, strideW: 2, layout: BatchLayout.Last), // an output smaller than the stride
        new(3, 2, 6, 7, 3, 3, 3, padH: 3, padW: 4, layout: BatchLayout.Last), // more cropped than the filter adds
    ];

    private static readonly TransposeShape[] Transpositions = [new(1, 1), new(7, 1), new(32, 300), new(300, 17), new(40, 33)];

    private static readonly DenseShape[] Products =
        [new(1, 1, 1), new(1, 7, 5), new(3, 129, 50), new(17, 256, 33), new(33, 130, 97), new(2, 1, 70), new(40, 3, 1)];

    private static readonly BatchNormShape[] Normalisations =
        [new(1, 1, 1), new(3, 5, 7), new(2, 3, 64), new(1, 1, 100), new(70, 13, 1), new(33, 70, 1), new(1, 2, 40_000), new(2, 3, 16_500)];

    // What may follow a normalisation; by turns.
    private static readonly Activation[] Normalised = [Activation.None, Activation.Elu, Activation.LeakyRelu(0.2f)];

    private static readonly MaxPool2dShape[] Pools =
    [
        new(1, 1, 1, 1, 1, 1, 1, 1),
        new(2, 3, 13, 17, 3, 3, 3, 3), // edges that fill no window
        new(1, 2, 9, 40, 2, 3, 1, 1),
        new(1, 2, 11, 50, 3, 2, 1, 1, 3, 5), // dilated
        new(3, 1, 7, 5, 7, 5, 2, 3), // one output pixel
        new(1, 2, 8, 9, 1, 2, 3, 4), // windows smaller than the stride
        new(1, 2, 12, 70, 4, 5, 2, 1, 1, 2),
    ];

    public static readonly ConvMaxPool2dShape[] PooledConvolutions =
    [
        new(new(1, 1, 1, 1, 1, 1, 1), 1, 1, 1, 1),
        new(new(2, 3, 13, 16, 5, 3, 3), 3, 3, 3, 3), // edges that fill no window
        new(new(1, 17, 14, 29, 33, 3, 3), 3, 3, 3, 3), // ragged vectors of channels and filters
        new(new(3, 16, 11, 20, 32, 3, 3), 3, 3, 3, 3), // full ones
        new(new(1, 4, 29, 26, 6, 3, 3, dilationH: 3), 3, 3, 1, 3, dilationH: 3), // as over whole songs
        new(new(1, 5, 12, 23, 7, 3, 3), 3, 3, 1, 3),
        new(new(2, 2, 9, 12, 3, 3, 2, padH: 1, padW: 2), 2, 3, 1, 1), // windows that overlap both ways
        new(new(1, 3, 15, 14, 4, 2, 4, strideH: 2, dilationW: 2), 2, 2, 3, 2), // windows smaller than the stride
        new(new(1, 20, 90, 40, 9, 3, 3), 3, 3, 3, 3), // many rows
        new(new(1, 32, 37, 20, 64, 3, 3), 3, 3, 3, 3), // in Winograd's tiles: several bands, edges that fill no window
        new(new(2, 16, 12, 13, 32, 3, 3, padH: 1, padW: 1), 3, 3, 3, 3),
        new(new(1, 16, 13, 19, 64, 3, 3), 3, 3, 1, 3), // in Winograd's tiles, their rows pooled
        new(new(1, 32, 31, 25, 32, 3, 3, dilationH: 3), 3, 3, 1, 3, dilationH: 3),
        new(new(2, 16, 24, 13, 32, 3, 3, padH: 2, padW: 1, dilationH: 2), 3, 3, 2, 3, dilationH: 4),
    ];

    private static readonly Crop2dShape[] Crops = [new(1, 1, 1, 1, 1), new(3, 7, 5, 7, 5), new(2, 9, 11, 4, 3), new(4, 6, 8, 1, 8)];

    private static readonly RealFftShape[] Transforms =
    [
        new(1, 4, 1, 3), new(1, 4, 4, 1), new(5, 8, 3, 5), new(17, 64, 10, 33), new(18, 64, 10, 7), new(19, 16, 16, 9),
        new(4, 8, 11, 5), // samples that no frame sees
        new(3, 1024, 315, 513),
    ];

    // Every pattern of axes that are repeated, long rows, many rows, and nothing that repeats.
    private static readonly BroadcastShape[] Broadcasts =
    [
        new(Axes.Of(1), Axes.Of(1)), new(Axes.Of(7, 5), Axes.Of(5)), new(Axes.Of(7, 5), Axes.Of(7, 1)), new(Axes.Of(1, 5), Axes.Of(7, 1)),
        new(Axes.Of(2, 3, 4, 50), Axes.Of(3, 1, 1)), new(Axes.Of(2, 3, 4, 5), Axes.Of(2, 1, 4, 1)), new(Axes.Of(2, 1, 4, 1), Axes.Of(1, 3, 1, 35)),
        new(Axes.Of(3, 4), Axes.Of(3, 4)), new(Axes.Of(1), Axes.Of(3, 70, 90)), new(Axes.Of(40_000), Axes.Of(1)), new(Axes.Of(20_000, 3), Axes.Of(1, 3)),
    ];

    // x, the sums' sizes, the factor's: all, none, each axis alone and every other; rows and columns that are cut, and very many sums.
    private static readonly (Axes Y, Axes X, Axes? Factor)[] Sums =
    [
        (Axes.Of(1), Axes.Of(1), null), (Axes.Of(1), Axes.Of(3, 70, 90), null), (Axes.Of(2, 3), Axes.Of(2, 3), Axes.Of(3)),
        (Axes.Of(1, 3, 4, 5), Axes.Of(2, 3, 4, 5), null), (Axes.Of(2, 1, 4, 5), Axes.Of(2, 3, 4, 5), Axes.Of(1, 3, 1, 1)),
        (Axes.Of(2, 3, 1, 5), Axes.Of(2, 3, 4, 5), null), (Axes.Of(2, 3, 4, 1), Axes.Of(2, 3, 4, 5), Axes.Of(2, 3, 4, 5)),
        (Axes.Of(1, 3, 1, 5), Axes.Of(2, 3, 4, 5), null), (Axes.Of(2, 1, 4, 1), Axes.Of(2, 3, 4, 5), Axes.Of(1, 3, 1, 5)),
        (Axes.Of(1, 3, 1, 1), Axes.Of(6, 3, 50, 40), Axes.Of(6, 1, 1, 1)), (Axes.Of(2, 3, 1, 1), Axes.Of(2, 3, 50, 40), null),
        (Axes.Of(1), Axes.Of(50_000), Axes.Of(1)), (Axes.Of(1), Axes.Of(50_000), Axes.Of(50_000)), (Axes.Of(1, 37), Axes.Of(1500, 37), null),
        (Axes.Of(2, 1, 37), Axes.Of(2, 900, 37), Axes.Of(900, 1)), (Axes.Of(20_000, 1), Axes.Of(20_000, 3), null), (Axes.Of(1, 20_000), Axes.Of(3, 20_000), null),
    ];

    private static readonly (int Rows, int Classes)[] Classifications = [(1, 1), (1, 10), (7, 3), (3, 70), (500, 10), (2, 5000)];

    /// <summary>All cases by name, in order.</summary>
    public static IReadOnlyDictionary<string, OpCase> ByName { get; } =
        Own().Concat(GoldenCases.All).DistinctBy(op => op.Name).ToDictionary(op => op.Name);

    /// <summary>The operations whose cases are below; those of the others come from the reference arrays.</summary>
    public static IReadOnlySet<string> WithOwnCases => Own().Select(op => op.Spec.Name).ToHashSet();

    /// <summary>The pointwise operations with as many elements as asked; the batch normalisation both along Inner and along C.</summary>
    public static IEnumerable<OpCase> Pointwise(int length) => OwnPointwise(length).Concat(GoldenCases.Pointwise(length));

    private static IEnumerable<OpCase> OwnPointwise(int length) =>
    [
        .. Activations.Select(activation => Ops.Activate(activation, length)),
        Ops.LogFloor(1e-3f, length), Ops.Magnitude(length), Ops.BatchNorm(new(1, 1, length)), Ops.BatchNorm(new(2, length, 1)),
        .. Activations.Select(activation => Ops.ActivateBackward(activation, length)),
        Ops.BatchNormTrain(new(1, 1, length)), Ops.BatchNormTrain(new(2, length, 1)),
        Ops.BatchNormBackward(new(1, 1, length)), Ops.BatchNormBackward(new(2, length, 1)),
        Ops.Dropout(0.5f, 1, length), Ops.Dropout(0.1f, ulong.MaxValue, length),
        Ops.MeanSquaredError(length), Ops.MeanSquaredErrorBackward(length),
        Ops.SigmoidCrossEntropy(length), Ops.SigmoidCrossEntropyBackward(length),
        Ops.MeanSquaredError(length, 0.3f), Ops.MeanSquaredErrorBackward(length, 0.3f),
        Ops.SigmoidCrossEntropy(length, 0.3f), Ops.SigmoidCrossEntropyBackward(length, 0.3f),
        Ops.SumOfSquares(length), Ops.AddScaled(-0.3f, length), Ops.Add(-0.3f, length), Ops.Multiply(length), Ops.Fill(-0.3f, length),
        Ops.Adam(new(1e-3f, 0.9f, 0.999f, 1e-8f, 1), length), Ops.Adam(new(0.1f, 0.8f, 0.9f, 1e-3f, 7), length),
        Ops.Nesterov(0.01f, 0.95f, length),
    ];

    private static IEnumerable<OpCase> Own() =>
    [
        .. Broadcasts.Select(shape => Ops.BroadcastAdd(shape, -0.3f)),
        .. Broadcasts.Select(shape => Ops.BroadcastMultiply(shape, -0.3f)),
        .. Sums.Select(sum => Ops.SumOver(sum.Y, sum.X, sum.Factor, 0.7f)),
        .. Sums.Select(sum => Ops.Repeat(sum.Y, sum.X, 0.7f)),
        .. Classifications.Select(size => Ops.SoftmaxCrossEntropy(size.Rows, size.Classes, 0.3f)),
        .. Classifications.Select(size => Ops.SoftmaxCrossEntropyBackward(size.Rows, size.Classes, 0.3f)),
        .. Convolutions.Concat(BatchLastConvolutions).Concat(Generate(GenConv2d))
            .Select((shape, i) => Ops.Conv2d(shape, i % 3 > 0, Activations[i % Activations.Length])),
        .. TransposedConvolutions.Concat(BatchLastTransposed).Concat(Generate(GenConvTranspose2d))
            .Select((shape, i) => Ops.ConvTranspose2d(shape, i % 3 > 0, Activations[i % Activations.Length])),
        .. Convolutions.Concat(BatchLastConvolutions).Concat(Generate(GenConv2d)).Select(Ops.Conv2dBackwardData),
        .. Convolutions.Concat(FilterGradients).Concat(BatchLastConvolutions).Concat(Generate(GenConv2d))
            .Select((shape, i) => Ops.Conv2dBackwardFilter(shape, i % 3 > 0)),
        .. TransposedConvolutions.Concat(BatchLastTransposed).Concat(Generate(GenConvTranspose2d)).Select(Ops.ConvTranspose2dBackwardData),
        .. TransposedConvolutions.Concat(BatchLastTransposed).Concat(Generate(GenConvTranspose2d))
            .Select((shape, i) => Ops.ConvTranspose2dBackwardFilter(shape, i % 3 > 0)),
        .. Products.Concat(Generate(GenDense)).Select(Ops.DenseBackwardData),
        .. Products.Concat(Generate(GenDense)).Select((shape, i) => Ops.DenseBackwardFilter(shape, i % 3 > 0)),
        .. Normalisations.Concat(Generate(GenBatchNorm)).Select((shape, i) => Ops.BatchNormTrain(shape, activation: Normalised[i % 3])),
        .. Normalisations.Concat(Generate(GenBatchNorm)).Select((shape, i) => Ops.BatchNormBackward(shape, Normalised[i % 3])),
        .. Pools.Concat(Generate(GenMaxPool2d)).Select(Ops.MaxPool2dBackward),
        .. PooledConvolutions.Concat(Generate(GenConvMaxPool2d))
            .Select((shape, i) => Ops.ConvMaxPool2d(shape, i % 3 > 0, i % 4 > 0, Activations[i % Activations.Length])),
        .. PooledConvolutions.Concat(Generate(GenConvMaxPool2d)).Select(Ops.ConvMaxPool2dBackwardData),
        .. PooledConvolutions.Concat(Generate(GenConvMaxPool2d)).Select((shape, i) => Ops.ConvMaxPool2dBackwardFilter(shape, i % 3 > 0)),
        .. Crops.Concat(Generate(GenCrop2d)).Select(Ops.Crop2dBackward),
        .. Products.Concat(Generate(GenDense)).Select((shape, i) => Ops.Dense(shape, i % 3 > 0, Activations[i % Activations.Length])),
        .. Normalisations.Concat(Generate(GenBatchNorm)).Select((shape, i) => Ops.BatchNorm(shape, Normalised[i % 3])),
        .. Pools.Concat(Generate(GenMaxPool2d)).Select(Ops.MaxPool2d),
        .. Crops.Concat(Generate(GenCrop2d)).Select(Ops.Crop2d),
        .. Transpositions.Select(Ops.Transpose),
        .. Transforms.Concat(Generate(GenRealFft)).Select(Ops.RealFft),
        .. new[] { 1, 70, 2 * 16384 + 5 }.SelectMany(OwnPointwise), // 16384 elements make a task
    ];

    // n distinct numbers from 1 to 7.
    private static Gen<int[]> Distinct(int n) => Gen.Shuffle(Enumerable.Range(1, 7).ToArray(), n, n);

    private static Gen<(int H, int W)> Pair(int min, int max) => Gen.Select(Gen.Int[min, max], Gen.Int[min, max], (h, w) => (h, w));

    private static Gen<Conv2dShape> GenConv2d =>
        Gen.Select(
            Distinct(5), Pair(0, 40), Pair(1, 3), Pair(0, 3), Pair(1, 3),
            (d, extra, stride, pad, dilation) =>
                (d, h: (d[3] - 1) * dilation.H + 1 + extra.H / 4, w: (d[4] - 1) * dilation.W + 1 + extra.W, stride, pad, dilation))
            .Where(g => g.d.Append(g.h).Append(g.w).Distinct().Count() == 7)
            .Select(g => new Conv2dShape(
                g.d[0], g.d[1], g.h, g.w, g.d[2], g.d[3], g.d[4], g.stride.H, g.stride.W, g.pad.H, g.pad.W, g.dilation.H, g.dilation.W));

    private static Gen<ConvTranspose2dShape> GenConvTranspose2d =>
        Gen.Select(
            Distinct(7), Pair(1, 3), Pair(0, 2), Pair(1, 3), (d, stride, pad, dilation) => (d, stride, pad, dilation))
            .Where(g => (g.d[2] - 1) * g.stride.H + (g.d[5] - 1) * g.dilation.H >= 2 * g.pad.H
                && (g.d[3] - 1) * g.stride.W + (g.d[6] - 1) * g.dilation.W >= 2 * g.pad.W)
            .Select(g => new ConvTranspose2dShape(
                g.d[0], g.d[1], g.d[2], g.d[3], g.d[4], g.d[5], g.d[6],
                g.stride.H, g.stride.W, g.pad.H, g.pad.W, g.dilation.H, g.dilation.W));

    private static Gen<DenseShape> GenDense =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 300], Gen.Int[1, 150], (n, inputs, outputs) => new DenseShape(n, inputs, outputs));

    private static Gen<BatchNormShape> GenBatchNorm =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 90], (n, c, inner) => new BatchNormShape(n, c, inner));

    private static Gen<MaxPool2dShape> GenMaxPool2d =>
        Gen.Select(
            Distinct(4), Pair(0, 60), Pair(1, 3), Pair(1, 3),
            (d, extra, stride, dilation) => new MaxPool2dShape(
                d[0], d[1], (d[2] - 1) * dilation.H + 1 + extra.H / 4, (d[3] - 1) * dilation.W + 1 + extra.W, d[2], d[3],
                stride.H, stride.W, dilation.H, dilation.W));

    private static Gen<ConvMaxPool2dShape> GenConvMaxPool2d =>
        Gen.Select(
            GenConv2d, Pair(1, 3), Pair(1, 3), Pair(1, 3),
            (conv, window, stride, dilation) => new ConvMaxPool2dShape(
                conv, Math.Min(window.H, conv.P), Math.Min(window.W, conv.Q), stride.H, stride.W,
                Dilation(window.H, conv.P, dilation.H), Dilation(window.W, conv.Q, dilation.W)));

    // As asked, if the window still fits.
    private static int Dilation(int window, int size, int dilation) => (window - 1) * dilation < size ? dilation : 1;

    private static Gen<Crop2dShape> GenCrop2d =>
        Gen.Select(Gen.Int[1, 5], Pair(1, 20), Pair(0, 9), (planes, size, more) =>
            new Crop2dShape(planes, size.H + more.H, size.W + more.W, size.H, size.W));

    private static Gen<RealFftShape> GenRealFft =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[2, 7], Gen.Int[1, 150], Gen.Double[0, 1], (frames, log, hop, part) =>
            new RealFftShape(frames, 1 << log, hop, 1 + (int)(part * (1 << (log - 1)))));

    private static IEnumerable<T> Generate<T>(Gen<T> generator)
    {
        PCG random = new(1, 2024);
        return [.. Enumerable.Range(0, GeneratedPerOp).Select(_ => generator.Generate(random, null, out Size _))];
    }
}

/// <summary>Runs a theory (Device device, string name) on every case, on every vector width or on all that computes but the definitions.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class EveryCaseAttribute : DataAttribute
{
    public bool OnGpusToo { get; init; }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        (OnGpusToo ? Devices.All.Where(device => device != Device.Reference) : Devices.Cpu)
            .SelectMany(device => OpCases.ByName.Keys.Select(name => new object[] { device, name }));
}
