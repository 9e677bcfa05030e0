using Engine.Svd.Explain;
using Engine.Svd.FrontEnd;
using static Engine.Svd.FrontEnd.FrontEndSettings;

namespace Engine.Svd.Tests.Evaluate;

public class MaskFillTests
{
    private static readonly BandStatistics _statistics =
        new([.. Enumerable.Range(1, Bands).Select(band => (double)band)], [.. Enumerable.Repeat(2.0, Bands)]);

    [Fact]
    public void ZeroIsTheBandsMeanAndM2AZeroFromBeforeNormalisation()
    {
        float[] excerpt = [.. Enumerable.Repeat(7f, ExcerptLength)];
        Assert.Empty(MaskFills.Of(MaskFill.Zero, excerpt, _statistics));
        float[] mask = new float[ExcerptLength], shown = new float[ExcerptLength];
        mask[5] = 1;
        MaskedPredictor.Show(excerpt, mask, MaskSide.Kept, [], shown);
        Assert.Equal((7f, 0f), (shown[5], shown[6]));
        MaskedPredictor.Show(excerpt, mask, MaskSide.Removed, [], shown);
        Assert.Equal((0f, 7f), (shown[5], shown[6]));
        float[] m2 = Fill(MaskFill.M2, excerpt);
        Assert.Equal((-0.5f, -40f, -0.5f), (m2[0], m2[Bands - 1], m2[Bands]));
        MaskedPredictor.Show(excerpt, mask, MaskSide.Kept, m2, shown);
        Assert.Equal((7f, -0.5f), (shown[5], shown[0]));
        MaskedPredictor.Show(excerpt, mask, MaskSide.Removed, m2, shown);
        Assert.Equal((m2[5], 7f), (shown[5], shown[0]));
    }

    [Fact]
    public void ABlurLeavesAConstantAndSpreadsAPointAsAGaussian()
    {
        Assert.All(Fill(MaskFill.Blur, [.. Enumerable.Repeat(7f, ExcerptLength)]), value => Assert.Equal(7, value, 1e-5));

        // Far enough from the ends in time; bands reach only one and a half deviations further on one side.
        float[] point = new float[ExcerptLength];
        const int frame = 57, band = 40;
        point[frame * Bands + band] = 1;
        float[] blurred = Fill(MaskFill.Blur, point);
        Assert.Equal(Math.Exp(-0.5), blurred[(frame + MaskFills.BlurDeviation) * Bands + band] / (double)blurred[frame * Bands + band], 1e-5);
        Assert.Equal(0, blurred[(frame + 3 * MaskFills.BlurDeviation + 1) * Bands + band]);
        Assert.Equal(blurred.Max(), blurred[frame * Bands + band]);
    }

    private static float[] Fill(MaskFill fill, float[] excerpt) => MaskFills.Of(fill, excerpt, _statistics);
}
