using Engine.Kernels;

namespace Engine.Tensors.Tests;

/// <summary>Where the samples of a batch lie, and that it makes no difference to the results.</summary>
public sealed class LayoutTests : IDisposable
{
    // Of an array's largest value. The layouts add in different orders; the largest difference seen was 2.7e-6.
    private const float Tolerance = 1e-5f;

    private readonly IBackend _backend = Backends.CreateCpu(2);
    private readonly Random _random = new(1);
    private readonly Tape _tape = new();

    public void Dispose()
    {
        _tape.Dispose();
        _backend.Dispose();
    }

    [Theory]
    [InlineData(5, 5)]
    [InlineData(16, 16)]
    [InlineData(18, 18)]
    [InlineData(48, 16)]
    public void TheBatchLastComesInBlocks(int samples, int together)
    {
        const int channels = 3, pixels = 4;
        using Tensor x = Tensor.From(_backend, new Shape(samples, channels, 2, 2), [.. Enumerable.Range(0, samples * channels * pixels).Select(i => (float)i)]);
        using Tensor last = x.ToLayout(BatchLayout.Last), first = last.ToLayout(BatchLayout.First);
        float[] inMemory = new float[last.Shape.Length];
        _backend.Download(last.View, inMemory);
        for (int n = 0; n < samples; n++)
        for (int i = 0; i < channels * pixels; i++)
        {
            int block = n / together;
            Assert.Equal(n * channels * pixels + i, inMemory[(block * channels * pixels + i) * together + n % together]);
        }

        Assert.Equal(x.ToArray(), first.ToArray());
    }

    [Theory]
    [InlineData(3)]
    [InlineData(16)]
    [InlineData(20)]
    [InlineData(32)]
    [InlineData(48)]
    public void ANetworkComputesTheSameInEitherLayout(int samples)
    {
        Tensor x = Random(new Shape(samples, 8, 7, 6)), filters = Random(new Shape(8, 16, 4, 4)), bias = Random(new Shape(8));
        Tensor gamma = Random(new Shape(16)), beta = Random(new Shape(16)), taps = Random(new Shape(8, 16, 3, 3));
        Tensor[] inputs = [x, filters, bias, gamma, beta, taps];
        float[][] first = Run(BatchLayout.First), last = Run(BatchLayout.Last);
        for (int i = 0; i < first.Length; i++)
        {
            float largest = first[i].Max(Math.Abs);
            for (int at = 0; at < first[i].Length; at++) Assert.Equal(first[i][at], last[i][at], Tolerance * largest);
        }

        foreach (Tensor tensor in inputs) tensor.Dispose();

        // The result and the gradients of all inputs.
        float[][] Run(BatchLayout layout)
        {
            _tape.Reset();
            foreach (Tensor tensor in inputs) _tape.Watch(tensor, requiresGradient: true);
            using Tensor mean = Zeros(), inverseStd = Zeros(), runningMean = Zeros(), runningInverseStd = Zeros();
            Tensor y = x.ToLayout(layout).ConvTranspose2d(filters, null, (2, 2), (1, 1))
                .BatchNormTrain(gamma, beta, new BatchStatistics(runningMean, runningInverseStd, mean, inverseStd), 0.1f, 1e-4f, Activation.Elu)
                .Crop2d(13, 11).Conv2d(taps, bias, padding: (1, 1), activation: Activation.Elu).ToLayout(BatchLayout.First);
            _tape.Backward(y.Multiply(y).Mean());
            return [y.ToArray(), .. inputs.Select(tensor => tensor.Gradient!.ToArray())];
        }
    }

    private Tensor Zeros() => Tensor.From(_backend, new Shape(16), new float[16]);

    private Tensor Random(Shape shape) => Tensor.From(_backend, shape, [.. Enumerable.Range(0, shape.Length).Select(_ => 2 * _random.NextSingle() - 1)]);
}
