using CsCheck;

namespace Engine.Kernels.Tests;

/// <content>What moves elements, and the Fourier transform.</content>
internal static partial class Ops
{
    private static readonly Pad2dShape[] Paddings =
    [
        new(1, 1, 1, 1, 1), new(3, 7, 5, 7, 5), new(2, 9, 11, 4, 3), new(4, 6, 8, 1, 8), // crops
        new(3, 7, 5, 9, 7, 1, 1), new(2, 1, 1, 6, 5, 5, 0), new(2, 9, 11, 10, 12, -3, 2), new(2, 4, 3, 2, 8, -1, 5), new(1, 8, 9, 2, 3, -6, -6),
    ];

    private static readonly TransposeShape[] Transpositions = [new(1, 1), new(7, 1), new(32, 300), new(300, 17), new(40, 33), new(5, 3, 4), new(17, 150, 3)];

    private static readonly RealFftShape[] Transforms =
    [
        new(1, 4, 1, 3), new(1, 4, 4, 1), new(5, 8, 3, 5), new(17, 64, 10, 33), new(18, 64, 10, 7), new(19, 16, 16, 9),
        new(4, 8, 11, 5), // samples that no frame sees
        new(3, 1024, 315, 513),
    ];

    public static OpCase Pad2d(Pad2dShape shape) => new(Pad2dOp.Spec(shape));

    public static OpCase Transpose(TransposeShape shape) => new(TransposeOp.Spec(shape));

    public static OpCase RealFft(RealFftShape shape) =>
        new(RealFftOp.Spec(shape))
        {
            Tolerance = Tolerance.Fft(shape.Size),
            Scale = inputs =>
            {
                // Bin 0 of the absolute values is Σ|x·window|, for all bins of the frame.
                RealFftShape sums = new(shape.Frames, shape.Size, shape.Hop, 1);
                float[] frames = RealFft(sums).RunReference(Absolute(inputs));
                return [.. Enumerable.Range(0, shape.YLength).Select(i => frames[i / (2 * shape.Bins) * 2])];
            },
        };

    private static IEnumerable<OpCase> MoveCases() =>
    [
        .. Paddings.Concat(Generate(GenPad2d)).Select(Pad2d),
        .. Transpositions.Select(Transpose),
        .. Transforms.Concat(Generate(GenRealFft)).Select(RealFft),
    ];

    private static Gen<Pad2dShape> GenPad2d =>
        Gen.Select(Gen.Int[1, 5], Pair(1, 20), Pair(1, 20), Pair(-20, 20), (planes, from, to, margin) => new Pad2dShape(
            planes, from.H, from.W, to.H, to.W, Math.Clamp(margin.H, 1 - from.H, to.H - 1), Math.Clamp(margin.W, 1 - from.W, to.W - 1)));

    private static Gen<RealFftShape> GenRealFft =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[2, 7], Gen.Int[1, 150], Gen.Double[0, 1], (frames, log, hop, part) =>
            new RealFftShape(frames, 1 << log, hop, 1 + (int)(part * (1 << (log - 1)))));
}
