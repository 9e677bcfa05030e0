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

    [Fact]
    public void CasesCoverBothForms()
    {
        Assert.Equal(Conv2dForm.Direct, Conv2d.ChooseForm(new(1, 2, 15, 64, 3, 3, 3, dilationH: 4)));
        Assert.Equal(Conv2dForm.Unfolded, Conv2d.ChooseForm(new(1, 2, 5, 6, 17, 2, 3)));
        Assert.Equal(Conv2dForm.Unfolded, Conv2d.ChooseForm(new(1, 2, 15, 64, 3, 3, 3, padH: 1)));
        Assert.Equal(Conv2dForm.Unfolded, Conv2d.ChooseForm(new(1, 2, 15, 64, 3, 3, 3, strideW: 2)));
    }
}
