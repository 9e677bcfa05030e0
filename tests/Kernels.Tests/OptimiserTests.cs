namespace Engine.Kernels.Tests;

public class OptimiserTests
{
    private const int Steps = 20, Length = 100;

    /// <summary>
    /// Twenty steps, each with sixteen roundings of numbers no larger than the weight or the step (see <see cref="Tolerance.Adam"/>), which feed
    /// the next.
    /// </summary>
    private const double Relative = Steps * 16.0 / (1 << 24);

    /// <summary>The first step of ADAM moves a weight by the rate against the gradient's sign, whatever its size.</summary>
    [Theory, EveryDevice]
    public void KnownAnswerOfAdam(Device device)
    {
        float[] result = Run(device, new AdamStep(0.5f, 0.5f, 0.75f, 0, 1), [4, -2, 1024], [1, 1, 1], [0, 0, 0], [0, 0, 0]);
        Compare.Close([0.5f, 1.5f, 0.5f, 2, -1, 512, 4, 1, 262144], result, Tolerance.Adam, what: $"{device}");
    }

    [Theory, EveryDevice]
    public void AdamFollowsTheFormulaOverTwentySteps(Device device)
    {
        Random random = new(1);
        using IBackend backend = device.Open();
        using DeviceBuffer w = Random(backend, random, out double[] weights), g = backend.Allocate(Length);
        using DeviceBuffer m = Zeros(backend), v = Zeros(backend);
        double[] first = new double[Length], second = new double[Length];
        double beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f, rate = 0.001f;
        for (int step = 1; step <= Steps; step++)
        {
            float[] gradient = Gradient(random);
            backend.Upload(gradient, g.All);
            backend.Run(new AdamOp(new AdamStep(0.001f, 0.9f, 0.999f, 1e-8f, step), g.All, w.All, m.All, v.All));
            for (int i = 0; i < Length; i++)
            {
                first[i] = beta1 * first[i] + (1 - beta1) * gradient[i];
                second[i] = beta2 * second[i] + (1 - beta2) * gradient[i] * gradient[i];
                double corrected = rate * Math.Sqrt(1 - Math.Pow(beta2, step)) / (1 - Math.Pow(beta1, step));
                weights[i] -= corrected * first[i] / (Math.Sqrt(second[i]) + epsilon);
            }
        }

        AssertNear(weights, w, backend, _ => 1);
        AssertNear(first, m, backend, Magnitude);
        AssertNear(second, v, backend, i => second[i]);
    }

    [Theory, EveryDevice]
    public void NesterovFollowsTheFormulaOverTwentySteps(Device device)
    {
        Random random = new(2);
        using IBackend backend = device.Open();
        using DeviceBuffer w = Random(backend, random, out double[] weights), g = backend.Allocate(Length), v = Zeros(backend);
        double[] velocity = new double[Length];
        double rate = 0.01f, momentum = 0.95f;
        for (int step = 0; step < Steps; step++)
        {
            float[] gradient = Gradient(random);
            backend.Upload(gradient, g.All);
            backend.Run(new NesterovOp(0.01f, 0.95f, g.All, w.All, v.All));
            for (int i = 0; i < Length; i++)
            {
                velocity[i] = momentum * velocity[i] - rate * gradient[i];
                weights[i] += momentum * velocity[i] - rate * gradient[i];
            }
        }

        AssertNear(weights, w, backend, i => 1 + Magnitude(i));
        AssertNear(velocity, v, backend, Magnitude);
    }

    [Theory, EveryDevice]
    public void KnownAnswerOfNesterov(Device device) =>
        Ops.Nesterov(0.5f, 0.25f, 2).AssertAnswer(device, [8.5f, 20.25f, -2, 1], [4, 0], [11, 20], [0, 4]);

    /// <summary>Moments of weights that get no gradient any more end at zero, not among the denormal numbers, which are slow.</summary>
    [Theory, EveryDevice]
    public void TinyMomentsBecomeZero(Device device)
    {
        AdamStep step = new(0.1f, 0.9f, 0.999f, 1e-8f, 1000);
        float[] result = Run(device, step, [0, 0, 0, 1e-25f], [1, 1, 1, 1], [1e-30f, -1e-30f, 1e-29f, 0], [1e-30f, 1e-35f, 1e-29f, 0]);
        Assert.Equal([0, 0, 0.9f * 1e-29f], result[4..7]);
        Assert.Equal([0, 0, 0.999f * 1e-29f, 0], result[8..12]);
        Assert.Equal(0.1f * 1e-25f, result[7], 1e-31f);
        Assert.Equal([0, 0], Ops.Nesterov(0.1f, 0.9f, 2).RunOn(device, [0, 0], [1, 1], [1e-30f, -1e-31f])[2..]);
    }

    /// <summary>A gradient that went astray must show in the weights.</summary>
    [Theory, EveryDevice]
    public void KeepNaN(Device device)
    {
        float[] nan = [.. Enumerable.Repeat(float.NaN, 35)], ones = [.. Enumerable.Repeat(1f, 35)];
        Assert.All(Run(device, new AdamStep(0.1f, 0.9f, 0.999f, 1e-8f, 1), nan, ones, ones, ones), value => Assert.Equal(float.NaN, value));
        Assert.All(Ops.Nesterov(0.1f, 0.9f, 35).RunOn(device, nan, ones, ones), value => Assert.Equal(float.NaN, value));
    }

    [Theory, EveryDevice]
    public void AdamsFirstStepIsOne(Device device) =>
        Assert.Throws<ArgumentException>(() => Run(device, new AdamStep(0.1f, 0.9f, 0.999f, 1e-8f, 0), [0], [0], [0], [0]));

    // g, w, m, v → w, m, v.
    private static float[] Run(Device device, AdamStep step, params float[][] inputs) => Ops.Adam(step, inputs[0].Length).RunOn(device, inputs);

    private static DeviceBuffer Random(IBackend backend, Random random, out double[] values)
    {
        DeviceBuffer buffer = backend.Allocate(Length);
        float[] numbers = [.. Enumerable.Range(0, Length).Select(_ => 2 * random.NextSingle() - 1)];
        backend.Upload(numbers, buffer.All);
        values = [.. numbers.Select(value => (double)value)];
        return buffer;
    }

    private static DeviceBuffer Zeros(IBackend backend)
    {
        DeviceBuffer buffer = backend.Allocate(Length);
        backend.Upload(new float[Length], buffer.All);
        return buffer;
    }

    private static float[] Gradient(Random random) =>
        [.. Enumerable.Range(0, Length).Select(i => (2 * random.NextSingle() - 1) * (float)Magnitude(i))];

    // Gradients come in many orders of magnitude.
    private static double Magnitude(int i) => Math.Pow(10, i % 9 - 6);

    private static void AssertNear(double[] expected, DeviceBuffer actual, IBackend backend, Func<int, double> scale)
    {
        float[] found = new float[Length];
        backend.Download(actual.All, found);
        for (int i = 0; i < Length; i++)
        {
            Assert.True(
                Math.Abs(found[i] - expected[i]) <= Relative * scale(i), $"{i} on {backend.Name}: expected {expected[i]:g9}, got {found[i]:g9}");
        }
    }
}
