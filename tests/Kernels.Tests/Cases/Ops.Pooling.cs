using CsCheck;

namespace Engine.Kernels.Tests;

/// <content>Max-pooling, by itself and of a convolution, and the gradients.</content>
internal static partial class Ops
{
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
        new(new(1, 16, 53, 29, 32, 3, 3), 3, 3, 3, 3), // in tiles of 4×4: a last row of tiles by itself, a ragged last column
        new(new(2, 16, 36, 36, 64, 3, 3, padH: 1, padW: 1), 3, 3, 3, 3),
        new(new(1, 16, 35, 38, 32, 3, 3), 3, 3, 1, 3), // in tiles of 4×4, their rows pooled
        new(new(1, 16, 54, 38, 32, 3, 3, dilationH: 3), 3, 3, 1, 3, dilationH: 3),
        new(new(2, 16, 24, 13, 32, 3, 3, padH: 2, padW: 1, dilationH: 2), 3, 3, 2, 3, dilationH: 4),
    ];

    // The last two are batches of which a task goes through all channels of a band.
    private static readonly ConvMaxPool2dShape[] ChannelsLastGradientsOfPools =
    [
        .. PooledConvolutions.Select(shape => shape.In(BatchLayout.ChannelsLast)),
        new(new(17, 37, 11, 15, 6, 3, 3, padH: 1, padW: 2, layout: BatchLayout.ChannelsLast), 3, 3, 3, 3),
        new(new(18, 32, 15, 15, 32, 3, 3, layout: BatchLayout.ChannelsLast), 3, 3, 3, 3),
    ];

    // In the first seven, bands compute the first convolution themselves.
    public static readonly ConvConvMaxPool2dShape[] TwoConvolutions =
    [
        Two(new(1, 1, 13, 19, 32, 3, 3), 32, (3, 3), (3, 3)), // in tiles of 3×3
        Two(new(1, 1, 57, 33, 32, 3, 3), 32, (3, 3), (3, 3)), // in tiles of 4×4: a last row of tiles by itself, a ragged last column
        Two(new(2, 1, 40, 40, 64, 3, 3), 64, (3, 3), (3, 3)),
        Two(new(1, 1, 15, 21, 32, 3, 3), 32, (3, 3), (1, 3)), // in tiles whose rows are pooled
        Two(new(1, 1, 37, 40, 32, 3, 3), 64, (3, 3), (1, 3)),
        Two(new(1, 1, 58, 40, 32, 3, 3), 32, (3, 3), (1, 3), dilation: 3),
        Two(new(2, 1, 40, 30, 32, 2, 4, strideH: 2, dilationW: 2), 32, (3, 3), (3, 3)),
        Two(new(1, 1, 13, 19, 32, 3, 3), 32, (3, 3), (2, 2)), // windows that are not the tiles
        Two(new(2, 3, 9, 10, 5, 2, 2), 6, (2, 3), (1, 2)),
    ];

    public static OpCase MaxPool2d(MaxPool2dShape shape) => new(MaxPool2dOp.Spec(shape));

    /// <summary>x, y, dy → dx.</summary>
    public static OpCase MaxPool2dBackward(MaxPool2dShape shape) =>
        new(MaxPool2dBackwardOp.Spec(shape))
        {
            Tolerance = Tolerance.Sum(shape.R * shape.S),
            Scale = inputs => MaxPool2dBackward(shape).RunReference(inputs[0], inputs[1], [.. inputs[2].Select(Math.Abs)]),

            // Few different values, so that there are ties.
            Adjust = inputs =>
            {
                for (int i = 0; i < inputs[0].Length; i++) inputs[0][i] = MathF.Round(3 * inputs[0][i]);
                inputs[1] = MaxPool2d(shape).RunReference(inputs[0]);
            },
        };

    /// <summary>x, w, b → y, and argmax where it is wanted.</summary>
    public static OpCase ConvMaxPool2d(ConvMaxPool2dShape shape, bool bias = false, bool argmax = false, Activation activation = default)
    {
        Conv2dShape conv = shape.Conv;
        Tolerance tolerance = Tolerance.Sum(conv.C * conv.R * conv.S);
        return new(ConvMaxPool2dOp.Spec(shape, bias, activation, argmax))
        {
            Tolerance = tolerance,
            Scale = inputs =>
            {
                float[] terms = ConvMaxPool2d(shape, bias).RunReference(Absolute(inputs));
                if (!argmax) return terms;

                // If another sum of the window is as near to the largest as both may err, either place is right; otherwise only the largest is.
                float[] sums = Conv2d(conv).RunReference(inputs[..2]);
                return [.. terms, .. terms.Select((scale, i) =>
                {
                    float[] window = [.. WindowOf(shape, i).Select(at => sums[at]).OrderDescending()];
                    return window.Length > 1 && window[0] - window[1] <= 2 * tolerance.Relative * scale ? (float)(window.Length / tolerance.Relative) : 0;
                })];
            },
        };
    }

    /// <summary>x, first w, first b, w, b → y.</summary>
    public static OpCase ConvConvMaxPool2d(
        ConvConvMaxPool2dShape shape, bool bias = false, Activation first = default, Activation activation = default)
    {
        (Conv2dShape one, Conv2dShape two) = (shape.First, shape.Pooled.Conv);
        return new(ConvConvMaxPool2dOp.Spec(shape, bias, first, bias, activation))
        {
            Tolerance = Tolerance.Sum(one.C * one.R * one.S + two.C * two.R * two.S),

            // No activation takes a number further from 0, and none makes an error larger.
            Scale = inputs => ConvConvMaxPool2d(shape, bias).RunReference(Absolute(inputs)),
        };
    }

    /// <summary>argmax, dy, w → dx.</summary>
    public static OpCase ConvMaxPool2dBackwardData(ConvMaxPool2dShape shape) =>
        new(ConvMaxPool2dBackwardDataOp.Spec(shape))
        {
            Tolerance = Tolerance.Sum(shape.Conv.K * shape.Conv.R * shape.Conv.S * shape.Pool.R * shape.Pool.S),
            Scale = inputs => ConvMaxPool2dBackwardData(shape).RunReference(Absolute(inputs)),
            Adjust = inputs => ToPositions(shape.Pool, inputs[0]),
        };

    /// <summary>x, argmax, dy → dw, db.</summary>
    public static OpCase ConvMaxPool2dBackwardFilter(ConvMaxPool2dShape shape, bool bias) =>
        new(ConvMaxPool2dBackwardFilterOp.Spec(shape, bias))
        {
            Tolerance = Tolerance.Sum(shape.Pool.N * shape.Pool.P * shape.Pool.Q),
            Scale = inputs => ConvMaxPool2dBackwardFilter(shape, bias).RunReference(Absolute(inputs)),
            Adjust = inputs => ToPositions(shape.Pool, inputs[1]),
        };

    private static IEnumerable<OpCase> PoolingCases() =>
    [
        .. Pools.Concat(Generate(GenMaxPool2d)).Select(MaxPool2d),
        .. Pools.Concat(Generate(GenMaxPool2d)).Select(MaxPool2dBackward),
        .. PooledConvolutions.Concat(Generate(GenConvMaxPool2d))
            .Select((shape, i) => ConvMaxPool2d(shape, i % 3 > 0, i % 4 > 0, Activations[i % Activations.Length])),
        .. PooledConvolutions.Select(shape => shape.In(BatchLayout.ChannelsLast))
            .Select((shape, i) => ConvMaxPool2d(shape, i % 3 > 0, i % 2 > 0, Activations[i % Activations.Length])),
        .. ChannelsLastGradientsOfPools.Select(shape => ConvMaxPool2d(shape, argmax: true)),
        .. TwoConvolutions
            .Concat(TwoConvolutions.Select(shape => new ConvConvMaxPool2dShape(shape.First.In(BatchLayout.First), shape.Pooled.In(BatchLayout.First))))
            .Select((shape, i) => ConvConvMaxPool2d(shape, i % 3 > 0, Activations[i % Activations.Length], Activations[(i + 1) % Activations.Length])),
        .. PooledConvolutions.Concat(ChannelsLastGradientsOfPools).Concat(Generate(GenConvMaxPool2d)).Select(ConvMaxPool2dBackwardData),
        .. PooledConvolutions.Concat(ChannelsLastGradientsOfPools).Concat(Generate(GenConvMaxPool2d))
            .Select((shape, i) => ConvMaxPool2dBackwardFilter(shape, i % 3 > 0)),
    ];

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

    // Maps with their channels last: a convolution, 3×3 filters and their pooling.
    private static ConvConvMaxPool2dShape Two(Conv2dShape first, int filters, (int H, int W) window, (int H, int W) stride, int dilation = 1)
    {
        Conv2dShape second = new(
            first.N, first.K, first.P, first.Q, filters, 3, 3, dilationH: dilation, layout: BatchLayout.ChannelsLast);
        return new(first.In(BatchLayout.ChannelsLast), new(second, window.H, window.W, stride.H, stride.W, dilation));
    }

    // The dilation, or 1 if the window would not fit.
    private static int Dilation(int window, int size, int dilation) => (window - 1) * dilation < size ? dilation : 1;

    // Turns numbers between -1 and 1 into places in a window.
    private static void ToPositions(in MaxPool2dShape pool, float[] numbers)
    {
        for (int i = 0; i < numbers.Length; i++) numbers[i] = MathF.Floor((numbers[i] + 1) / 2 * pool.R * pool.S * 0.999f);
    }

    // Where the entries of an output's window lie, in row-major order.
    private static IEnumerable<int> WindowOf(ConvMaxPool2dShape shape, int output)
    {
        MaxPool2dShape pool = shape.Pool;
        int channel = output / (pool.P * pool.Q) % pool.C, pixel = output % (pool.P * pool.Q), n = output / (pool.P * pool.Q * pool.C);
        if (shape.Conv.Layout == BatchLayout.ChannelsLast) (channel, pixel) = (output % pool.C, output / pool.C % (pool.P * pool.Q));
        (int p, int q) = Math.DivRem(pixel, pool.Q);
        for (int r = 0; r < pool.R; r++)
        for (int s = 0; s < pool.S; s++)
        {
            yield return shape.Conv.YStrides.At(
                n, channel, (p * pool.StrideH + r * pool.DilationH) * pool.W + q * pool.StrideW + s * pool.DilationW);
        }
    }
}
