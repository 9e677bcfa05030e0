namespace Engine.Kernels.Tests;

public class ConvTranspose2dTests
{
    private static readonly float[] Image = [1, 2, 3, 4];
    private static readonly float[] Filter = [1, 2, 3, 4, 5, 6];

    [Theory, EveryDevice]
    public void KnownAnswer(Device device) =>
        Ops.ConvTranspose2d(new(1, 1, 2, 2, 1, 2, 3, strideH: 2, strideW: 2)).AssertAnswer(
            device, [1, 2, 5, 4, 6, 4, 5, 14, 10, 12, 3, 6, 13, 8, 12, 12, 15, 34, 20, 24], Image, Filter);

    [Theory, EveryDevice]
    public void KnownAnswerWithPaddingAndBias(Device device) =>
        Ops.ConvTranspose2d(new(1, 1, 2, 2, 1, 2, 3, strideH: 2, strideW: 2, padH: 1, padW: 1), bias: true).AssertAnswer(
            device, [105, 114, 110, 106, 113, 108], Image, Filter, [100]);

    [Theory, EveryDevice]
    public void KnownAnswerWithAFilterSmallerThanTheStride(Device device) =>
        Ops.ConvTranspose2d(new(1, 1, 1, 2, 1, 1, 1, strideW: 3), bias: true).AssertAnswer(device, [10, 7, 7, 13], [1, 2], [3], [7]);

    [Theory, EveryDevice]
    public void KnownAnswerOfChannels(Device device) =>
        Ops.ConvTranspose2d(new(1, 2, 1, 1, 2, 1, 1)).AssertAnswer(device, [52, 73], [1, 10], [2, 3, 5, 7]);

    [Theory, EveryDevice]
    public void KnownAnswerWithDilation(Device device) =>
        Ops.ConvTranspose2d(new(1, 1, 1, 2, 1, 1, 2, dilationW: 2)).AssertAnswer(device, [1, 2, 10, 20], [1, 2], [1, 10]);

    /// <summary>
    /// Winograd's transforms of 4×4 filters cost digits: errors as parts of the sum of the terms' absolute values, of the published inversion network's
    /// widest layer and of its gradient (3.0e-6 and 1.9e-6 seen). A sum that lost its last two bits would fail.
    /// </summary>
    [Fact]
    public void WinogradWithTheBatchLastKeepsItsDigits()
    {
        ConvTranspose2dShape shape = new(16, 64, 8, 8, 32, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last);
        Assert.True(BatchLastWinograd.Suits(shape));
        Ops.ConvTranspose2d(shape).AssertDigits(6e-6);
        Ops.ConvTranspose2dBackwardData(shape).AssertDigits(6e-6);
    }

    [Fact]
    public void CasesCoverBothForms()
    {
        Assert.All(Ops.BatchLastTransposedWinograd, shape => Assert.True(BatchLastWinograd.Suits(shape)));
        Assert.All(Ops.BatchLastTransposedWinograd[..1], shape => Assert.Equal(Conv2dForm.BatchLastWinograd, Conv2d.ChooseForm(shape.Gradient)));
    }

    /// <summary>
    /// ⟨conv(x), y⟩ = ⟨x, convᵀ(y)⟩: the same weights, K×C×R×S to one and C×K×R×S with the roles of C and K swapped to the other, wherever
    /// the strides leave no row or column of x over.
    /// </summary>
    [Theory, EveryDevice]
    public void IsTheAdjointOfConv2d(Device device)
    {
        using IBackend backend = device.Open();
        int checkedShapes = 0;
        foreach (int stride in new[] { 1, 2, 3 })
        foreach (int pad in new[] { 0, 1, 2 })
        foreach (int dilation in new[] { 1, 2, 3 })
        foreach ((int r, int s) in new[] { (1, 2), (2, 3), (3, 1), (4, 4) })
        {
            // Each axis is as long as four strides and a filter; the strides of the two differ.
            int strideW = stride % 3 + 1, padW = 2 - pad;
            int h = 4 * stride + (r - 1) * dilation + 1 - 2 * pad, w = 4 * strideW + (s - 1) * dilation + 1 - 2 * padW;
            Conv2dShape forward = new(2, 3, h, w, 4, r, s, stride, strideW, pad, padW, dilation, dilation);
            ConvTranspose2dShape backward = new(2, 4, forward.P, forward.Q, 3, r, s, stride, strideW, pad, padW, dilation, dilation);
            Assert.Equal((h, w), (backward.P, backward.Q));

            Random random = new(checkedShapes++);
            float[] x = Numbers(forward.XLength), filter = Numbers(forward.WLength), y = Numbers(forward.YLength);
            float[] convolved = Ops.Conv2d(forward).Run(backend, x, filter);
            float[] returned = Ops.ConvTranspose2d(backward).Run(backend, y, filter);

            // Integers below 4 make both sides exact.
            Assert.Equal(Dot(convolved, y), Dot(x, returned));

            float[] Numbers(int length) => [.. Enumerable.Range(0, length).Select(_ => (float)random.Next(-3, 4))];
        }

        Assert.Equal(108, checkedShapes);
    }

    private static double Dot(float[] a, float[] b) => a.Zip(b, (left, right) => (double)left * right).Sum();

    /// <summary>y = [1 10 2 20 3 30] for x = [1 2 3] and w = [1 10] with stride 2.</summary>
    [Theory, EveryDevice]
    public void KnownAnswerOfTheGradients(Device device)
    {
        ConvTranspose2dShape shape = new(1, 1, 1, 3, 1, 1, 2, strideW: 2);
        float[] dy = [1, 2, 3, 4, 5, 6];
        Ops.ConvTranspose2dBackwardData(shape).AssertAnswer(device, [21, 43, 65], dy, [1, 10]);
        Ops.ConvTranspose2dBackwardFilter(shape, bias: true).AssertAnswer(device, [22, 28, 21], [1, 2, 3], dy);
    }
}
