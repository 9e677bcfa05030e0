namespace Engine.Kernels.Tests;

/// <content>What repeats arrays along axes, and what sums over them.</content>
internal static partial class Ops
{
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
        (Axes.Of(2, 1, 37), Axes.Of(2, 900, 37), Axes.Of(900, 1)), (Axes.Of(20_000, 1), Axes.Of(20_000, 3), null),
        (Axes.Of(1, 20_000), Axes.Of(3, 20_000), null),
    ];

    public static OpCase BroadcastAdd(BroadcastShape shape, float scale) =>
        new(BroadcastAddOp.Spec(shape, scale))
        {
            Tolerance = Tolerance.AddScaled, Scale = inputs => BroadcastAdd(shape, Math.Abs(scale)).RunReference(Absolute(inputs)),
        };

    public static OpCase BroadcastMultiply(BroadcastShape shape, float scale) =>
        new(BroadcastMultiplyOp.Spec(shape, scale)) { Tolerance = Tolerance.AddScaled };

    /// <summary>x, factor if there is one → y.</summary>
    public static OpCase SumOver(Axes y, Axes x, Axes? factor = null, float scale = 1) =>
        new(SumOverOp.Spec(y, x, factor, scale))
        {
            Tolerance = Tolerance.BlockedSum(x.Length / y.Length),
            Scale = inputs => SumOver(y, x, factor, Math.Abs(scale)).RunReference(Absolute(inputs)),
        };

    public static OpCase Repeat(Axes x, Axes y, float scale) => new(RepeatOp.Spec(x, y, scale)) { Tolerance = Tolerance.Product };

    private static IEnumerable<OpCase> AxesCases() =>
    [
        .. Broadcasts.Select(shape => BroadcastAdd(shape, -0.3f)),
        .. Broadcasts.Select(shape => BroadcastMultiply(shape, -0.3f)),
        .. Sums.Select(sum => SumOver(sum.Y, sum.X, sum.Factor, 0.7f)),
        .. Sums.Select(sum => Repeat(sum.Y, sum.X, 0.7f)),
    ];
}
