namespace Engine.Nn.Tests;

public class SchedulesTests
{
    [Fact]
    public void StepDecayMultipliesAfterEveryEpoch()
    {
        StepDecay schedule = new(0.01, 0.85);
        Assert.Equal([0.01, 0.0085, 0.007225, 0.00614125], [.. Rates(schedule, 1, 5, 5, 5)], CloseTo);
    }

    [Theory]
    [InlineData("0.5 0.4 0.3 0.3 0.2 0.2 0.3", "1 1 1 1 1 1 1")] // Never twice in a row.
    [InlineData("0.5 0.5 0.5 0.4", "1 1 1 0.5")]
    [InlineData("0.5 0.5 0.5 0.5 0.5 0.5 0.5", "1 1 1 0.5 0.5 0.25 0.25")] // The count starts again.
    [InlineData("0.5 0.5 0.4 0.4 0.5 0.5 0.5 0.4", "1 1 1 1 1 1 1 0.5")]
    [InlineData("0.1234 0.1239 0.1231 0.5", "1 1 1 0.5")] // The fourth decimal is cut …
    [InlineData("0.1239 0.1241 0.1239 0.1241 0.5", "1 1 1 1 1")] // … and nothing is rounded.
    [InlineData("NaN NaN NaN NaN", "1 1 1 1")]
    public void HalveOnPlateauWantsTwoUnchangedEpochs(string losses, string rates) =>
        Assert.Equal(Numbers(rates), Rates(new HalveOnPlateau(1), Numbers(losses)));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ARestoredScheduleHasTheSameFuture(bool halving)
    {
        double[] losses = Numbers("0.9 0.5 0.5 0.5 0.5 0.4 0.4 0.3 0.3 0.3 0.3 0.3");
        ISchedule Create(double rate) => halving ? new HalveOnPlateau(rate) : new StepDecay(rate, 0.85);
        double[] expected = Rates(Create(0.01), losses);
        for (int epoch = 0; epoch < losses.Length; epoch++)
        {
            ISchedule first = Create(0.01), second = Create(1);
            Rates(first, losses[..epoch]);
            second.State = first.State;
            Assert.Equal(expected[epoch..], Rates(second, losses[epoch..]));
        }
    }

    private static bool CloseTo(double expected, double actual) => Math.Abs(expected - actual) <= 1e-15;

    private static double[] Numbers(string text) => [.. text.Split(' ').Select(double.Parse)];

    // The rate that each of the epochs runs with.
    private static double[] Rates(ISchedule schedule, params double[] losses) =>
    [
        .. losses.Select(loss =>
        {
            double rate = schedule.LearningRate;
            schedule.EndEpoch(loss);
            return rate;
        }),
    ];
}
