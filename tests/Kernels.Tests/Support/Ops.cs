namespace Engine.Kernels.Tests;

/// <summary>Every operation of a backend as an <see cref="OpCase"/>.</summary>
internal static class Ops
{
    public static OpCase Conv2d(Conv2dShape shape, bool bias = false, Activation activation = default) =>
        new(
            $"{shape}{Suffix(bias, activation)}", WithBias(bias, shape.K, shape.XLength, shape.WLength), shape.YLength,
            (backend, x, y) => backend.Conv2d(shape, x[0], x[1], bias ? x[2] : null, activation, y))
        {
            Tolerance = Tolerance.Sum(shape.C * shape.R * shape.S),
            Scale = inputs => Conv2d(shape, bias).RunReference(Absolute(inputs)),
        };

    public static OpCase ConvTranspose2d(ConvTranspose2dShape shape, bool bias = false, Activation activation = default) =>
        new(
            $"{shape}{Suffix(bias, activation)}", WithBias(bias, shape.K, shape.XLength, shape.WLength), shape.YLength,
            (backend, x, y) => backend.ConvTranspose2d(shape, x[0], x[1], bias ? x[2] : null, activation, y))
        {
            Tolerance = Tolerance.Sum(shape.C * shape.R * shape.S),
            Scale = inputs => ConvTranspose2d(shape, bias).RunReference(Absolute(inputs)),
        };

    public static OpCase Dense(DenseShape shape, bool bias = false, Activation activation = default) =>
        new(
            $"{shape}{Suffix(bias, activation)}", WithBias(bias, shape.Out, shape.XLength, shape.WLength), shape.YLength,
            (backend, x, y) => backend.Dense(shape, x[0], x[1], bias ? x[2] : null, activation, y))
        {
            Tolerance = Tolerance.Sum(shape.In),
            Scale = inputs => Dense(shape, bias).RunReference(Absolute(inputs)),
        };

    public static OpCase BatchNorm(BatchNormShape shape) =>
        new(
            $"{shape}", [shape.Length, shape.C, shape.C, shape.C, shape.C], shape.Length,
            (backend, x, y) => backend.BatchNormInfer(shape, x[0], x[1], x[2], x[3], x[4], y))
        {
            Tolerance = Tolerance.BatchNorm,

            // The mean is subtracted: with its sign turned as well, all terms add up.
            Scale = inputs => BatchNorm(shape).RunReference([.. Absolute(inputs).Select((input, i) => i == 1 ? Negated(input) : input)]),
        };

    public static OpCase Activate(Activation activation, int length) =>
        new($"{length} floats{Suffix(false, activation)}", [length], length, (backend, x, y) => backend.Activate(activation, x[0], y))
        {
            Tolerance = activation.Kind switch
            {
                ActivationKind.LeakyRelu => Tolerance.LeakyRelu,
                ActivationKind.Elu => Tolerance.Elu,
                ActivationKind.Sigmoid => Tolerance.Sigmoid,
                _ => Tolerance.Exact,
            },
            Range = 20,
        };

    public static OpCase MaxPool2d(MaxPool2dShape shape) =>
        new($"{shape}", [shape.XLength], shape.YLength, (backend, x, y) => backend.MaxPool2d(shape, x[0], y));

    public static OpCase Crop2d(Crop2dShape shape) =>
        new($"{shape}", [shape.XLength], shape.YLength, (backend, x, y) => backend.Crop2d(shape, x[0], y));

    public static OpCase RealFft(RealFftShape shape) =>
        new($"{shape}", [shape.XLength, shape.Size], shape.YLength, (backend, x, y) => backend.RealFft(shape, x[0], x[1], y))
        {
            Tolerance = Tolerance.Fft(shape.Size),
            Scale = inputs =>
            {
                // Bin 0 of the absolute values is Σ|x·window|, for all bins of the frame.
                RealFftShape sums = new(shape.Frames, shape.Size, shape.Hop, 1);
                float[] frames = RealFft(sums).RunReference(Absolute(inputs));
                return [.. Enumerable.Range(0, shape.YLength).Select(i => frames[i / (2 * shape.Bins) * 2])];
            },
        };

    public static OpCase Magnitude(int length) =>
        new($"magnitude of {length}", [2 * length], length, (backend, x, y) => backend.Magnitude(x[0], y))
        {
            Tolerance = Tolerance.Magnitude,
        };

    public static OpCase LogFloor(float floor, int length) =>
        new($"logarithm of {length}, floor {floor}", [length], length, (backend, x, y) => backend.LogFloor(floor, x[0], y))
        {
            Tolerance = Tolerance.LogFloor,
        };

    private static string Suffix(bool bias, Activation activation) =>
        (bias ? ", bias" : "") + (activation.Kind == ActivationKind.None ? "" : $", {activation.Kind}")
        + (activation.Kind == ActivationKind.LeakyRelu ? $" {activation.Slope}" : "");

    private static int[] WithBias(bool bias, int length, params int[] inputs) => bias ? [.. inputs, length] : inputs;

    private static float[][] Absolute(float[][] inputs) => [.. inputs.Select(input => input.Select(Math.Abs).ToArray())];

    private static float[] Negated(float[] input) => [.. input.Select(value => -value)];
}
