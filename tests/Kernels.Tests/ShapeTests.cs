namespace Engine.Kernels.Tests;

public class ShapeTests
{
    private const int Huge = int.MaxValue;

    // By name: how a shape is made from its sizes, valid ones, and which of them may be zero.
    private static readonly Dictionary<string, (Func<int[], object> Make, int[] Valid, int[] MayBeZero)> Shapes = new()
    {
        ["conv2d"] = (
            s => new Conv2dShape(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12]),
            [11, 12, 113, 114, 15, 6, 7, 2, 3, 4, 5, 8, 9], [9, 10]),
        ["transposed conv2d"] = (
            s => new ConvTranspose2dShape(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12]),
            [11, 12, 113, 114, 15, 6, 7, 2, 3, 4, 5, 8, 9], [9, 10]),
        ["dense"] = (s => new DenseShape(s[0], s[1], s[2]), [11, 12, 13], []),
        ["batch norm"] = (s => new BatchNormShape(s[0], s[1], s[2]), [11, 12, 13], []),
        ["max pool"] = (
            s => new MaxPool2dShape(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9]), [11, 12, 113, 114, 6, 7, 2, 3, 8, 9], []),
        ["padding"] = (s => new Pad2dShape(s[0], s[1], s[2], s[3], s[4]), [11, 22, 23, 14, 15], []),
        ["real FFT"] = (s => new RealFftShape(s[0], s[1], s[2], s[3]), [11, 64, 12, 13], []),
    };

    public static TheoryData<string> Names => [.. Shapes.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void EverySizeIsChecked(string name)
    {
        (Func<int[], object> make, int[] valid, int[] mayBeZero) = Shapes[name];
        string all = make(valid).ToString()!;
        for (int i = 0; i < valid.Length; i++)
        {
            Assert.Contains($"{valid[i]}", all);
            int wrong = mayBeZero.Contains(i) ? -1 : 0;
            string message = Assert.Throws<ArgumentException>(() => make([.. valid[..i], wrong, .. valid[(i + 1)..]])).Message;

            // The message shows the whole shape, with the wrong size in its place.
            Assert.StartsWith(name, message[(message.IndexOf(": ", StringComparison.Ordinal) + 2)..]);
            Assert.All(valid.Where((_, other) => other != i), size => Assert.Contains($"{size}", message));
            Assert.Contains($"{wrong}", message);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void NoSizeOverflows(string name)
    {
        // With any one or two sizes huge, either every derived number is a valid length or the shape is refused.
        (Func<int[], object> make, int[] valid, _) = Shapes[name];
        for (int i = 0; i < valid.Length; i++)
        for (int j = i; j < valid.Length; j++)
        foreach (int size in new[] { Huge, Huge / 2, 1 << 30, 1 << 16 })
        {
            int[] sizes = [.. valid];
            (sizes[i], sizes[j]) = (size, size);
            object shape;
            try
            {
                shape = make(sizes);
            }
            catch (ArgumentException)
            {
                continue;
            }

            Assert.All(
                shape.GetType().GetProperties().Where(property => property.PropertyType == typeof(int)),
                property => Assert.True((int)property.GetValue(shape)! >= 0, $"{property.Name} of {shape} is {property.GetValue(shape)}"));
        }
    }

    [Fact]
    public void OutputSizesAreTheFormulas()
    {
        Conv2dShape conv = new(2, 3, 10, 20, 5, 3, 4, strideH: 2, strideW: 3, padH: 1, padW: 2, dilationH: 2, dilationW: 3);
        Assert.Equal((4, 5), (conv.P, conv.Q));
        Assert.Equal((1200, 180, 200), (conv.XLength, conv.WLength, conv.YLength));
        ConvTranspose2dShape transposed = new(2, 3, 10, 20, 5, 3, 4, strideH: 2, strideW: 3, padH: 1, padW: 2, dilationH: 2, dilationW: 3);
        Assert.Equal((21, 63), (transposed.P, transposed.Q));
        MaxPool2dShape pool = new(2, 3, 10, 20, 3, 4, strideH: 2, strideW: 3, dilationH: 2, dilationW: 3);
        Assert.Equal((3, 4), (pool.P, pool.Q));
        RealFftShape transform = new(11, 64, 12, 13);
        Assert.Equal((184, 286), (transform.XLength, transform.YLength));
    }

    [Fact]
    public void WhatDoesNotFitIsRefusedWithItsSizes()
    {
        AssertRefused("1×1×3×4", () => new Conv2dShape(1, 1, 3, 4, 1, 4, 1));
        AssertRefused("w 1×1×2×2", () => new Conv2dShape(1, 1, 3, 4, 1, 2, 2, dilationW: 4));
        AssertRefused("padding 2×0", () => new ConvTranspose2dShape(1, 1, 3, 4, 1, 2, 2, padH: 2));
        AssertRefused("window 1×5", () => new MaxPool2dShape(1, 1, 3, 4, 1, 5, 1, 1));
        AssertRefused("with margins 0, 5", () => new Pad2dShape(1, 3, 4, 3, 5, 0, 5));
        AssertRefused("frames of 6", () => new RealFftShape(1, 6, 1, 1));
        AssertRefused("frames of 2", () => new RealFftShape(1, 2, 1, 1));
        AssertRefused("34 bins", () => new RealFftShape(1, 64, 1, 34));

        // Sizes that are each fine, and arrays that no buffer can hold.
        AssertRefused("65536×65536", () => new DenseShape(1, 65536, 65536));
        AssertRefused("1×1×65536×65536", () => new Conv2dShape(1, 1, 65536, 65536, 1, 1, 1));
        AssertRefused($"{Huge}", () => new Conv2dShape(1, 1, 1, 1, 1, 1, 1, padH: Huge));
        AssertRefused($"{Huge}", () => new Conv2dShape(1, 1, 1, 1, 1, 3, 1, padH: Huge, dilationH: Huge));
        AssertRefused($"{Huge}", () => new ConvTranspose2dShape(1, 1, 3, 1, 1, 1, 1, strideH: Huge));
        AssertRefused($"{Huge}", () => new ConvTranspose2dShape(1, 1, 1, 1, 1, 3, 1, padH: Huge, dilationH: Huge));
        AssertRefused($"{Huge}", () => new RealFftShape(3, 64, Huge, 1));
    }

    private static void AssertRefused(string sizes, Func<object> make) =>
        Assert.Contains(sizes, Assert.Throws<ArgumentException>(make).Message);
}
