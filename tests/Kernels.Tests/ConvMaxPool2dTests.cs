namespace Engine.Kernels.Tests;

public class ConvMaxPool2dTests
{
    // Two columns to the right of each other are taken apart: x ⋆ [1, -1].
    private static readonly ConvMaxPool2dShape Differences = new(new(1, 1, 2, 5, 1, 1, 2), 2, 2, 2, 2);

    private static readonly float[] Image = [9, 4, 7, 1, 8, 2, 5, 3, 6, 6];

    /// <summary>The sums are 5 −3 6 −7, and below −3 2 −3 0.</summary>
    [Theory, EveryDevice]
    public void KnownAnswer(Device device) =>
        Ops.ConvMaxPool2d(Differences, bias: true, argmax: true, Activation.LeakyRelu(0.5f)).AssertAnswer(
            device, [-2.5f, -2, 0, 0], Image, [1, -1], [-10]);

    /// <summary>The first of the maxima in row-major order, over which dilated windows step.</summary>
    [Theory, EveryDevice]
    public void TiesGoToTheFirst(Device device)
    {
        ConvMaxPool2dShape shape = new(new(1, 1, 3, 3, 1, 1, 1), 2, 2, 1, 1, dilationH: 2, dilationW: 2);
        OpCase op = Ops.ConvMaxPool2d(shape, argmax: true);
        op.AssertAnswer(device, [6, 1], [1, 9, 3, 9, 9, 9, 3, 9, 2], [2]);
        op.AssertAnswer(device, [6, 2], [1, 9, 2, 9, 9, 9, 3, 9, 3], [2]);
        op.AssertAnswer(device, [0, 0], [0, 9, -0f, 9, 9, 9, 0, 9, 0], [2]);
    }

    /// <summary>Without anything that tells the sums of a 3×3 window apart, its first is the maximum on every path.</summary>
    [Theory, EveryDevice]
    public void FiltersOfZerosLeaveTheFirst(Device device)
    {
        ConvMaxPool2dShape shape = new(new(1, 16, 14, 14, 32, 3, 3), 3, 3, 3, 3);
        Assert.Equal(WinogradPool.Tiles, ConvMaxPool2d.ChooseForm(shape, argmax: true));
        OpCase op = Ops.ConvMaxPool2d(shape, argmax: true);
        float[] x = op.RandomInputs()[0];
        op.AssertAnswer(device, new float[op.Output], x, new float[shape.WLength]);
    }

    /// <summary>The maximum is the same with and without argmax, to the bit, in the form that finds both at once.</summary>
    [Theory, EveryWidth]
    public void ArgmaxChangesNothing(Device device)
    {
        ConvMaxPool2dShape shape = new(new(1, 32, 37, 20, 64, 3, 3), 3, 3, 3, 3);
        OpCase plain = Ops.ConvMaxPool2d(shape), both = Ops.ConvMaxPool2d(shape, argmax: true);
        float[][] inputs = plain.RandomInputs();
        Compare.SameBits(plain.RunOn(device, inputs), both.RunOn(device, inputs).AsSpan(0, shape.YLength).ToArray(), $"{shape} on {device}");
    }

    /// <summary>
    /// Sums of 576 terms against float64, relative to the largest sum of a window's terms without their signs: 3.0e-7 seen in tiles of 3×3, 1.0e-6 in tiles of
    /// 4×4, which are pooled afterwards.
    /// </summary>
    [Theory]
    [InlineData(33, 21, false, 7e-7)]
    [InlineData(36, 36, true, 2e-6)]
    public void WinogradKeepsItsDigits(int rows, int columns, bool inTilesOf4, double tolerance)
    {
        ConvMaxPool2dShape shape = new(new(1, 64, rows + 2, columns + 2, 32, 3, 3), 3, 3, 3, 3);
        Assert.Equal(inTilesOf4 ? Conv2dForm.Winograd4 : Conv2dForm.Winograd3, ConvMaxPool2d.ConvolutionForm(shape, argmax: false));
        Ops.ConvMaxPool2d(shape).AssertDigits(tolerance);
    }

    [Fact]
    public void CasesCoverAllForms()
    {
        foreach (bool argmax in new[] { false, true })
        {
            WinogradPool[] forms = [.. Ops.PooledConvolutions.Select(shape => ConvMaxPool2d.ChooseForm(shape, argmax)).Distinct()];
            Assert.Equal(argmax ? 2 : 3, forms.Length);
            Assert.Equal(
                !argmax, Ops.PooledConvolutions.Any(shape =>
                    ConvMaxPool2d.ChooseForm(shape, argmax) != WinogradPool.None && ConvMaxPool2d.ConvolutionForm(shape, argmax) == Conv2dForm.Winograd4));
        }
    }

    /// <summary>dy is 5 and 7, at the sums' places 0 and 3 of the lower row.</summary>
    [Theory, EveryDevice]
    public void KnownAnswerOfTheGradients(Device device)
    {
        Ops.ConvMaxPool2dBackwardData(Differences).AssertAnswer(device, [0, 0, 0, 0, 0, 5, -5, 0, 7, -7], [2, 3], [5, 7], [1, -1]);
        Ops.ConvMaxPool2dBackwardFilter(Differences, bias: true).AssertAnswer(device, [5 * 2 + 7 * 6, 5 * 5 + 7 * 6, 12], Image, [2, 3], [5, 7]);
    }

    [Fact]
    public void AnActivationThatFallsIsRefused() =>
        Assert.Contains(
            "never falls", Assert.Throws<ArgumentException>(() => Ops.ConvMaxPool2d(Differences, activation: Activation.LeakyRelu(-0.5f))).Message,
            StringComparison.Ordinal);
}
