using Engine.Kernels.Simd;

namespace Engine.Kernels.Tests;

/// <summary>
/// Compares the gradient rule of every operation that has one with differences of the definition, and checks adjoint identities on every backend.
/// </summary>
public class GradientTests
{
    // This takes about a second for each operation.
    private const double MostEffort = 3e7;

    // For each operation, at least one gradient must be this large. Losses divide theirs by the number of elements.
    private const double SmallestChecked = 5e-3;

    private static readonly Conv2dShape[] Convolutions =
    [
        new(2, 3, 5, 6, 2, 2, 3),
        new(2, 2, 8, 9, 3, 3, 2, strideH: 2, strideW: 3, padH: 1, padW: 2), // rows and columns that no window reaches
        new(1, 2, 7, 8, 2, 3, 2, 2, 1, 1, 1, 2, 3),
        new(2, 1, 4, 5, 2, 1, 1, strideH: 3, strideW: 2),
        new(3, 2, 5, 4, 5, 3, 3, padH: 1, padW: 1, layout: BatchLayout.Last),
        new(3, 2, 5, 4, 5, 3, 3, padH: 1, padW: 1, layout: BatchLayout.ChannelsLast),
        new(2, 1, 5, 6, 16, 3, 3, layout: BatchLayout.ChannelsLast),
    ];

    private static readonly ConvTranspose2dShape[] TransposedConvolutions =
    [
        new(2, 3, 2, 3, 2, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1),
        new(1, 2, 3, 2, 3, 2, 3, strideH: 3, strideW: 1, dilationH: 2, dilationW: 2),
        new(2, 2, 2, 3, 1, 1, 2, strideH: 2, strideW: 3),
        new(3, 2, 3, 2, 5, 4, 4, strideH: 2, strideW: 2, padH: 1, padW: 1, layout: BatchLayout.Last),
    ];

    // Those whose gradient is not that of the result, which has none, but of what stands for it; their own tests check it.
    private static readonly string[] StraightThrough = [OpSpec.NameOf<TopKMaskOp>()];

    public static TheoryData<string> Differentiable =>
        [.. Ops.ByName.Values.Where(op => op.Spec.IsDifferentiable).Select(op => op.Spec.Name).Except(StraightThrough).Order()];

    /// <summary>The gradient rule of every operation that has one, on all its cases that are small enough.</summary>
    [Theory, MemberData(nameof(Differentiable))]
    public void OfEveryOperation(string name)
    {
        OpCase[] cases = [.. Ops.ByName.Values.Where(op => op.Spec.Name == name && EffortOf(op) <= MostEffort)];
        double?[] largest = [.. cases.Select(FiniteDifference.AssertGradients)];
        Assert.True(largest.Max() > SmallestChecked, $"{name}: no gradient is large enough to be checked");
    }

    [Fact]
    public void AWrongRuleFails()
    {
        OpCase wrong = new(OpSpec.Of((ref v) => new WrongSquareOp(v.Next(), v.Next()), 5));
        Assert.Contains("difference quotients", Assert.ThrowsAny<Exception>(() => FiniteDifference.AssertGradients(wrong)).Message, StringComparison.Ordinal);
        OpCase forgetful = new(OpSpec.Of((ref v) => new ForgetfulProductOp(v.Next(), v.Next(), v.Next()), 5));
        Assert.Contains("leaves out b", Assert.ThrowsAny<Exception>(() => FiniteDifference.AssertGradients(forgetful)).Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// ⟨conv(x; w), dy⟩ = ⟨x, dx⟩ = ⟨w, dw⟩: a convolution is linear in x and in w. Integers below 4 make all sides exact.
    /// </summary>
    [Theory, EveryDevice]
    public void ConvolutionsAreAdjointToTheirGradients(Device device)
    {
        using IBackend backend = device.Open();
        foreach (Conv2dShape shape in Convolutions)
        {
            float[] x = Integers(shape.XLength, 1), w = Integers(shape.WLength, 2), dy = Integers(shape.YLength, 3);
            double expected = Dot(Ops.Conv2d(shape).Run(backend, x, w), dy);
            Assert.Equal(expected, Dot(x, Ops.Conv2dBackwardData(shape).Run(backend, dy, w)));
            Assert.Equal(expected, Dot(w, Ops.Conv2dBackwardFilter(shape, bias: false).Run(backend, x, dy)));
        }

        foreach (ConvTranspose2dShape shape in TransposedConvolutions)
        {
            float[] x = Integers(shape.XLength, 1), w = Integers(shape.WLength, 2), dy = Integers(shape.YLength, 3);
            double expected = Dot(Ops.ConvTranspose2d(shape).Run(backend, x, w), dy);
            Assert.Equal(expected, Dot(x, Ops.ConvTranspose2dBackwardData(shape).Run(backend, dy, w)));
            Assert.Equal(expected, Dot(w, Ops.ConvTranspose2dBackwardFilter(shape, bias: false).Run(backend, x, dy)));
        }

        DenseShape product = new(5, 70, 31);
        float[] input = Integers(product.XLength, 1), weights = Integers(product.WLength, 2), gradient = Integers(product.YLength, 3);
        double value = Dot(Ops.Dense(product).Run(backend, input, weights), gradient);
        Assert.Equal(value, Dot(input, Ops.DenseBackwardData(product).Run(backend, gradient, weights)));
        Assert.Equal(value, Dot(weights, Ops.DenseBackwardFilter(product, bias: false).Run(backend, input, gradient)));
    }

    // The cost of the differences: two runs of the definition for each element of an input.
    private static double EffortOf(OpCase op) => 2.0 * op.Inputs.Sum() * (op.Spec.Flops + op.Spec.Bytes);

    private static float[] Integers(int length, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)random.Next(-3, 4))];
    }

    private static double Dot(float[] a, float[] b) => a.Zip(b, (left, right) => (double)left * right).Sum();

    /// <summary>y = x², with x·dy for its gradient.</summary>
    private readonly record struct WrongSquareOp(View X, View Y) : IDifferentiableOp
    {
        public void Operands(ref OperandList list)
        {
            list.In("x", X, Y.Length);
            list.Out("y", Y, Y.Length);
        }

        public void Reference(ReferenceContext host) => Multiply.Reference(host.At(X), host.At(X), host.At(Y));

        public void Cpu<TV>(CpuContext cpu)
            where TV : unmanaged, IVector<TV> => throw new NotSupportedException();

        public void Gpu(GpuContext gpu) => throw new NotSupportedException();

        public void Backward(IGradients gradients) => gradients.Backend.Run(new MultiplyOp(X, gradients.Dy, gradients.Of(0)));
    }

    /// <summary>y = a·b, with the gradient of a alone.</summary>
    private readonly record struct ForgetfulProductOp(View A, View B, View Y) : IDifferentiableOp
    {
        public void Operands(ref OperandList list)
        {
            list.In("a", A, Y.Length);
            list.In("b", B, Y.Length);
            list.Out("y", Y, Y.Length);
        }

        public void Reference(ReferenceContext host) => Multiply.Reference(host.At(A), host.At(B), host.At(Y));

        public void Cpu<TV>(CpuContext cpu)
            where TV : unmanaged, IVector<TV> => throw new NotSupportedException();

        public void Gpu(GpuContext gpu) => throw new NotSupportedException();

        public void Backward(IGradients gradients) => gradients.Backend.Run(new MultiplyOp(B, gradients.Dy, gradients.Of(0)));
    }
}
