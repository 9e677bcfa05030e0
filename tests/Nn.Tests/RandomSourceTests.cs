namespace Engine.Nn.Tests;

public class RandomSourceTests
{
    [Fact]
    public void TheSequenceIsThatOfTheAuthorsCode()
    {
        // xoshiro256** from the state 1, 2, 3, 4: the first numbers of the reference implementation.
        RandomSource random = RandomSource.FromState([1, 2, 3, 4]);
        ulong[] expected = [11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600];
        foreach (ulong value in expected) Assert.Equal(value, random.NextUInt64());
    }

    [Fact]
    public void ARestoredStateContinues()
    {
        RandomSource random = new(7);
        random.NextGaussian();
        RandomSource restored = RandomSource.FromState(random.State);
        for (int i = 0; i < 100; i++) Assert.Equal(random.NextGaussian(), restored.NextGaussian());
        Assert.Throws<ArgumentException>(() => RandomSource.FromState([0, 0, 0, 0]));
        Assert.Throws<ArgumentException>(() => RandomSource.FromState([1, 2, 3]));
    }

    [Fact]
    public void PathsAreDifferentStreams()
    {
        ulong[] starts =
        [
            new RandomSource(1).NextUInt64(), new RandomSource(2).NextUInt64(), new RandomSource(1, 0).NextUInt64(), new RandomSource(1, 1).NextUInt64(),
            new RandomSource(1, 0, 1).NextUInt64(), new RandomSource(1, 1, 0).NextUInt64(), new RandomSource(0, 0).NextUInt64(),
            new RandomSource(2, 2).NextUInt64(),
        ];
        Assert.Equal(starts.Length, starts.Distinct().Count());
        RandomSource restarted = new(4);
        restarted.Restart(1, 2, 3);
        Assert.Equal(new RandomSource(1, 2, 3).State, restarted.State);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    public void IntegersAreUniform(int bound)
    {
        const int draws = 100_000;
        RandomSource random = new(3);
        int[] counts = new int[bound];
        for (int i = 0; i < draws; i++) counts[random.NextInt(bound)]++;

        // Five standard deviations.
        double expected = (double)draws / bound, deviation = Math.Sqrt(expected * (1 - 1.0 / bound));
        Assert.All(counts, count => Assert.InRange(count, expected - 5 * deviation, expected + 5 * deviation));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt(0));
    }

    [Fact]
    public void LargeBoundsAreReached()
    {
        RandomSource random = new(4);
        int[] drawn = [.. Enumerable.Range(0, 1000).Select(_ => random.NextInt(int.MaxValue))];
        Assert.All(drawn, value => Assert.InRange(value, 0, int.MaxValue - 1));
        Assert.Contains(drawn, value => value > int.MaxValue / 100 * 99);
    }

    [Fact]
    public void DoublesAndGaussiansHaveTheirMoments()
    {
        const int draws = 100_000;
        RandomSource random = new(5);
        double[] uniform = [.. Enumerable.Range(0, draws).Select(_ => random.NextDouble())];
        double[] normal = [.. Enumerable.Range(0, draws).Select(_ => random.NextGaussian())];
        Assert.All(uniform, value => Assert.InRange(value, 0, Math.BitDecrement(1)));
        Assert.Equal(0.5, uniform.Average(), 0.005);
        Assert.Equal(1.0 / 12, uniform.Average(value => (value - 0.5) * (value - 0.5)), 0.002);
        Assert.Equal(0, normal.Average(), 0.016);
        Assert.Equal(1, normal.Average(value => value * value), 0.025);
        Assert.Equal(3, normal.Average(value => Math.Pow(value, 4)), 0.16);
        Assert.InRange(random.NextDouble(-3, -2), -3, -2);
    }

    [Fact]
    public void ShuffleReachesEveryOrderEqually()
    {
        RandomSource random = new(6);
        Dictionary<string, int> counts = [];
        for (int i = 0; i < 24_000; i++)
        {
            char[] letters = ['a', 'b', 'c', 'd'];
            random.Shuffle<char>(letters);
            string order = new(letters);
            counts[order] = counts.GetValueOrDefault(order) + 1;
        }

        Assert.Equal(24, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 1000 - 160, 1000 + 160));
    }
}
