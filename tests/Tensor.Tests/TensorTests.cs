using Engine.Kernels;

namespace Engine.Tensors.Tests;

public sealed class TensorTests : IDisposable
{
    // No other buffer here has this capacity, so the pool hands out again what was given back.
    private static readonly Shape shape = new(4, 3, 5, 7);

    private readonly IBackend _backend = Backends.CreateCpu(1);

    public void Dispose() => _backend.Dispose();

    [Fact]
    public void ValuesComeBackInOrder()
    {
        using Tensor x = Counting(shape);
        Assert.Equal(Enumerable.Range(0, 420).Select(i => (float)i), x.ToArray());
        Assert.Throws<ArgumentException>(() => x.CopyTo(new float[419]));
        Assert.Contains("4×3×5×7", Assert.Throws<ArgumentException>(() => Tensor.From(_backend, shape, new float[419])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReshapeAndSliceShareTheMemory()
    {
        using Tensor x = Counting(shape), flat = x.Reshape(new Shape(420)), part = x.Slice(1, 2), inner = part.Slice(1, 1);
        Assert.Equal(new Shape(2, 3, 5, 7), part.Shape);
        Assert.Equal(Enumerable.Range(105, 210).Select(i => (float)i), part.ToArray());
        Assert.Equal(210f, inner.ToArray()[0]);
        float[] zeros = new float[105];
        _backend.Upload(zeros, inner.View);
        Assert.Equal(zeros, x.ToArray()[210..315]);
        Assert.Equal(zeros, flat.ToArray()[210..315]);
        Assert.Equal(209f, x.ToArray()[209]);
        Assert.Equal(315f, x.ToArray()[315]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void ASliceKeepsTheOtherAxes(int rank)
    {
        int[] sizes = [5, .. Enumerable.Repeat(2, rank - 1)];
        using Tensor x = Counting(new Shape(sizes)), part = x.Slice(3, 2);
        sizes[0] = 2;
        Assert.Equal(new Shape(sizes), part.Shape);
        Assert.Equal(x.ToArray()[^part.Shape.Length..], part.ToArray());
    }

    [Fact]
    public void WhatDoesNotFitIsRefused()
    {
        using Tensor x = Counting(shape);
        string message = Assert.Throws<ArgumentException>(() => x.Reshape(new Shape(20, 20))).Message;
        Assert.Equal("4×3×5×7 cannot become 20×20", message);
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Slice(3, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => x.Slice(-1, 1));
        Assert.ThrowsAny<ArgumentException>(() => x.Slice(0, 0));
        using Tensor other = Tensor.Allocate(_backend, new Shape(420));
        Assert.Throws<ArgumentException>(() => x.HoldGradientIn(other));
    }

    [Fact]
    public void TheLastOfThoseThatShareGivesTheMemoryBack()
    {
        Tensor x = Counting(shape), flat = x.Reshape(new Shape(420)), part = x.Slice(1, 1);
        DeviceBuffer memory = x.View.Buffer;
        x.Dispose();
        x.Dispose();
        flat.Dispose();
        Assert.False(IsBack(memory));
        Assert.Equal(105f, part.ToArray()[0]);
        part.Dispose();
        part.Dispose();
        Assert.True(IsBack(memory));
    }

    [Fact]
    public void MemoryIsUsedAgain()
    {
        Tensor x = Counting(shape);
        DeviceBuffer memory = x.View.Buffer;
        x.Dispose();
        using Tensor y = Tensor.Allocate(_backend, shape), z = Tensor.Allocate(_backend, shape);
        Assert.Same(memory, y.View.Buffer);
        Assert.NotSame(memory, z.View.Buffer);
    }

    [Fact]
    public void ADisposedTensorIsOutOfUse()
    {
        Tensor x = Counting(shape);
        x.Dispose();
        using Tensor next = Counting(shape);
        Assert.Throws<ObjectDisposedException>(() => x.ToArray());
        Assert.Throws<ObjectDisposedException>(() => x.Reshape(new Shape(420)));
        Assert.Throws<ObjectDisposedException>(() => x.Slice(0, 1));
        Assert.Throws<ObjectDisposedException>(() => x.Activate(Activation.Elu));
    }

    [Fact]
    public void AGradientIsDisposedWithItsTensor()
    {
        Tensor x = Counting(shape), gradient = Counting(shape);
        DeviceBuffer memory = gradient.View.Buffer;
        x.HoldGradientIn(gradient);
        Assert.Same(gradient, x.Gradient);
        Assert.False(x.HasGradient);
        x.HoldGradientIn(null);
        Assert.Null(x.Gradient);
        Assert.True(IsBack(memory));
        gradient = Counting(shape);
        memory = gradient.View.Buffer;
        x.HoldGradientIn(gradient);
        x.Dispose();
        Assert.True(IsBack(memory));
    }

    private bool IsBack(DeviceBuffer memory)
    {
        using DeviceBuffer first = _backend.Allocate(memory.Length), second = _backend.Allocate(memory.Length);
        return first == memory || second == memory;
    }

    private Tensor Counting(Shape sizes) => Tensor.From(_backend, sizes, [.. Enumerable.Range(0, sizes.Length).Select(i => (float)i)]);
}
