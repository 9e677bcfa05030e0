using Engine.Svd.Figures;

namespace Engine.Svd.Tests;

public class MelAxisTests
{
    private const double Tolerance = 1e-9; // double arithmetic on values up to 8000, in another order

    [Fact]
    public void CentresAreThePeaksOfTheFilterbank()
    {
        double low = 1127 * Math.Log(1 + 27.5 / 700), high = 1127 * Math.Log(1 + 8000 / 700.0);
        Assert.Equal(80, MelAxis.CentresHz.Count);
        for (int band = 0; band < 80; band++)
        {
            double peak = low + (high - low) * (band + 1) / 81;
            Assert.Equal(700 * (Math.Exp(peak / 1127) - 1), MelAxis.CentresHz[band], Tolerance);
        }
    }

    [Fact]
    public void CentresRiseWithinTheFilterbank()
    {
        Assert.All(MelAxis.CentresHz.Zip(MelAxis.CentresHz.Skip(1)), pair => Assert.True(pair.First < pair.Second));
        Assert.InRange(MelAxis.CentresHz[0], 27.5, 100);
        Assert.InRange(MelAxis.CentresHz[79], 7000, 8000);
    }

    [Fact]
    public void TheCentreOfABandStandsAtItsNumber()
    {
        for (int band = 0; band < 80; band++) Assert.Equal(band, MelAxis.PositionOf(MelAxis.CentresHz[band]), Tolerance);
    }

    [Fact]
    public void TheFilterbankEndsOneBandBeyondTheOutermostCentres()
    {
        Assert.Equal(-1, MelAxis.PositionOf(27.5), Tolerance);
        Assert.Equal(80, MelAxis.PositionOf(8000), Tolerance);
    }

    [Fact]
    public void TicksStandOnTheAxis() => Assert.All(MelAxis.TicksHz, hz => Assert.InRange(MelAxis.PositionOf(hz), 0, 79));
}
