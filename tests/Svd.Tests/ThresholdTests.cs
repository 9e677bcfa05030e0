using Engine.Svd.Explain;

namespace Engine.Svd.Tests;

public class ThresholdTests
{
    [Theory]
    [InlineData(0, new[] { 1f, 1, 1, 1 })]
    [InlineData(0.25, new[] { 0f, 1, 1, 1 })]
    [InlineData(0.6, new[] { 0f, 0, 0, 1 })]
    [InlineData(1, new[] { 0f, 0, 0, 1 })]
    [InlineData(1.1, new[] { 0f, 0, 0, 0 })]
    public void KeepsWhatReachesTheThreshold(double threshold, float[] mask) => Assert.Equal(mask, MaskOf([-1, 0, 1, 3], threshold));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1e-9, 0)]
    [InlineData(0.6, 0)]
    public void WithoutContrastEverythingIsZero(double threshold, float mask) => Assert.Equal([mask, mask], MaskOf([7, 7], threshold));

    private static float[] MaskOf(float[] inverted, double threshold)
    {
        float[] mask = new float[inverted.Length];
        new MaskSize(threshold, IsThreshold: true).Mask(inverted, mask);
        return mask;
    }
}
