using Engine.Kernels;

namespace Engine.Tensors.Tests;

/// <summary>Sums over axes and repeated tensors: shapes, values, and what is refused.</summary>
public sealed class AxesTests : IDisposable
{
    private readonly IBackend _backend = Backends.CreateCpu(2);
    private readonly List<Tensor> _tensors = [];

    public void Dispose()
    {
        foreach (Tensor tensor in _tensors) tensor.Dispose();
        _backend.Dispose();
    }

    [Fact]
    public void SumsAndMeansKeepTheirAxes()
    {
        Tensor x = Counting(2, 3, 2);
        Is(x.Sum(), [66], 1);
        Is(x.Sum(1), [6, 9, 24, 27], 2, 1, 2);
        Is(x.Mean(0, 2), [3.5f, 5.5f, 7.5f], 1, 3, 1);
        Is(x.Mean(2, 0), [3.5f, 5.5f, 7.5f], 1, 3, 1);
        Is(x.Mean(), [5.5f], 1);
        Is(Counting(3).Sum(0), [3], 1);
    }

    [Fact]
    public void ShapesAreMatchedFromTheLastAxisOn()
    {
        Tensor x = Counting(2, 3);
        Is(x.Add(Counting(3), 10), [0, 11, 22, 3, 14, 25], 2, 3);
        Is(x.Multiply(Counting(2, 1)), [0, 0, 0, 3, 4, 5], 2, 3);
        Is(Counting(3).Subtract(x), [0, 0, 0, -3, -3, -3], 2, 3);
        Is(x.Multiply(Counting(2, 1, 1)), [0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5], 2, 2, 3);
    }

    [Fact]
    public void WhatDoesNotFitIsRefused()
    {
        Says(() => Counting(2, 3).Add(Counting(2)), "2×3", "agree or be 1");
        Says(() => Counting(2, 3).Sum(2), "2×3", "0 to 1", "2");
        Says(() => Counting(2, 3).Sum(1, 1), "twice");
        Says(() => Counting(4, 1).SigmoidCrossEntropy(Counting(4)), "4×1", "the target is 4", "shape of the outputs");
        Says(() => Counting(4, 2).SoftmaxCrossEntropy(Counting(4)), "4×2", "the target is 4");
        Says(() => Tensor.OneHot(_backend, [0, 3], 3), "label 1", "3", "0 to 2");
        Tensor y = Counting(3);
        y.RequiresGradient = true;
        Says(() => Counting(3, 3).Add(y), "on no tape", "Watch");
        Tensor gone = Counting(2);
        gone.Dispose();
        Assert.Contains("shape 2 was disposed", Assert.Throws<ObjectDisposedException>(() => gone.Sum()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OneHotMarksEachRowsClass() => Assert.Equal([0, 0, 1, 1, 0, 0], Keep(Tensor.OneHot(_backend, [2, 0], 3)).ToArray());

    private static void Says(Action act, params string[] words)
    {
        string message = Assert.ThrowsAny<ArgumentException>(act).Message;
        foreach (string word in words) Assert.Contains(word, message, StringComparison.Ordinal);
    }

    private void Is(Tensor actual, float[] expected, params int[] shape)
    {
        Keep(actual);
        Assert.Equal(new Shape(shape), actual.Shape);
        Assert.Equal(expected, actual.ToArray());
    }

    private Tensor Counting(params int[] sizes)
    {
        Shape shape = new(sizes);
        return Keep(Tensor.From(_backend, shape, [.. Enumerable.Range(0, shape.Length).Select(i => (float)i)]));
    }

    private Tensor Keep(Tensor tensor)
    {
        _tensors.Add(tensor);
        return tensor;
    }
}
