using CsCheck;

namespace Engine.Kernels.Tests;

/// <content>The transposed convolution and its gradients.</content>
internal static partial class Ops
{
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
        new(2, 3, 5, 7, 4, 3, 3, strideH: 2, strideW: 2, p: 4, q: 5), // inputs that no output sees
        new(2, 3, 5, 7, 4, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, p: 9, q: 11), // more cropped at the end
        new(2, 3, 5, 7, 4, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, p: 14, q: 17), // outputs at the end that no input reaches
    ];

    /// <summary>Those with their batch last that come in Winograd's tiles.</summary>
    public static readonly ConvTranspose2dShape[] BatchLastTransposedWinograd =
    [
        new(16, 24, 8, 8, 24, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last), // whole tiles but for the border
        new(32, 20, 7, 9, 27, 4, 4, strideH: 2, strideW: 2, padW: 2, layout: BatchLayout.Last), // even paddings, several passes over channels
        new(16, 32, 10, 8, 17, 4, 4, strideH: 2, strideW: 2, padH: 3, padW: 1, layout: BatchLayout.Last), // inputs that no output sees
        new(16, 32, 8, 9, 16, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last, p: 16, q: 17), // more cropped at the end
        new(32, 32, 8, 29, 16, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last), // tasks of a row's tiles and of two rows'
    ];

    private static readonly ConvTranspose2dShape[] BatchLastTransposed =
    [
        .. BatchLastTransposedWinograd,
        new(32, 2, 4, 8, 3, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(16, 5, 4, 4, 4, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(7, 2, 5, 9, 1, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(1, 2, 5, 3, 2, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(33, 3, 5, 4, 2, 2, 2, strideH: 3, strideW: 3, layout: BatchLayout.Last), // outputs of bias alone
        new(18, 2, 4, 5, 3, 3, 3, strideH: 2, strideW: 3, dilationH: 2, dilationW: 2, layout: BatchLayout.Last), // phases that no tap reaches
        new(2, 3, 1, 1, 2, 1, 1, strideH: 3, strideW: 2, layout: BatchLayout.Last), // an output smaller than the stride
        new(3, 2, 6, 7, 3, 3, 3, padH: 3, padW: 4, layout: BatchLayout.Last), // more cropped than the filter adds
        new(17, 2, 6, 7, 3, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last, p: 7, q: 11), // inputs that no output sees
        new(5, 2, 6, 7, 3, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last, p: 15, q: 18), // outputs that no input reaches
    ];

    public static OpCase ConvTranspose2d(ConvTranspose2dShape shape, bool bias = false, Activation activation = default) =>
        new(ConvTranspose2dOp.Spec(shape, bias, activation))
        {
            Tolerance = Tolerance.Sum(shape.C * shape.R * shape.S),
            Scale = inputs => ConvTranspose2d(shape, bias).RunReference(Absolute(inputs)),
        };

    public static OpCase ConvTranspose2dBackwardData(ConvTranspose2dShape shape) =>
        SumOfProducts(ConvTranspose2dBackwardDataOp.Spec(shape), shape.K * shape.R * shape.S);

    /// <summary>x, dy → dw, db.</summary>
    public static OpCase ConvTranspose2dBackwardFilter(ConvTranspose2dShape shape, bool bias) =>
        SumOfProducts(ConvTranspose2dBackwardFilterOp.Spec(shape, bias), shape.N * Math.Max(shape.H * shape.W, shape.P * shape.Q));

    private static IEnumerable<OpCase> TransposedConvolutionCases() =>
    [
        .. TransposedConvolutions.Concat(BatchLastTransposed).Concat(Generate(GenConvTranspose2d))
            .Select((shape, i) => ConvTranspose2d(shape, i % 3 > 0, Activations[i % Activations.Length])),
        .. TransposedConvolutions.Concat(BatchLastTransposed).Concat(Generate(GenConvTranspose2d)).Select(ConvTranspose2dBackwardData),
        .. TransposedConvolutions.Concat(BatchLastTransposed).Concat(Generate(GenConvTranspose2d))
            .Select((shape, i) => ConvTranspose2dBackwardFilter(shape, i % 3 > 0)),
    ];

    private static Gen<ConvTranspose2dShape> GenConvTranspose2d =>
        Gen.Select(
            Distinct(7), Pair(1, 3), Pair(0, 2), Pair(1, 3), End, (d, stride, pad, dilation, end) => (d, stride, pad, dilation, end))
            .Where(g => (g.d[2] - 1) * g.stride.H + (g.d[5] - 1) * g.dilation.H >= 2 * g.pad.H
                && (g.d[3] - 1) * g.stride.W + (g.d[6] - 1) * g.dilation.W >= 2 * g.pad.W)
            .Select(g =>
            {
                ConvTranspose2dShape Of(int? p, int? q) => new(
                    g.d[0], g.d[1], g.d[2], g.d[3], g.d[4], g.d[5], g.d[6],
                    g.stride.H, g.stride.W, g.pad.H, g.pad.W, g.dilation.H, g.dilation.W, p: p, q: q);
                ConvTranspose2dShape like = Of(null, null);
                return Of(Math.Max(1, like.P + g.end.H), Math.Max(1, like.Q + g.end.W));
            });
}
