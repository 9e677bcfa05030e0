namespace Engine.Kernels.Tests;

public class RealFftTests
{
    [Theory, EveryDevice]
    public void KnownAnswer(Device device) =>
        Ops.RealFft(new(2, 4, 1, 3)).AssertNearAnswer(
            device, [10, 0, -2, 2, -2, 0, 14, 0, -2, 2, -2, 0], [1, 2, 3, 4, 5], [1, 1, 1, 1]);

    [Theory, EveryDevice]
    public void KnownAnswerWithAWindow(Device device) =>
        Ops.RealFft(new(1, 4, 1, 3)).AssertNearAnswer(device, [7, 0, -5, 0, 7, 0], [1, 2, 3, 4], [1, 0, 2, 0]);

    /// <summary>
    /// cos(2πki/Size + 1) is Size/2 · e^i in bin k, twice its cosine in the first and the last bin, and nothing in the others.
    /// </summary>
    [Theory, EveryDevice]
    public void APureToneLandsInItsBin(Device device)
    {
        using IBackend backend = device.Open();
        foreach (int size in new[] { 4, 8, 64, 1024 })
        {
            OpCase op = Ops.RealFft(new(1, size, 1, size / 2 + 1));
            float[] window = Enumerable.Repeat(1f, size).ToArray();
            foreach (int bin in new[] { 0, 1, size / 4, size / 2 - 1, size / 2 })
            {
                float[] tone = [.. Enumerable.Range(0, size).Select(i => (float)Math.Cos(2 * Math.PI * bin * i / size + 1))];
                float[] expected = new float[op.Output];
                bool edge = bin == 0 || bin == size / 2;
                expected[2 * bin] = size * (float)Math.Cos(1) / (edge ? 1 : 2);
                expected[2 * bin + 1] = edge ? 0 : size * (float)Math.Sin(1) / 2;
                float[] actual = op.Run(backend, tone, window), scale = op.Scale([tone, window]);
                Compare.Close(expected, actual, op.Tolerance, scale, $"bin {bin} of {op} on {backend.Name}");
            }
        }
    }

    [Theory, EveryDevice]
    public void IsLinear(Device device)
    {
        OpCase op = Ops.RealFft(new(19, 64, 10, 33));
        float[][] inputs = op.RandomInputs();
        float[] x = inputs[0], window = inputs[1], other = [.. x.Reverse()];
        using IBackend backend = device.Open();
        float[] ofX = op.Run(backend, x, window), ofOther = op.Run(backend, other, window);
        float[] ofSum = op.Run(backend, [.. x.Zip(other, (a, b) => 2 * a - b)], window);

        // Three transforms of errors that add up with factors 2, 1 and 1.
        float[] scale = [.. op.Scale([x, window]).Zip(op.Scale([other, window]), (a, b) => 4 * a + 2 * b)];
        Compare.Close([.. ofX.Zip(ofOther, (a, b) => 2 * a - b)], ofSum, op.Tolerance, scale, $"{op} on {backend.Name}");
    }
}
