using Engine.Kernels;
using Engine.Kernels.Simd;

namespace Engine.Tensors.Tests;

public sealed class GradientCheckTests : IDisposable
{
    private readonly IBackend _backend = Backends.CreateReference();

    public void Dispose() => _backend.Dispose();

    [Fact]
    public void ARightRulePasses()
    {
        using Tensor x = Draw(2, 3), w = Draw(3, 4), b = Draw(4);
        float[] before = x.ToArray();
        GradientError error = GradientCheck.LargestError(v => v[0].Dense(v[1], v[2], Activation.Sigmoid), [x, w, b]);
        Assert.InRange(error.Error, 0, 1e-3);
        Assert.Equal(before, x.ToArray());
        Assert.Null(x.Tape);
        Assert.False(w.RequiresGradient);
    }

    [Fact]
    public void AWrongRuleIsShownWithItsPlace()
    {
        using Tensor x = Tensor.From(_backend, new Shape(3), [0.01f, 0.02f, 4]), y = Draw(3);
        GradientError error = GradientCheck.LargestError(v => v[0].Add(Wrong(v[1])), [y, x]);
        Assert.InRange(error.Error, 0.3, 2);
        Assert.Equal((1, 2), (error.Input, error.Index));
        Assert.Contains("input 1, element 2", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatDependsOnNothingIsRefused()
    {
        using Tensor x = Draw(3), other = Draw(3);
        Assert.Throws<ArgumentException>(() => GradientCheck.LargestError(_ => other, [x]));
        Assert.Throws<ArgumentException>(() => GradientCheck.LargestError(_ => other, []));
    }

    private Tensor Draw(params int[] sizes)
    {
        Random random = new(2);
        Shape shape = new(sizes);
        return Tensor.From(_backend, shape, [.. Enumerable.Range(0, shape.Length).Select(_ => 2 * random.NextSingle() - 1)]);
    }

    private static Tensor Wrong(Tensor x)
    {
        OpResult<WrongSquareOp> y = x.Begin<WrongSquareOp>(x.Shape);
        return y.Run(new WrongSquareOp(x.View, y.View), x);
    }

    /// <summary>y = x², with x for its gradient.</summary>
    private readonly record struct WrongSquareOp(View X, View Y) : IDifferentiableOp
    {
        public void Operands(ref OperandList list)
        {
            list.In("x", X, Y.Length);
            list.Out("y", Y, Y.Length);
        }

        public void Reference(ReferenceContext host)
        {
            for (int i = 0; i < Y.Length; i++) host.At(Y)[i] = host.At(X)[i] * host.At(X)[i];
        }

        public void Cpu<TV>(CpuContext cpu)
            where TV : unmanaged, IVector<TV> => throw new NotSupportedException();

        public void Gpu(GpuContext gpu) => throw new NotSupportedException();

        public void Backward(IGradients gradients) => gradients.Backend.Run(new MultiplyOp(X, gradients.Dy, gradients.Of(0)));
    }
}
