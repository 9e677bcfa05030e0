namespace Engine.Kernels.Tests;

public class DropoutTests
{
    private const int Length = 100_003;

    private static readonly float[] Ones = [.. Enumerable.Repeat(1f, Length)];

    /// <summary>The generator is part of the definition: SplitMix64 from the hash of the seed.</summary>
    [Theory, EveryDevice]
    public void KnownAnswer(Device device)
    {
        static ulong Hash(ulong z)
        {
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }

        float[] expected = [.. Enumerable.Range(1, 50).Select(i => (Hash(Hash(3) + (ulong)i * 0x9E3779B97F4A7C15) >> 40) >= (1 << 22) ? 4f : 0)];
        Assert.InRange(expected.Count(y => y == 0), 5, 20);
        Ops.Dropout(0.25f, 3, 50).AssertAnswer(device, expected, [.. Enumerable.Repeat(3f, 50)]);
    }

    /// <summary>Within five deviations of the binomial distribution, whole and in parts, for neighbouring seeds too.</summary>
    [Theory, EveryDevice]
    public void KeepsAsManyAsItShould(Device device)
    {
        using IBackend backend = device.Open();
        foreach (float probability in new[] { 0.05f, 0.5f, 0.9f })
        foreach (ulong seed in new ulong[] { 0, 1, 2, ulong.MaxValue })
        {
            float[] y = Ops.Dropout(probability, seed, Length).Run(backend, Ones);
            foreach (float[] part in y.Chunk(10_000).Append(y))
            {
                double dropped = part.Count(value => value == 0), deviation = Math.Sqrt(part.Length * probability * (1 - probability));
                Assert.InRange(dropped - part.Length * probability, -5 * deviation, 5 * deviation);
            }

            Assert.All(y.Where(value => value != 0), value => Assert.Equal((float)(1 / (1.0 - probability)), value));
        }
    }

    /// <summary>Masks of two seeds agree at half of the places, at whatever distance they are laid over each other.</summary>
    [Fact]
    public void SeedsGiveUnrelatedMasks()
    {
        using IBackend backend = Backends.CreateReference();
        float[] a = Ops.Dropout(0.5f, 1, Length).Run(backend, Ones);
        foreach (ulong seed in new ulong[] { 0, 2, 1 + 0x9E3779B97F4A7C15 })
        {
            float[] b = Ops.Dropout(0.5f, seed, Length).Run(backend, Ones);
            foreach (int shift in new[] { 0, 1, 2, 64 })
            {
                double same = a.Skip(shift).Zip(b, (left, right) => left == right ? 1.0 : 0).Average();
                Assert.InRange(same, 0.49, 0.51);
            }
        }
    }

    [Theory, EveryWidth]
    public void DropsTheSameOnEveryBackend(Device device)
    {
        OpCase op = Ops.Dropout(0.3f, 77, Length);
        using IBackend backend = device.Open();
        Compare.SameBits(op.RunReference(Ones), op.Run(backend, Ones), backend.Name);
    }

    [Theory, EveryDevice]
    public void OfProbabilityZeroIsACopy(Device device) => Ops.Dropout(0, 5, 4).AssertAnswer(device, [1, -2, 3, 0], [1, -2, 3, 0]);

    [Theory, EveryDevice]
    public void RefusesProbabilitiesOutsideItsRange(Device device)
    {
        foreach (float probability in new[] { -0.1f, 1, float.NaN })
        {
            Assert.Throws<ArgumentException>(() => Ops.Dropout(probability, 5, 1).AssertAnswer(device, [0], [0]));
        }
    }
}
