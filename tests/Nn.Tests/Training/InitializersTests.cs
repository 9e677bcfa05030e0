using Engine.Kernels;

namespace Engine.Nn.Tests;

public sealed class InitializersTests : IDisposable
{
    // Dot products of vectors whose elements were rounded to float32: at most 2⁻²⁴ of Σ|a·b| ≤ 1 from each of the two factors.
    private const double OrthogonalTolerance = 1e-6;

    private readonly IBackend _backend = Backends.CreateCpu(1);

    public void Dispose() => _backend.Dispose();

    public static TheoryData<string, int> Layers => new() { { "conv", 9 * 20 }, { "transposed", 16 * 20 }, { "dense", 20 } };

    [Theory]
    [MemberData(nameof(Layers))]
    public void HeNormalGoesByTheFanIn(string kind, int fanIn)
    {
        using Module layer = Create(kind);
        float[] values = Draw(layer, WeightInitializer.HeNormal, seed: 1);
        Assert.Equal(fanIn, layer.Parameters[0].FanIn);

        // Five standard errors: of a mean, σ/√n; of a variance, σ²·√(2/n).
        double variance = 2.0 / fanIn, root = Math.Sqrt(values.Length);
        Assert.InRange(values.Average(value => (double)value), -5 * Math.Sqrt(variance) / root, 5 * Math.Sqrt(variance) / root);
        Assert.InRange(values.Average(value => (double)value * value) / variance, 1 - 5 * Math.Sqrt(2) / root, 1 + 5 * Math.Sqrt(2) / root);
        Assert.All(layer.Parameters[1].Value.ToArray(), bias => Assert.Equal(0f, bias));
    }

    [Theory]
    [InlineData(WeightInitializer.HeNormal)]
    [InlineData(WeightInitializer.Orthogonal)]
    public void TheSeedDecides(WeightInitializer initializer)
    {
        using Module layer = Create("conv"), other = Create("conv");
        float[] values = Draw(layer, initializer, seed: 3);
        Assert.Equal(values, Draw(other, initializer, seed: 3));
        Assert.NotEqual(values, Draw(other, initializer, seed: 4));
    }

    [Theory]
    [InlineData(4928, 256)]
    [InlineData(64, 4928)]
    [InlineData(256, 64)]
    [InlineData(64, 64)]
    [InlineData(64, 1)]
    public void DenseWeightsAreOrthogonal(int featuresIn, int featuresOut)
    {
        using Dense layer = new(featuresIn, featuresOut) { Name = "dense" };
        AssertOrthogonal(featuresIn, featuresOut, Draw(layer, WeightInitializer.Orthogonal, seed: 5));
    }

    [Theory]
    [InlineData(1, 64, 3)]
    [InlineData(64, 32, 3)]
    public void FiltersAreOrthogonal(int channelsIn, int channelsOut, int kernel)
    {
        using Conv2d layer = new(channelsIn, channelsOut, kernel) { Name = "conv" };
        AssertOrthogonal(channelsOut, channelsIn * kernel * kernel, Draw(layer, WeightInitializer.Orthogonal, seed: 6));
    }

    [Fact]
    public void BatchNormStartsAsTheIdentity()
    {
        using BatchNorm layer = new(7) { Name = "norm" };
        Initializers.Initialize(layer, _backend, WeightInitializer.HeNormal, new RandomSource(1));
        Assert.Equal(["norm.beta", "norm.gamma", "norm.mean", "norm.inverse_std"], layer.Parameters.Select(parameter => parameter.Name));
        float[] expected = [0, 1, 0, 1];
        for (int i = 0; i < expected.Length; i++) Assert.Equal(Enumerable.Repeat(expected[i], 7), layer.Parameters[i].Value.ToArray());
    }

    private static Module Create(string kind) => kind switch
    {
        "conv" => new Conv2d(20, 30, 3) { Name = "conv" },
        "transposed" => new ConvTranspose2d(20, 30, 4, stride: 2, padding: 1) { Name = "transposed" },
        _ => new Dense(20, 300) { Name = "dense" },
    };

    private float[] Draw(Module layer, WeightInitializer initializer, ulong seed)
    {
        Initializers.Initialize(layer, _backend, initializer, new RandomSource(seed));
        return layer.Parameters[0].ToFileLayout();
    }

    // The shorter side's vectors have length 1 and stand at right angles.
    private static void AssertOrthogonal(int rows, int columns, float[] values)
    {
        int count = Math.Min(rows, columns), length = Math.Max(rows, columns);
        (int next, int along) = rows <= columns ? (columns, 1) : (1, columns);
        double[] Vector(int i) => [.. Enumerable.Range(0, length).Select(j => (double)values[i * next + j * along])];
        double[][] vectors = [.. Enumerable.Range(0, count).Select(Vector)];
        double worst = 0;
        for (int i = 0; i < count; i++)
        for (int j = 0; j <= i; j++)
        {
            double dot = 0;
            for (int k = 0; k < length; k++) dot += vectors[i][k] * vectors[j][k];
            worst = Math.Max(worst, Math.Abs(dot - (i == j ? 1 : 0)));
        }

        Assert.InRange(worst, 0, OrthogonalTolerance);
    }
}
