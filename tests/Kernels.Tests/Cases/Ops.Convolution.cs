using CsCheck;

namespace Engine.Kernels.Tests;

/// <content>The convolution and its gradients.</content>
internal static partial class Ops
{
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
        new(2, 3, 11, 13, 5, 3, 2, p: 4, q: 9), // an end that is left out
        new(1, 2, 9, 64, 8, 3, 3, padH: 1, q: 50), // the same, with long rows
        new(1, 2, 9, 64, 8, 3, 3, p: 9, q: 66), // padding at the end only
        new(2, 3, 12, 17, 4, 3, 5, strideH: 2, strideW: 3, padH: 1, padW: 2, p: 9, q: 3), // windows that see nothing
        new(2, 16, 22, 17, 64, 3, 3, p: 11, q: 16), // Winograd's tiles
        new(1, 16, 20, 17, 64, 3, 3, padH: 1, p: 23, q: 18),
        new(2, 16, 130, 9, 32, 11, 3, q: 1), // of filters as wide as the output
        .. Winograd,
        .. WholeWidth,
        .. FewChannels,
    ];

    // Shapes that only the filter gradient treats differently.
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
        new(9, 16, 34, 30, 32, 3, 3), // Winograd's tiles, full ones, pieces of one sample and of two
        new(3, 48, 53, 61, 64, 3, 3, padH: 1, padW: 2), // ragged ones, several bands and blocks of channels
    ];

    /// <summary>Those with their batch last that come in Winograd's tiles.</summary>
    public static readonly Conv2dShape[] BatchLastWinograd =
    [
        new(16, 8, 8, 12, 17, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // whole tiles
        new(32, 5, 11, 14, 27, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // ragged tiles, several passes over channels
        new(16, 21, 9, 18, 7, 3, 3, padW: 2, layout: BatchLayout.Last), // paddings that differ, pairs that fill no vector
        new(16, 32, 18, 19, 17, 4, 4, strideH: 2, strideW: 2, padW: 1, layout: BatchLayout.Last), // phases; a column that no window reaches
        new(32, 16, 17, 16, 33, 4, 4, strideH: 2, strideW: 2, padH: 2, padW: 1, layout: BatchLayout.Last), // phases, several passes over channels
        new(16, 16, 16, 14, 16, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last, p: 16, q: 12), // an end that is left out
        new(16, 16, 9, 15, 16, 3, 3, padH: 1, layout: BatchLayout.Last, p: 10, q: 15), // more padding at the end
        new(32, 8, 12, 29, 16, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // rows of more tiles than a task has, and tasks that go on in the next row
        new(16, 160, 4, 20, 8, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // one tile a task, and threads that have fewer tasks than others
    ];

    /// <summary>Those with their batch last whose filter gradients come in Winograd's tiles.</summary>
    public static readonly Conv2dShape[] BatchLastWinogradGradients =
    [
        new(48, 8, 61, 62, 8, 3, 3, padH: 1, padW: 2, layout: BatchLayout.Last), // few channels, several chunks a task, ragged tiles
        new(16, 8, 66, 65, 16, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last, p: 32, q: 31), // few channels, phases
        new(32, 32, 15, 21, 64, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // many channels, several chunks a task
        new(16, 20, 16, 14, 36, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last, p: 16, q: 12), // an end that is left out
        new(32, 32, 16, 18, 16, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 2, layout: BatchLayout.Last), // many channels, phases
        new(16, 48, 16, 18, 36, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // an odd number of vectors of channels, and half a block of outputs
        new(32, 64, 8, 8, 40, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last), // a task that threads share
    ];

    // Batches that fill one vector, several and a part, or none; shapes of the inversion network and others.
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
        new(18, 2, 9, 16, 3, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last, p: 7, q: 11), // an end that is left out
        new(9, 3, 7, 8, 2, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last, p: 4, q: 6), // windows that see nothing
        new(32, 3, 4, 9, 5, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // what is left over of a line: seven pixels, single ones of several vectors
        new(16, 2, 5, 13, 3, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // five pixels
        new(48, 5, 15, 5, 9, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last), // filter gradients of several rows a run, bands that cross blocks
        new(16, 2, 4, 5, 3, 3, 3, padH: 1, padW: 6, dilationW: 5, layout: BatchLayout.Last), // taps that no column has in common
        new(32, 3, 5, 9, 6, 3, 4, layout: BatchLayout.Last), // no column lacks a tap
    ];

    // Maps with the channels last: tiles in place and at every edge, one channel, filters as wide as the input, and what is transposed.
    private static readonly Conv2dShape[] ChannelsLastConvolutions =
    [
        .. Winograd.Select(shape => shape.In(BatchLayout.ChannelsLast)),
        .. WholeWidth.Select(shape => shape.In(BatchLayout.ChannelsLast)),
        .. FewChannels.Select(shape => shape.In(BatchLayout.ChannelsLast)),
        new(2, 1, 9, 29, 64, 3, 2, strideH: 2, dilationH: 2, dilationW: 3, layout: BatchLayout.ChannelsLast), // one channel, tiles that share columns
        new(1, 1, 6, 14, 32, 3, 3, layout: BatchLayout.ChannelsLast), // one tile a row
        new(2, 3, 12, 17, 4, 3, 5, strideH: 2, strideW: 3, padH: 1, padW: 2, layout: BatchLayout.ChannelsLast),
        new(1, 5, 7, 1, 3, 1, 1, layout: BatchLayout.ChannelsLast),
    ];

    // Those whose filter gradients come in Winograd's tiles, and those of one channel.
    private static readonly Conv2dShape[] ChannelsLastGradients =
    [
        .. FilterGradients[^2..].Select(shape => shape.In(BatchLayout.ChannelsLast)),
        new(40, 1, 7, 9, 32, 3, 3, layout: BatchLayout.ChannelsLast),
        new(1, 1, 8, 7, 16, 3, 3, strideH: 2, strideW: 2, dilationH: 2, dilationW: 3, layout: BatchLayout.ChannelsLast), // fewer rows than pieces
        new(2, 1, 30, 41, 64, 3, 3, layout: BatchLayout.ChannelsLast),
    ];

    public static OpCase Conv2d(Conv2dShape shape, bool bias = false, Activation activation = default) =>
        new(Conv2dOp.Spec(shape, bias, activation))
        {
            Tolerance = Tolerance.Sum(shape.C * shape.R * shape.S),
            Scale = inputs => Conv2d(shape, bias).RunReference(Absolute(inputs)),
        };

    public static OpCase Conv2dBackwardData(Conv2dShape shape) => SumOfProducts(Conv2dBackwardDataOp.Spec(shape), shape.K * shape.R * shape.S);

    /// <summary>x, dy and perhaps y → dw, db.</summary>
    public static OpCase Conv2dBackwardFilter(Conv2dShape shape, bool bias, Activation activation = default) =>
        SumOfProducts(Conv2dBackwardFilterOp.Spec(shape, bias, activation), shape.N * shape.P * shape.Q);

    private static IEnumerable<OpCase> ConvolutionCases() =>
    [
        .. Convolutions.Concat(BatchLastConvolutions).Concat(ChannelsLastConvolutions).Concat(Generate(GenConv2d))
            .Select((shape, i) => Conv2d(shape, i % 3 > 0, Activations[i % Activations.Length])),
        .. Convolutions.Concat(BatchLastConvolutions).Concat(ChannelsLastConvolutions).Concat(Generate(GenConv2d)).Select(Conv2dBackwardData),
        .. Convolutions.Concat(FilterGradients).Concat(BatchLastConvolutions).Concat(BatchLastWinogradGradients)
            .Concat(ChannelsLastConvolutions).Concat(ChannelsLastGradients).Concat(Generate(GenConv2d))
            .Select((shape, i) => Conv2dBackwardFilter(shape, i % 3 > 0)),
        .. FewChannels.Append(Winograd[0]).Append(BatchLastConvolutions[3]).Concat(ChannelsLastGradients)
            .Select((shape, i) => Conv2dBackwardFilter(shape, i % 2 > 0, i % 3 > 0 ? Activation.LeakyRelu(0.2f) : Activation.Elu)),
    ];

    private static Gen<Conv2dShape> GenConv2d =>
        Gen.Select(
            Distinct(5), Pair(0, 40), Pair(1, 3), Pair(0, 3), Pair(1, 3), End,
            (d, extra, stride, pad, dilation, end) =>
                (d, h: (d[3] - 1) * dilation.H + 1 + extra.H / 4, w: (d[4] - 1) * dilation.W + 1 + extra.W, stride, pad, dilation, end))
            .Where(g => g.d.Append(g.h).Append(g.w).Distinct().Count() == 7)
            .Select(g =>
            {
                Conv2dShape Of(int? p, int? q) => new(
                    g.d[0], g.d[1], g.h, g.w, g.d[2], g.d[3], g.d[4], g.stride.H, g.stride.W, g.pad.H, g.pad.W, g.dilation.H, g.dilation.W, p: p, q: q);
                Conv2dShape like = Of(null, null);
                return Of(Math.Max(1, like.P + g.end.H), Math.Max(1, like.Q + g.end.W));
            });

    // How many outputs more there are than if both ends were alike, which half of the cases are.
    private static Gen<(int H, int W)> End => Gen.Select(Gen.Bool, Pair(-3, 3), (isLike, end) => isLike ? default : end);
}
