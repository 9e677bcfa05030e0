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

    /// <summary>Of −4, −2, 9, 11 the groups of two lie 13 apart: 2·2·13² is more than 1·3·10² and 3·1·10².</summary>
    [Theory]
    [InlineData(new[] { -4f, 9, -2, 11 }, new[] { 0f, 1, 0, 1 })]
    [InlineData(new[] { 0f, 0, 0, 7 }, new[] { 0f, 0, 0, 1 })]
    [InlineData(new[] { 0f, 7, 7, 7 }, new[] { 0f, 1, 1, 1 })]
    [InlineData(new[] { 7f, 7, 7 }, new[] { 0f, 0, 0 })]
    public void OtsusThresholdSeparatesTwoGroups(float[] inverted, float[] mask)
    {
        Assert.Equal(mask, MaskOf(inverted, MaskSize.Otsu));
        Assert.Equal(mask, MaskOf([.. inverted.Select(value => 3 * value - 100)], MaskSize.Otsu));
    }

    private static float[] MaskOf(float[] inverted, double threshold) => MaskOf(inverted, MaskSize.Threshold(threshold));

    private static float[] MaskOf(float[] inverted, MaskSize size)
    {
        float[] mask = new float[inverted.Length];
        size.Mask(inverted, mask);
        return mask;
    }
}
