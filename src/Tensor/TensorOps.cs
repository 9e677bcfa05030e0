using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>
/// The operations on tensors: each works out the shape, allocates its result on the backend of its input and runs one kernel. Tensors are N C H W;
/// weights as the kernels' shapes say. The caller owns, and disposes, the result. This is the one place that calls kernels, and so the
/// place where a tape would record.
/// </summary>
public static class TensorOps
{
    /// <summary>Cross-correlation; x is N×C×H×W, w K×C×R×S, b K or null, the result N×K×P×Q; see <see cref="Conv2dShape"/>.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static Tensor Conv2d(
        this Tensor x, Tensor w, Tensor? b = null, (int H, int W)? stride = null, (int H, int W)? padding = null,
        (int H, int W)? dilation = null, Activation activation = default)
    {
        (int strideH, int strideW) = stride ?? (1, 1);
        (int padH, int padW) = padding ?? (0, 0);
        (int dilationH, int dilationW) = dilation ?? (1, 1);
        RequireRank(x, 4);
        RequireRank(w, 4);
        Require(x.Shape[1] == w.Shape[1], $"the input {x.Shape} has not the channels of the filters {w.Shape}");
        Conv2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], w.Shape[0], w.Shape[2], w.Shape[3],
            strideH, strideW, padH, padW, dilationH, dilationW);
        Tensor y = Tensor.Allocate(x.Backend, new Shape(shape.N, shape.K, shape.P, shape.Q));
        x.Backend.Conv2d(shape, x.View, w.View, b?.View, activation, y.View);
        return y;
    }

    /// <summary>Transposed convolution; x is N×C×H×W, w C×K×R×S, b K or null, the result N×K×P×Q; see <see cref="ConvTranspose2dShape"/>.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static Tensor ConvTranspose2d(
        this Tensor x, Tensor w, Tensor? b = null, (int H, int W)? stride = null, (int H, int W)? padding = null,
        (int H, int W)? dilation = null, Activation activation = default)
    {
        (int strideH, int strideW) = stride ?? (1, 1);
        (int padH, int padW) = padding ?? (0, 0);
        (int dilationH, int dilationW) = dilation ?? (1, 1);
        RequireRank(x, 4);
        RequireRank(w, 4);
        Require(x.Shape[1] == w.Shape[0], $"the input {x.Shape} has not the channels of the filters {w.Shape}");
        ConvTranspose2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], w.Shape[1], w.Shape[2], w.Shape[3],
            strideH, strideW, padH, padW, dilationH, dilationW);
        Tensor y = Tensor.Allocate(x.Backend, new Shape(shape.N, shape.K, shape.P, shape.Q));
        x.Backend.ConvTranspose2d(shape, x.View, w.View, b?.View, activation, y.View);
        return y;
    }

    /// <summary>Matrix product; x is N×In, w In×Out, b Out or null, the result N×Out.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static Tensor Dense(this Tensor x, Tensor w, Tensor? b = null, Activation activation = default)
    {
        RequireRank(x, 2);
        RequireRank(w, 2);
        Require(x.Shape[1] == w.Shape[0], $"the input {x.Shape} has not the features of the weights {w.Shape}");
        DenseShape shape = new(x.Shape[0], x.Shape[1], w.Shape[1]);
        Tensor y = Tensor.Allocate(x.Backend, new Shape(shape.N, shape.Out));
        x.Backend.Dense(shape, x.View, w.View, b?.View, activation, y.View);
        return y;
    }

    /// <summary>Batch normalisation with given statistics; x is N×C or N×C×H×W, the parameters have C elements, the result is as x.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static Tensor BatchNorm(this Tensor x, Tensor mean, Tensor inverseStd, Tensor gamma, Tensor beta)
    {
        Require(x.Shape.Rank >= 2, $"batch normalisation needs channels: {x.Shape}");
        BatchNormShape shape = new(x.Shape[0], x.Shape[1], x.Shape.Length / (x.Shape[0] * x.Shape[1]));
        Tensor y = Tensor.Allocate(x.Backend, x.Shape);
        x.Backend.BatchNormInfer(shape, x.View, mean.View, inverseStd.View, gamma.View, beta.View, y.View);
        return y;
    }

    /// <summary>A pointwise function; the result is shaped as x.</summary>
    public static Tensor Activate(this Tensor x, Activation activation)
    {
        Tensor y = Tensor.Allocate(x.Backend, x.Shape);
        x.Backend.Activate(activation, x.View, y.View);
        return y;
    }

    /// <summary>Max-pooling; x is N×C×H×W, the result N×C×P×Q; see <see cref="MaxPool2dShape"/>.</summary>
    /// <exception cref="ArgumentException">The window does not fit.</exception>
    public static Tensor MaxPool2d(this Tensor x, (int H, int W) window, (int H, int W) stride, (int H, int W)? dilation = null)
    {
        (int dilationH, int dilationW) = dilation ?? (1, 1);
        RequireRank(x, 4);
        MaxPool2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], window.H, window.W, stride.H, stride.W, dilationH, dilationW);
        Tensor y = Tensor.Allocate(x.Backend, new Shape(shape.N, shape.C, shape.P, shape.Q));
        x.Backend.MaxPool2d(shape, x.View, y.View);
        return y;
    }

    /// <summary>Crop to the upper left corner; x is N×C×H×W, the result N×C×rows×columns.</summary>
    /// <exception cref="ArgumentException">The result would be larger than x.</exception>
    public static Tensor Crop2d(this Tensor x, int rows, int columns)
    {
        RequireRank(x, 4);
        Crop2dShape shape = new(x.Shape[0] * x.Shape[1], x.Shape[2], x.Shape[3], rows, columns);
        Tensor y = Tensor.Allocate(x.Backend, new Shape(x.Shape[0], x.Shape[1], rows, columns));
        x.Backend.Crop2d(shape, x.View, y.View);
        return y;
    }

    /// <summary>
    /// Windowed Fourier transforms of overlapping frames of one signal; x has (frames − 1)·hop + size elements, window size, the result is
    /// frames×bins×2; see <see cref="RealFftShape"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public static Tensor RealFft(this Tensor x, Tensor window, int frames, int hop, int bins)
    {
        RealFftShape shape = new(frames, window.Shape.Length, hop, bins);
        Tensor y = Tensor.Allocate(x.Backend, new Shape(frames, bins, 2));
        x.Backend.RealFft(shape, x.View, window.View, y.View);
        return y;
    }

    /// <summary>Absolute values of complex numbers; x is N×M×2, the result N×M.</summary>
    /// <exception cref="ArgumentException">x has not three axes, the last of size 2.</exception>
    public static Tensor Magnitude(this Tensor x)
    {
        Require(x.Shape.Rank == 3 && x.Shape[2] == 2, $"not pairs of real and imaginary parts: {x.Shape}");
        Tensor y = Tensor.Allocate(x.Backend, new Shape(x.Shape[0], x.Shape[1]));
        x.Backend.Magnitude(x.View, y.View);
        return y;
    }

    /// <summary>ln(max(x, floor)); the result is shaped as x.</summary>
    public static Tensor LogFloor(this Tensor x, float floor)
    {
        Tensor y = Tensor.Allocate(x.Backend, x.Shape);
        x.Backend.LogFloor(floor, x.View, y.View);
        return y;
    }

    private static void RequireRank(Tensor tensor, int rank) =>
        Require(tensor.Shape.Rank == rank, $"a tensor with {rank} axes is needed, not {tensor.Shape}");

    private static void Require(bool condition, string complaint)
    {
        if (!condition) throw new ArgumentException(complaint);
    }
}
