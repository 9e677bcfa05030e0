using Xunit.Abstractions;

namespace Engine.Kernels.Tests;

public class ActivationTests(ITestOutputHelper output)
{
    [Theory, EveryDevice]
    public void KnownAnswerOfNone(Device device) => Ops.Activate(Activation.None, 3).AssertAnswer(device, [-2, 0, 3], [-2, 0, 3]);

    [Theory, EveryDevice]
    public void KnownAnswerOfRelu(Device device) => Ops.Activate(Activation.Relu, 3).AssertAnswer(device, [0, 0, 3], [-2, 0, 3]);

    [Theory, EveryDevice]
    public void KnownAnswerOfLeakyRelu(Device device) =>
        Ops.Activate(Activation.LeakyRelu(0.5f), 6).AssertAnswer(
            device, [float.NegativeInfinity, -1, -0.5f, 0, 3, float.PositiveInfinity],
            [float.NegativeInfinity, -2, -1, 0, 3, float.PositiveInfinity]);

    [Theory, EveryDevice]
    public void KnownAnswerOfElu(Device device) =>
        Ops.Activate(Activation.Elu, 8).AssertAnswer(
            device, [-1, -1, -1, -1e-30f, 0, 1, 3e38f, float.PositiveInfinity],
            [float.NegativeInfinity, float.MinValue, -1000, -1e-30f, -0f, 1, 3e38f, float.PositiveInfinity]);

    [Theory, EveryDevice]
    public void KnownAnswerOfSigmoid(Device device) =>
        Ops.Activate(Activation.Sigmoid, 7).AssertNearAnswer(
            device, [0.25f, 0.5f, 0.5f, 0.75f, 1, 1, 1], [-MathF.Log(3), -0f, 0, MathF.Log(3), 100, 3e38f, float.PositiveInfinity]);

    /// <summary>A NaN must show in the result; it must not become a harmless number.</summary>
    [Theory, EveryDevice]
    public void KeepsNaN(Device device)
    {
        float[] x = Enumerable.Repeat(float.NaN, 35).ToArray();
        foreach (Activation activation in Ops.Activations)
        {
            Ops.Activate(activation, x.Length).AssertAnswer(device, x, x);
        }
    }

    /// <summary>
    /// What <see cref="Exponential"/> promises, over a million numbers from −0 through the denormals to where eˣ − 1 is −1.
    /// </summary>
    [Theory, EveryDevice]
    public void EluIsWithinOneUnitInTheLastPlace(Device device) =>
        AssertUlps(device, Activation.Elu, [.. Numbers(-0f, -104)], most: 1);

    /// <summary>Where the result is a normal number; below −87 it stays at e⁻⁸⁷, see <see cref="SigmoidVanishesFarBelowZero"/>.</summary>
    [Theory, EveryDevice]
    public void SigmoidIsWithinThreeUnitsInTheLastPlace(Device device) =>
        AssertUlps(device, Activation.Sigmoid, [.. Numbers(0, 100), .. Numbers(-0f, -87)], most: 3);

    [Theory, EveryDevice]
    public void SigmoidVanishesFarBelowZero(Device device)
    {
        using IBackend backend = device.Open();
        float[] x = [-87, -88, -100, -1e10f, float.MinValue, float.NegativeInfinity];
        Assert.All(Ops.Activate(Activation.Sigmoid, x.Length).Run(backend, x), y => Assert.InRange(y, 0, 1.7e-38f));
    }

    /// <summary>On steps larger than what rounding can turn around, neither ever falls.</summary>
    [Theory, EveryDevice]
    public void EluAndSigmoidNeverFall(Device device)
    {
        using IBackend backend = device.Open();
        float[] x = [.. Enumerable.Range(-100 * 64, 200 * 64 + 1).Select(i => i / 64f)];
        foreach (Activation activation in new[] { Activation.Elu, Activation.Sigmoid })
        {
            float[] y = Ops.Activate(activation, x.Length).Run(backend, x);
            for (int i = 1; i < y.Length; i++) Assert.True(y[i] >= y[i - 1], $"{activation.Kind} falls at {x[i]} on {backend.Name}");
        }
    }

    private void AssertUlps(Device device, Activation activation, float[] x, double most)
    {
        using IBackend backend = device.Open();
        float[] y = Ops.Activate(activation, x.Length).Run(backend, x);
        double[] ulps = [.. x.Zip(y, (input, result) => Compare.Ulps(activation.Reference(input), result))];
        int worst = Array.IndexOf(ulps, ulps.Max());
        string found = $"{activation.Kind} on {backend.Name}: at most {ulps[worst]:f3} units in the last place, at {x[worst]:g9}";
        output.WriteLine(found);
        Assert.True(ulps[worst] <= most, found);
    }

    // Every 2003rd float between two of the same sign; the second lies farther from zero.
    private static IEnumerable<float> Numbers(float from, float to)
    {
        uint last = BitConverter.SingleToUInt32Bits(to);
        for (uint bits = BitConverter.SingleToUInt32Bits(from); bits <= last; bits += 2003)
        {
            yield return BitConverter.UInt32BitsToSingle(bits);
        }
    }

    /// <summary>From the output: 0 counts as below.</summary>
    [Theory, EveryDevice]
    public void KnownAnswerOfTheGradients(Device device)
    {
        Ops.ActivateBackward(Activation.None, 3).AssertAnswer(device, [1, 2, 3], [-1, 0, 1], [1, 2, 3]);
        Ops.ActivateBackward(Activation.Relu, 3).AssertAnswer(device, [0, 0, 3], [0, 0, 1], [1, 2, 3]);
        Ops.ActivateBackward(Activation.LeakyRelu(0.5f), 3).AssertAnswer(device, [0.5f, 1, 3], [-1, 0, 1], [1, 2, 3]);
        Ops.ActivateBackward(Activation.Elu, 4).AssertAnswer(device, [0, 1.5f, 3, 4], [-1, -0.25f, 0, 1], [1, 2, 3, 4]);
        Ops.ActivateBackward(Activation.Sigmoid, 3).AssertAnswer(device, [0, 0.5f, 0.75f], [0, 0.5f, 0.25f], [1, 2, 4]);
    }

    [Theory, EveryDevice]
    public void ANegativeSlopeHasNoGradientFromTheOutput(Device device) =>
        Assert.Throws<ArgumentException>(() => Ops.ActivateBackward(Activation.LeakyRelu(-1), 1).AssertAnswer(device, [0], [0], [0]));
}
