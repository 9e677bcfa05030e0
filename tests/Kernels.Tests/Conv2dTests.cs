using Engine.Kernels.Simd;

namespace Engine.Kernels.Tests;

public class Conv2dTests
{
    private static readonly float[] Image = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    private static readonly float[] Filter = [1, 2, 3, 4];

    [Theory, EveryDevice]
    public void KnownAnswer(Device device) =>
        Ops.Conv2d(new(1, 1, 3, 4, 1, 2, 2), bias: true).AssertAnswer(device, [54, 64, 74, 94, 104, 114], Image, Filter, [10]);

    [Theory, EveryDevice]
    public void KnownAnswerWithPaddingAndStride(Device device) =>
        Ops.Conv2d(new(1, 1, 3, 4, 1, 2, 2, strideH: 2, strideW: 3, padH: 1, padW: 1)).AssertAnswer(
            device, [4, 25, 46, 104], Image, Filter);

    [Theory, EveryDevice]
    public void KnownAnswerWithDilation(Device device) =>
        Ops.Conv2d(new(1, 1, 3, 4, 1, 2, 2, dilationH: 2, dilationW: 3)).AssertAnswer(device, [84], Image, Filter);

    [Theory, EveryDevice]
    public void KnownAnswerOfSamplesChannelsAndFilters(Device device) =>
        Ops.Conv2d(new(2, 2, 1, 2, 2, 1, 1), bias: false, Activation.LeakyRelu(0.5f)).AssertAnswer(
            device, [31, 42, -0.5f, 0, 75, 86, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8], [1, 10, 2, -1]);

    /// <summary>A stride may be as large as an int: one output column, whatever lies to its right.</summary>
    [Theory, EveryDevice]
    public void KnownAnswerWithTheLargestStride(Device device) =>
        Ops.Conv2d(new(1, 1, 1, 5, 1, 1, 2, strideW: int.MaxValue)).AssertAnswer(device, [21], [1, 2, 3, 4, 5], [1, 10]);

    /// <summary>
    /// Winograd's transforms cost digits: errors as parts of the sum of the terms' absolute values, in tiles of 3×3 (4.6e-7 seen) and of 4×4
    /// (1.25e-6 seen). A sum that lost its last two bits would fail.
    /// </summary>
    [Theory]
    [InlineData(33, 21, 1e-6)]
    [InlineData(35, 23, 2.5e-6)]
    public void WinogradKeepsItsDigits(int rows, int columns, double tolerance) =>
        AssertDigits(new(1, 64, rows + 2, columns + 2, 32, 3, 3), tolerance);

    /// <summary>The same in tiles of rows, with fc7's filters: sums of 4928 terms (1.4e-8 seen).</summary>
    [Fact]
    public void TilesOfRowsKeepTheirDigits() => AssertDigits(new(1, 64, 131, 7, 32, 11, 7, dilationH: 9), 3e-8);

    /// <summary>The same where the batch lies last, in tiles of 4×4, as in the published inversion network's widest layer: at padded edges, whose
    /// sums have few terms, more is lost (2.7e-6 seen).</summary>
    [Fact]
    public void WinogradWithTheBatchLastKeepsItsDigits()
    {
        Conv2dShape shape = new(16, 64, 8, 8, 64, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last);
        Assert.Equal(Conv2dForm.BatchLastWinograd, Conv2d.ChooseForm(shape));
        AssertDigits(shape, 5.5e-6);
    }

    private static void AssertDigits(Conv2dShape shape, double tolerance) => Ops.Conv2d(shape).AssertDigits(tolerance);

    /// <summary>Gradients of filters in Winograd's tiles, as parts of the sum of the terms' absolute values (1.7e-8 seen).</summary>
    [Fact]
    public void FilterGradientsInWinogradsTilesKeepTheirDigits() => Ops.Conv2dBackwardFilter(new(8, 32, 37, 25, 128, 3, 3), bias: false).AssertDigits(3.5e-8);

    /// <summary>The same where the batch lies last, of 3×3 filters and of 4×4 ones with a stride of 2 (7.1e-8 and 4.1e-8 seen).</summary>
    [Fact]
    public void FilterGradientsInWinogradsTilesWithTheBatchLastKeepTheirDigits()
    {
        Ops.Conv2dBackwardFilter(Ops.BatchLastWinogradGradients[0], bias: false).AssertDigits(1.5e-7);
        Ops.Conv2dBackwardFilter(Ops.BatchLastWinogradGradients[1], bias: false).AssertDigits(8e-8);
    }

    /// <summary>The same with channels in the lanes: 1.9e-7 of sums of 10 080 terms was seen, and 7.1e-7 of 4×4 filters in small maps, with 512
    /// terms.</summary>
    [Fact]
    public void FilterGradientsWithChannelsInTheLanesKeepTheirDigits()
    {
        Ops.Conv2dBackwardFilter(Ops.BatchLastWinogradGradients[2], bias: false).AssertDigits(4e-7);
        Ops.Conv2dBackwardFilter(Ops.BatchLastWinogradGradients[6], bias: false).AssertDigits(1.5e-6);
    }

    /// <summary>Gradients of the filters of one channel with the channels last, in sums of a row each (4.4e-9 seen).</summary>
    [Fact]
    public void FilterGradientsOfOneChannelKeepTheirDigits() =>
        Ops.Conv2dBackwardFilter(new(4, 1, 115, 80, 64, 3, 3, layout: BatchLayout.ChannelsLast), bias: false).AssertDigits(9e-9);

    [Fact]
    public void CasesCoverAllForms()
    {
        Assert.All(Ops.FewChannels, shape => Assert.Equal(Conv2dForm.FewChannels, Conv2d.ChooseForm(shape)));
        Assert.All(Ops.BatchLastWinograd, shape => Assert.Equal(Conv2dForm.BatchLastWinograd, Conv2d.ChooseForm(shape)));
        Assert.All(Ops.WholeWidth, shape => Assert.Equal(Conv2dForm.WholeWidth, Conv2d.ChooseForm(shape)));
        Assert.All(Ops.Winograd[..2], shape => Assert.Equal(Conv2dForm.Winograd3, Conv2d.ChooseForm(shape)));
        Assert.All(Ops.Winograd[2..], shape => Assert.Equal(Conv2dForm.Winograd4, Conv2d.ChooseForm(shape)));
        Assert.Equal(Conv2dForm.Unpadded, Conv2d.ChooseForm(new(1, 2, 15, 64, 3, 3, 3, dilationH: 4)));
        Assert.Equal(Conv2dForm.General, Conv2d.ChooseForm(new(1, 2, 5, 6, 17, 2, 3)));
        Assert.Equal(Conv2dForm.General, Conv2d.ChooseForm(new(1, 2, 15, 64, 3, 3, 3, padH: 1)));
        Assert.Equal(Conv2dForm.General, Conv2d.ChooseForm(new(1, 2, 15, 64, 3, 3, 3, strideW: 2)));
    }

    /// <summary>x = [1 2 3], w = [1 10], dy = [1 100] give y[q] = x[q] + 10·x[q + 1].</summary>
    [Theory, EveryDevice]
    public void KnownAnswerOfTheGradients(Device device)
    {
        Conv2dShape shape = new(1, 1, 1, 3, 1, 1, 2);
        Ops.Conv2dBackwardData(shape).AssertAnswer(device, [1, 110, 1000], [1, 100], [1, 10]);
        Ops.Conv2dBackwardFilter(shape, bias: true).AssertAnswer(device, [201, 302, 101], [1, 2, 3], [1, 100]);
    }

    /// <summary>With stride 2 and padding 1 the last column is reached by no window: its gradient is 0.</summary>
    [Theory, EveryDevice]
    public void KnownAnswerOfTheGradientsWithPaddingAndStride(Device device)
    {
        Conv2dShape shape = new(1, 1, 1, 5, 1, 1, 2, strideW: 3, padW: 1);
        Assert.Equal(2, shape.Q);
        Ops.Conv2dBackwardData(shape).AssertAnswer(device, [10, 0, 100, 1000, 0], [1, 100], [1, 10]);
        Ops.Conv2dBackwardFilter(shape, bias: false).AssertAnswer(device, [300, 401], [1, 2, 3, 4, 5], [1, 100]);
    }

    /// <summary>Two samples of two channels to two: dw[k, c] = Σ_n dy[n, k]·x[n, c].</summary>
    [Theory, EveryDevice]
    public void KnownAnswerOfTheGradientsOfSamplesChannelsAndFilters(Device device)
    {
        Conv2dShape shape = new(2, 2, 1, 1, 2, 1, 1);
        Ops.Conv2dBackwardData(shape).AssertAnswer(device, [21, 43, 2100, 4300], [1, 10, 100, 1000], [1, 3, 2, 4]);
        Ops.Conv2dBackwardFilter(shape, bias: true).AssertAnswer(device, [301, 402, 3010, 4020, 101, 1010], [1, 2, 3, 4], [1, 10, 100, 1000]);
    }

    [Theory, EveryDevice]
    public void KnownAnswerOfTheGradientsWithTheLargestStride(Device device)
    {
        Conv2dShape shape = new(1, 1, 1, 5, 1, 1, 2, strideW: int.MaxValue);
        Ops.Conv2dBackwardData(shape).AssertAnswer(device, [3, 30, 0, 0, 0], [3], [1, 10]);
        Ops.Conv2dBackwardFilter(shape, bias: false).AssertAnswer(device, [3, 6], [1, 2, 3, 4, 5], [3]);
    }

    [Fact]
    public void CasesCoverAllFormsOfTheFilterGradient()
    {
        AssertCovered<V512>();
        AssertCovered<V256>();
        AssertCovered<V128>();
        AssertCovered<V1>(allButGathered: true);
        Assert.Equal(FilterGradientForm.Winograd, Conv2d.ChooseFilterForm<V256>(new(32, 64, 113, 78, 32, 3, 3)));
        Assert.Equal(FilterGradientForm.Dots, Conv2d.ChooseFilterForm<V256>(new(32, 1, 115, 80, 64, 3, 3)));
        Assert.All(Ops.BatchLastWinogradGradients, shape => Assert.True(BatchLastWinogradGradient.Suits(shape)));

        static void AssertCovered<TV>(bool allButGathered = false)
            where TV : unmanaged, IVector<TV>
        {
            FilterGradientForm[] forms = [.. Ops.FilterGradients.Select(shape => Conv2d.ChooseFilterForm<TV>(shape)).Distinct()];
            Assert.Contains(FilterGradientForm.InPlace, forms);
            Assert.Contains(FilterGradientForm.Dots, forms);
            Assert.Contains(FilterGradientForm.Winograd, forms);

            // A tile of three columns is too narrow for gathering to pay.
            if (!allButGathered) Assert.Contains(FilterGradientForm.Gathered, forms);
        }
    }
}
