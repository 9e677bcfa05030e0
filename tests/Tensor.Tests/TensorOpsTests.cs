using Engine.Kernels;

namespace Engine.Tensors.Tests;

/// <summary>What does not fit together is refused before a kernel runs, and the message shows the sizes.</summary>
public sealed class TensorOpsTests : IDisposable
{
    private readonly IBackend _backend = Backends.CreateCpu(1);
    private readonly List<Tensor> _tensors = [];

    public void Dispose()
    {
        foreach (Tensor tensor in _tensors) tensor.Dispose();
        _backend.Dispose();
    }

    [Fact]
    public void Conv2d()
    {
        Says(() => Zeros(2, 3, 8, 7).Conv2d(Zeros(4, 2, 3, 3)), "2×3×8×7", "4×2×3×3");
        Says(() => Zeros(2, 3, 8).Conv2d(Zeros(4, 3, 3, 3)), "4 axes", "2×3×8");
        Says(() => Zeros(2, 3, 8, 7).Conv2d(Zeros(4, 3)), "4 axes", "4×3");
        Says(() => Zeros(2, 3, 8, 7).Conv2d(Zeros(4, 3, 9, 3)), "9");
        Says(() => Zeros(2, 3, 8, 7).Conv2d(Zeros(4, 3, 3, 3), Zeros(3)), "b has 3 floats, not 4");
        Says(() => Zeros(2, 3, 8, 7).Conv2d(Zeros(4, 3, 3, 3), stride: (0, 1)), "0");
        Says(() => Zeros(2, 3, 8, 7).Conv2d(Zeros(4, 3, 3, 3), output: (0, 5)), "not positive");
        Says(() => Zeros(2, 3, 8, 7).Conv2d(Zeros(4, 3, 3, 3), output: (int.MaxValue, 5)), "2³¹");
    }

    [Fact]
    public void ConvTranspose2d()
    {
        Says(() => Zeros(2, 3, 8, 7).ConvTranspose2d(Zeros(4, 3, 3, 3)), "2×3×8×7", "4×3×3×3");
        Says(() => Zeros(2, 3).ConvTranspose2d(Zeros(3, 4, 3, 3)), "4 axes", "2×3");
        Says(() => Zeros(2, 3, 8, 7).ConvTranspose2d(Zeros(3, 4, 3)), "4 axes", "3×4×3");
        Says(() => Zeros(2, 3, 8, 7).ConvTranspose2d(Zeros(3, 4, 3, 3), Zeros(3)), "b has 3 floats, not 4");
        Says(() => Zeros(2, 3, 8, 7).ConvTranspose2d(Zeros(3, 4, 3, 3), output: (10, -1)), "not positive");
        Says(() => Zeros(2, 3, 8, 7).ConvTranspose2d(Zeros(3, 4, 3, 3), output: (int.MaxValue, 9)), "2³¹");
    }

    [Fact]
    public void Dense()
    {
        Says(() => Zeros(2, 3).Dense(Zeros(4, 5)), "2×3", "4×5");
        Says(() => Zeros(2, 3, 1).Dense(Zeros(3, 5)), "2 axes", "2×3×1");
        Says(() => Zeros(2, 3).Dense(Zeros(3, 5), Zeros(4)), "b has 4 floats, not 5");
    }

    [Fact]
    public void BatchNorm()
    {
        Says(() => Zeros(6).BatchNorm(Zeros(6), Zeros(6), Zeros(6), Zeros(6)), "6");
        Says(() => Zeros(2, 3).BatchNorm(Zeros(3), Zeros(3), Zeros(2), Zeros(3)), "gamma has 2 floats, not 3");
        BatchStatistics statistics = new(Zeros(3), Zeros(3), Zeros(3), Zeros(3));
        Says(() => Zeros(6).BatchNormTrain(Zeros(6), Zeros(6), statistics, 0.1f, 1e-4f), "6");
        Says(() => Zeros(2, 4).BatchNormTrain(Zeros(4), Zeros(4), statistics, 0.1f, 1e-4f), "has 3 floats, not 4");
    }

    [Fact]
    public void LossesAndTheRest()
    {
        Says(() => Zeros(2, 3).MeanSquaredError(Zeros(3, 2)), "2×3", "3×2");
        Says(() => Zeros(2, 3).SigmoidCrossEntropy(Zeros(6)), "2×3", "6");
        Says(() => Zeros(2, 3, 4).MaxPool2d((2, 2), (2, 2)), "4 axes", "2×3×4");
        Says(() => Zeros(2, 3, 4, 4).MaxPool2d((5, 2), (1, 1)), "5");
        Says(() => Zeros(2, 3, 4, 4).Crop2d(5, 2), "5");
        Says(() => Zeros(2, 3, 4).Crop2d(1, 1), "4 axes", "2×3×4");
        Says(() => Zeros(2, 3).Dropout(1, 0), "[0, 1), not 1");
        Says(() => Zeros(2, 3).Magnitude(), "2×3");
        Says(() => Zeros(10).RealFft(Zeros(8), 2, 3, 5), "10 floats");
    }

    /// <summary>A gradient would go to the wrong tensor.</summary>
    [Fact]
    public void TensorsMustBeTheOperationsInputs()
    {
        Tensor a = Zeros(3), b = Zeros(3);
        OpResult<MultiplyOp> y = a.Begin<MultiplyOp>(a.Shape);
        Says(() => y.Run(new MultiplyOp(a.View, b.View, y.View), b, a), "tensor 0", "input a", "order of the operands");
        Says(() => y.Run(new MultiplyOp(a.View, b.View, y.View), a, null), "tensor 1", "input b");
        Says(() => y.Run(new MultiplyOp(a.View, b.View, y.View), a, b, b), "tensor 2", "one more");
        _tensors.Add(y.Run(new MultiplyOp(a.View, b.View, y.View), a, b));
    }

    [Fact]
    public void GradientsThatNobodyWorksOutAreRefused()
    {
        Tensor x = Zeros(2, 3), y = Zeros(2, 3);
        x.RequiresGradient = true;
        Says(() => x.LogFloor(1e-7f), "LogFloor", "gradient of x");
        Says(() => x.BatchNorm(Zeros(3), Zeros(3), Zeros(3), Zeros(3)), "BatchNorm", "gradient of x");
        Says(() => y.MeanSquaredError(x), "MeanSquaredError", "gradient of target");
        Says(() => y.SigmoidCrossEntropy(x), "SigmoidCrossEntropy", "gradient of target");
    }

    private static void Says(Action act, params string[] words)
    {
        string message = Assert.ThrowsAny<ArgumentException>(act).Message;
        foreach (string word in words) Assert.Contains(word, message, StringComparison.Ordinal);
    }

    private Tensor Zeros(params int[] sizes)
    {
        Shape shape = new(sizes);
        _tensors.Add(Tensor.From(_backend, shape, new float[shape.Length]));
        return _tensors[^1];
    }
}
