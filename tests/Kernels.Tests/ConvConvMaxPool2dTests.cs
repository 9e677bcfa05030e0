namespace Engine.Kernels.Tests;

public class ConvConvMaxPool2dTests
{
    /// <summary>Between the two lie 3 0 4 0 and, below, 4 0 1 0. The sums are 70 0 50 0.</summary>
    [Theory, EveryDevice]
    public void KnownAnswer(Device device)
    {
        ConvConvMaxPool2dShape shape = new(new(1, 1, 2, 5, 1, 1, 2), new(new(1, 1, 2, 4, 1, 2, 1), 1, 2, 1, 2));
        new OpCase(ConvConvMaxPool2dOp.Spec(shape, firstBias: true, Activation.Relu, bias: true)).AssertAnswer(
            device, [75, 55], [9, 5, 5, 0, 0, 8, 3, 3, 1, 1], [1, -1], [-1], [10, 10], [5]);
    }

    [Fact]
    public void CasesCoverBothForms() =>
        Assert.Equal([.. Enumerable.Repeat(true, 7), false, false], Ops.TwoConvolutions.Select(shape => ConvMaxPool2d.CanFollow(shape.First, shape.Pooled)));

    /// <summary>What a band computes of the first convolution is what the first convolution gives by itself, to the bit.</summary>
    [Theory, EveryWidth]
    public void IsOneAfterTheOther(Device device)
    {
        foreach (ConvConvMaxPool2dShape shape in Ops.TwoConvolutions)
        {
            OpCase both = Ops.ConvConvMaxPool2d(shape);
            float[][] inputs = both.RandomInputs();
            float[] between = Ops.Conv2d(shape.First).RunOn(device, inputs[..2]);
            Compare.SameBits(Ops.ConvMaxPool2d(shape.Pooled).RunOn(device, [between, inputs[2]]), both.RunOn(device, inputs), $"{shape} on {device}");
        }
    }

    [Fact]
    public void SizesThatDoNotFitAreRefused() =>
        Assert.Contains(
            "not the input of the second",
            Assert.Throws<ArgumentException>(() => new ConvConvMaxPool2dShape(new(1, 1, 9, 9, 2, 3, 3), new(new(1, 2, 8, 7, 3, 3, 3), 3, 3, 3, 3))).Message,
            StringComparison.Ordinal);
}
