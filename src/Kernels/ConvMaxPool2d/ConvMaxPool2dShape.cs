namespace Engine.Kernels;

/// <summary>
/// The sizes of a cross-correlation whose sums are max-pooled before bias and activation: x is N×C×H×W, w is K×C×R×S, the sums are <see cref="Conv"/>'s
/// N×K×P×Q, and y and argmax are <see cref="Pool"/>'s N×K×P×Q. The activation must never fall, so that it can be applied last.
/// With the channels last x is N×H×W×C, and y and argmax are N×P×Q×K.
/// <code>y[n,k,p,q] = activation(b[k] + max over the window of (x ⋆ w)[n,k])</code>
/// argmax[n,k,p,q] is the place of the first maximum in the window, in row-major order: row · <c>Pool.S</c> + column, as a float.
/// </summary>
public readonly record struct ConvMaxPool2dShape
{
    /// <summary>Checks the sizes of the window and computes those of the output.</summary>
    /// <exception cref="ArgumentException">A size is not positive, the window does not fit, the batch is last, or an array would exceed 2³¹ floats.</exception>
    public ConvMaxPool2dShape(
        in Conv2dShape conv, int windowH, int windowW, int strideH, int strideW, int dilationH = 1, int dilationW = 1)
    {
        Conv = conv;
        Sizes.Require(conv, conv.Layout != BatchLayout.Last, "max-pooling needs the batch first");
        Pool = new MaxPool2dShape(conv.N, conv.K, conv.P, conv.Q, windowH, windowW, strideH, strideW, dilationH, dilationW);
    }

    /// <summary>The sizes by their names, those of the convolution under <c>conv</c>.</summary>
    internal static ConvMaxPool2dShape From(OpSettings s) => new(
        Conv2dShape.From(s.Of("conv")), s.Size("windowH"), s.Size("windowW"), s.Size("strideH", 1), s.Size("strideW", 1), s.Size("dilationH", 1),
        s.Size("dilationW", 1));

    /// <summary>The convolution.</summary>
    public Conv2dShape Conv { get; }

    /// <summary>The pooling of its sums.</summary>
    public MaxPool2dShape Pool { get; }

    /// <summary>Floats in x.</summary>
    public int XLength => Conv.XLength;

    /// <summary>Floats in w.</summary>
    public int WLength => Conv.WLength;

    /// <summary>Floats in y, and in argmax.</summary>
    public int YLength => Pool.YLength;

    /// <summary>Where the elements of y lie.</summary>
    internal MapStrides YStrides => MapStrides.Of(Conv.Layout, Pool.N, Pool.C, Pool.P * Pool.Q);

    /// <summary>The same operation on maps that lie otherwise.</summary>
    internal ConvMaxPool2dShape In(BatchLayout layout) =>
        new(Conv.In(layout), Pool.R, Pool.S, Pool.StrideH, Pool.StrideW, Pool.DilationH, Pool.DilationW);

    /// <summary>Floating-point operations of the convolution; a multiplication and an addition count as two.</summary>
    public long Flops => Conv.Flops;

    /// <inheritdoc/>
    public override string ToString() => $"{Conv}, then {Pool}";
}
