using CsCheck;

namespace Engine.Kernels.Tests;

/// <content>What moves elements, and the Fourier transform.</content>
internal static partial class Ops
{
    private static readonly Crop2dShape[] Crops = [new(1, 1, 1, 1, 1), new(3, 7, 5, 7, 5), new(2, 9, 11, 4, 3), new(4, 6, 8, 1, 8)];

    private static readonly TransposeShape[] Transpositions = [new(1, 1), new(7, 1), new(32, 300), new(300, 17), new(40, 33)];

    private static readonly RealFftShape[] Transforms =
    [
        new(1, 4, 1, 3), new(1, 4, 4, 1), new(5, 8, 3, 5), new(17, 64, 10, 33), new(18, 64, 10, 7), new(19, 16, 16, 9),
        new(4, 8, 11, 5), // samples that no frame sees
        new(3, 1024, 315, 513),
    ];

    public static OpCase Crop2d(Crop2dShape shape) => new(Crop2dOp.Spec(shape));

    public static OpCase Crop2dBackward(Crop2dShape shape) => new(Crop2dBackwardOp.Spec(shape));

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
        .. Crops.Concat(Generate(GenCrop2d)).Select(Crop2d),
        .. Crops.Concat(Generate(GenCrop2d)).Select(Crop2dBackward),
        .. Transpositions.Select(Transpose),
        .. Transforms.Concat(Generate(GenRealFft)).Select(RealFft),
    ];

    private static Gen<Crop2dShape> GenCrop2d =>
        Gen.Select(Gen.Int[1, 5], Pair(1, 20), Pair(0, 9), (planes, size, more) =>
            new Crop2dShape(planes, size.H + more.H, size.W + more.W, size.H, size.W));

    private static Gen<RealFftShape> GenRealFft =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[2, 7], Gen.Int[1, 150], Gen.Double[0, 1], (frames, log, hop, part) =>
            new RealFftShape(frames, 1 << log, hop, 1 + (int)(part * (1 << (log - 1)))));
}
