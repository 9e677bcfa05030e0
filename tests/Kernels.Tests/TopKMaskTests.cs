namespace Engine.Kernels.Tests;

public class TopKMaskTests
{
    private const float Steepness = 2;

    /// <summary>Of equal numbers the first are kept, −0 equals 0, and infinities lie at the ends.</summary>
    [Theory, EveryDevice]
    public void KnownAnswer(Device device)
    {
        OpCase masks = Masks(3, 5);
        float[] x = [1, 3, 2, 3, 3, 0, -1, -0f, 0, -2, float.NegativeInfinity, -1e-45f, float.PositiveInfinity, 1e-45f, -3e38f], counts = [2, 2, 4];
        masks.AssertAnswer(device, [0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 3, 0, -3e38f], x, counts);
        masks.AssertAnswer(device, [.. Enumerable.Repeat(1f, 15), 1, -2, float.NegativeInfinity], x, [5, 5, 5]);
    }

    /// <summary>Rows as long as an excerpt, with many equal numbers, with few, and with none but equal ones, at every size of mask.</summary>
    [Theory, EveryDevice]
    public void LongRowsKeepWhatTheDefinitionKeeps(Device device)
    {
        const int columns = 115 * 80;
        using IBackend backend = device.Open();
        Random random = new(4);
        float[] levels = [3, 300, 1 << 22, 1], counts = [1, columns / 3, columns - 1, 4711];
        float[] x = [.. levels.SelectMany(level => Enumerable.Range(0, columns).Select(_ => random.Next((int)level) / level - 0.5f))];
        OpCase masks = Masks(levels.Length, columns);
        float[] actual = masks.Run(backend, x, counts);
        Compare.SameBits(masks.RunReference(x, counts), actual, backend.Name);
        for (int row = 0; row < levels.Length; row++) Assert.Equal(counts[row], actual.Skip(row * columns).Take(columns).Sum());
    }

    /// <summary>A step has no slope, so the gradient is that of a sigmoid through the smallest number kept, as steep as the row's deviation says.</summary>
    [Fact]
    public void TheGradientIsThatOfASigmoid()
    {
        const float step = 1f / 256;
        float[] x = [1, 3, 2, 3.5f, -1], dy = [1, -0.5f, 0.25f, 2, 3];
        double mean = x.Average(), slope = Steepness / Math.Sqrt(x.Average(value => (value - mean) * (value - mean)));
        double Sigmoid(double value) => 1 / (1 + Math.Exp(-slope * (value - 3)));
        using IBackend backend = Backends.CreateReference();
        float[] actual = new OpCase(TopKMaskBackwardOp.Spec(1, x.Length, Steepness)).Run(backend, x, [3], dy);
        for (int i = 0; i < x.Length; i++) Assert.Equal(dy[i] * (Sigmoid(x[i] + step) - Sigmoid(x[i] - step)) / (2 * step), actual[i], 1e-4);
    }

    private static OpCase Masks(int rows, int columns) => new(TopKMaskOp.Spec(rows, columns, Steepness, least: true));
}
