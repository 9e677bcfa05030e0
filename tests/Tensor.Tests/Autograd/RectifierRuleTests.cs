using Engine.Kernels;

namespace Engine.Tensors.Tests;

/// <summary>The rules of the backward pass on networks that are worked out by hand.</summary>
public class RectifierRuleTests
{
    private const float Slope = 0.25f;

    private static readonly Activation Leaky = Activation.LeakyRelu(Slope);

    /// <summary>
    /// z = x·W with x = (1, 2) is (3, −1, −3, 2), and the gradient behind the rectifier is (2, 4, −5, −3). Before it, the derivative makes (2, 1, −1.25, −3) of
    /// that, the deconvolution (2, 4, 0, 0) and the guided rule (2, 0, 0, 0).
    /// </summary>
    [Theory]
    [InlineData(RectifierRule.Derivative, 2 - 1 - 1.25f, 2 + 2.5f - 3)]
    [InlineData(RectifierRule.Deconvolution, 2 - 4, 2)]
    [InlineData(RectifierRule.Guided, 2, 2)]
    public void ADenseNetwork(RectifierRule rule, float first, float second) => OnEveryProcessor(rule, (backend, tape) =>
    {
        using Tensor x = tape.Watch(Tensor.From(backend, new Shape(1, 2), [1, 2]), requiresGradient: true);
        using Tensor w = Tensor.From(backend, new Shape(2, 4), [1, -1, 1, 0, 1, 0, -2, 1]), behind = Tensor.From(backend, new Shape(4, 1), [2, 4, -5, -3]);
        tape.Backward(x.Dense(w, null, Leaky).Dense(behind));
        Assert.Equal([first, second], x.Gradient!.ToArray());

        // The rectifier as an operation of its own.
        tape.Reset();
        tape.Backward(x.Dense(w).Activate(Leaky).Dense(behind));
        Assert.Equal([first, second], x.Gradient!.ToArray());
    });

    /// <summary>Of 1, 3, −2, −5 the maxima of pairs are 3 and −2. The gradient goes to their places, through the rectifier that follows them.</summary>
    [Theory]
    [InlineData(RectifierRule.Derivative, 2, 2, 5 * Slope)]
    [InlineData(RectifierRule.Derivative, -2, -2, 5 * Slope)]
    [InlineData(RectifierRule.Deconvolution, 2, 2, 5)]
    [InlineData(RectifierRule.Deconvolution, -2, 0, 5)]
    [InlineData(RectifierRule.Guided, 2, 2, 0)]
    [InlineData(RectifierRule.Guided, -2, 0, 0)]
    public void AConvolutionWithPooling(RectifierRule rule, float weight, float first, float second) => OnEveryProcessor(rule, (backend, tape) =>
    {
        using Tensor x = tape.Watch(Tensor.From(backend, new Shape(1, 1, 1, 4), [1, 3, -2, -5]), requiresGradient: true);
        using Tensor filter = Tensor.From(backend, new Shape(1, 1, 1, 1), [1]), behind = Tensor.From(backend, new Shape(2, 1), [weight, 5]);
        Tensor joined = x.ConvMaxPool2d(filter, null, (1, 1), (0, 0), (1, 1), Leaky, (1, 2), (1, 2), (1, 1));
        tape.Backward(joined.Reshape(new Shape(1, 2)).Dense(behind));
        Assert.Equal([0, first, second, 0], x.Gradient!.ToArray());

        tape.Reset();
        tape.Backward(x.Conv2d(filter, null, activation: Leaky).MaxPool2d((1, 2), (1, 2)).Reshape(new Shape(1, 2)).Dense(behind));
        Assert.Equal([0, first, second, 0], x.Gradient!.ToArray());
    });

    /// <summary>Operations that end in a rectifier follow the same rule as the rectifier alone.</summary>
    [Theory]
    [InlineData(RectifierRule.Derivative)]
    [InlineData(RectifierRule.Deconvolution)]
    [InlineData(RectifierRule.Guided)]
    public void JoinedOrNotTheRuleIsTheSame(RectifierRule rule) => OnEveryProcessor(rule, (backend, tape) =>
    {
        using Tensor x = tape.Watch(Draw(backend, 1, 2, 3, 6, 5));
        using Tensor filters = Draw(backend, 2, 4, 3, 3, 3), gamma = Draw(backend, 3, 4), beta = Draw(backend, 4, 4), behind = Draw(backend, 5, 48, 1);
        using Tensor mean = Draw(backend, 6, 4), deviation = Draw(backend, 7, 4), batchMean = Draw(backend, 8, 4), batchDeviation = Draw(backend, 9, 4);
        BatchStatistics statistics = new(mean, deviation, batchMean, batchDeviation);
        filters.RequiresGradient = gamma.RequiresGradient = beta.RequiresGradient = true;

        // Only the filters' gradient is wanted, which has a form of its own.
        AssertSame([filters], () => x.Conv2d(filters, null, activation: Leaky), () => x.Conv2d(filters).Activate(Leaky));
        AssertSame(
            [filters, gamma, beta], () => x.Conv2d(filters).BatchNormTrain(gamma, beta, statistics, 0.1f, 1e-4f, Leaky),
            () => x.Conv2d(filters).BatchNormTrain(gamma, beta, statistics, 0.1f, 1e-4f).Activate(Leaky));

        void AssertSame(Tensor[] wanted, Func<Tensor> joined, Func<Tensor> apart)
        {
            float[][] ofJoined = GradientsOf(joined), ofApart = GradientsOf(apart);
            for (int i = 0; i < wanted.Length; i++)
            for (int k = 0; k < ofApart[i].Length; k++)
            {
                Assert.Equal(ofApart[i][k], ofJoined[i][k], 1e-4f);
            }

            float[][] GradientsOf(Func<Tensor> function)
            {
                tape.Reset();
                tape.Backward(function().Reshape(new Shape(2, 48)).Dense(behind).Sum());
                return [.. wanted.Select(tensor => tensor.Gradient!.ToArray())];
            }
        }
    });

    private static void OnEveryProcessor(RectifierRule rule, Action<IBackend, Tape> test)
    {
        foreach (IBackend backend in (IBackend[])[Backends.CreateReference(), Backends.CreateCpu(2)])
        {
            using (backend)
            {
                using Tape tape = new() { Rectifiers = rule };
                test(backend, tape);
            }
        }
    }

    private static Tensor Draw(IBackend backend, int seed, params int[] sizes)
    {
        Shape shape = new(sizes);
        Random random = new(seed);
        return Tensor.From(backend, shape, [.. Enumerable.Range(0, shape.Length).Select(_ => random.NextSingle() - 0.5f)]);
    }
}
