using System.Runtime.CompilerServices;
using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>
/// The operations on tensors: each works out the shape, makes its result on the backend of its input and runs one kernel. Shapes are N C H W,
/// whatever the <see cref="Tensor.Layout"/>; weights as the kernels' shapes say. Where the input is on a tape, the operation is written down there with the
/// rule for its gradient, which stands beside it here, and the tape owns the result; else the caller does, and disposes it.
/// </summary>
public static class TensorOps
{
    /// <summary>
    /// Cross-correlation; x is N×C×H×W, w K×C×R×S, b K or null, the result N×K×P×Q; see <see cref="Conv2dShape"/>. What is made of w may be kept in packed,
    /// which whoever changes w must empty.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static Tensor Conv2d(
        this Tensor x, Tensor w, Tensor? b = null, (int H, int W)? stride = null, (int H, int W)? padding = null,
        (int H, int W)? dilation = null, Activation activation = default, PackedFilter? packed = null)
    {
        (int strideH, int strideW) = stride ?? (1, 1);
        (int padH, int padW) = padding ?? (0, 0);
        (int dilationH, int dilationW) = dilation ?? (1, 1);
        RequireRank(x, 4);
        RequireRank(w, 4);
        if (x.Shape[1] != w.Shape[1]) throw new ArgumentException($"the input {x.Shape} has not the channels of the filters {w.Shape}");
        Conv2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], w.Shape[0], w.Shape[2], w.Shape[3],
            strideH, strideW, padH, padW, dilationH, dilationW, x.Layout);
        Tensor y = Result(x, new Shape(shape.N, shape.K, shape.P, shape.Q), Conv2dRule, (shape, activation), w, b);
        x.Backend.Conv2d(shape, x.View, w.View, b?.View, activation, y.View, packed);
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
        if (x.Shape[1] != w.Shape[0]) throw new ArgumentException($"the input {x.Shape} has not the channels of the filters {w.Shape}");
        ConvTranspose2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], w.Shape[1], w.Shape[2], w.Shape[3],
            strideH, strideW, padH, padW, dilationH, dilationW, x.Layout);
        Tensor y = Result(x, new Shape(shape.N, shape.K, shape.P, shape.Q), ConvTranspose2dRule, (shape, activation), w, b);
        x.Backend.ConvTranspose2d(shape, x.View, w.View, b?.View, activation, y.View);
        return y;
    }

    /// <summary>Matrix product; x is N×In, w In×Out, b Out or null, the result N×Out.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static Tensor Dense(this Tensor x, Tensor w, Tensor? b = null, Activation activation = default)
    {
        RequireRank(x, 2);
        RequireRank(w, 2);
        if (x.Shape[1] != w.Shape[0]) throw new ArgumentException($"the input {x.Shape} has not the features of the weights {w.Shape}");
        DenseShape shape = new(x.Shape[0], x.Shape[1], w.Shape[1]);
        Tensor y = Result(x, new Shape(shape.N, shape.Out), DenseRule, (shape, activation), w, b);
        x.Backend.Dense(shape, x.View, w.View, b?.View, activation, y.View);
        return y;
    }

    /// <summary>Batch normalisation with given statistics, then the activation; x is N×C or N×C×H×W, the parameters have C elements.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static Tensor BatchNorm(this Tensor x, Tensor mean, Tensor inverseStd, Tensor gamma, Tensor beta, Activation activation = default)
    {
        RequireNoGradient(x);
        BatchNormShape shape = BatchNormShapeOf(x);
        Tensor y = Tensor.Allocate(x.Backend, x.Shape, x.Layout);
        x.Backend.BatchNormInfer(shape, x.View, mean.View, inverseStd.View, gamma.View, beta.View, activation, y.View);
        return y;
    }

    /// <summary>
    /// Batch normalisation with the statistics of the batch itself, which also move the running ones, then the activation; x is N×C or N×C×H×W, gamma
    /// and beta have C elements, the result is as x. See <see cref="IBackend.BatchNormTrain"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static Tensor BatchNormTrain(
        this Tensor x, Tensor gamma, Tensor beta, BatchStatistics statistics, float momentum, float epsilon, Activation activation = default)
    {
        BatchNormShape shape = BatchNormShapeOf(x);
        Tensor y = Result(x, x.Shape, BatchNormRule, (shape, statistics, activation), gamma, beta);
        x.Backend.BatchNormTrain(
            shape, x.View, gamma.View, beta.View, activation, y.View, statistics.Mean.View, statistics.InverseStd.View,
            statistics.RunningMean.View, statistics.RunningInverseStd.View, momentum, epsilon);
        return y;
    }

    /// <summary>
    /// Drops elements with a probability and scales the others by 1 / (1 − probability); which ones, the seed decides. The result is shaped as x.
    /// </summary>
    public static Tensor Dropout(this Tensor x, float probability, ulong seed)
    {
        RequireBatchFirst(x);
        Tensor y = Result(x, x.Shape, DropoutRule, (probability, seed));
        x.Backend.Dropout(probability, seed, x.View, y.View);
        return y;
    }

    /// <summary>
    /// weight times the mean of (x − target)² over all elements: one number. A loss: where it is on a tape, its own gradient is 1, so losses may be added up
    /// but not scaled; that is what the weight is for.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes differ, or the target requires a gradient.</exception>
    public static Tensor MeanSquaredError(this Tensor x, Tensor target, float weight = 1)
    {
        RequireNoGradient(target);
        if (x.Layout != target.Layout) throw new ArgumentException($"a batch {x.Layout} against a target with its batch {target.Layout}");
        if (x.Shape != target.Shape) throw new ArgumentException($"{x.Shape} against a target of {target.Shape}");
        Tensor loss = Result(x, new Shape(1), MeanSquaredErrorRule, weight, target, layout: BatchLayout.First);
        x.Backend.MeanSquaredError(x.View, target.View, loss.View, weight);
        return loss;
    }

    /// <summary>
    /// weight times the binary cross-entropy of σ(logits) and targets from 0 to 1, meaned over all elements: one number. A loss: where it is on a tape, its
    /// own gradient is 1, so losses may be added up but not scaled; that is what the weight is for.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes differ, or the target requires a gradient.</exception>
    public static Tensor SigmoidCrossEntropy(this Tensor logits, Tensor target, float weight = 1)
    {
        RequireNoGradient(target);
        if (logits.Shape != target.Shape) throw new ArgumentException($"{logits.Shape} against a target of {target.Shape}");
        Tensor loss = Result(logits, new Shape(1), SigmoidCrossEntropyRule, weight, target);
        logits.Backend.SigmoidCrossEntropy(logits.View, target.View, loss.View, weight);
        return loss;
    }

    /// <summary>x + scale·y, element by element, both of one shape.</summary>
    /// <exception cref="ArgumentException">The shapes or layouts differ, or y requires a gradient and x is on no tape.</exception>
    public static Tensor Add(this Tensor x, Tensor y, float scale = 1)
    {
        RequireAlike(x, y);
        Tensor sum = Result(x, x.Shape, AddRule, scale, y);
        x.Backend.Copy(x.View, sum.View);
        x.Backend.AddScaled(scale, y.View, sum.View);
        return sum;
    }

    /// <summary>x·y, element by element, both of one shape.</summary>
    /// <exception cref="ArgumentException">The shapes or layouts differ, or y requires a gradient and x is on no tape.</exception>
    public static Tensor Multiply(this Tensor x, Tensor y)
    {
        RequireAlike(x, y);
        Tensor product = Result(x, x.Shape, MultiplyRule, default(NoArguments), y);
        x.Backend.Multiply(x.View, y.View, product.View);
        return product;
    }

    /// <summary>A pointwise function; the result is shaped as x.</summary>
    public static Tensor Activate(this Tensor x, Activation activation)
    {
        Tensor y = Result(x, x.Shape, ActivateRule, activation);
        x.Backend.Activate(activation, x.View, y.View);
        return y;
    }

    /// <summary>Max-pooling; x is N×C×H×W, the result N×C×P×Q; see <see cref="MaxPool2dShape"/>.</summary>
    /// <exception cref="ArgumentException">The window does not fit.</exception>
    public static Tensor MaxPool2d(this Tensor x, (int H, int W) window, (int H, int W) stride, (int H, int W)? dilation = null)
    {
        (int dilationH, int dilationW) = dilation ?? (1, 1);
        RequireRank(x, 4);
        RequireBatchFirst(x);
        MaxPool2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], window.H, window.W, stride.H, stride.W, dilationH, dilationW);
        Tensor y = Result(x, new Shape(shape.N, shape.C, shape.P, shape.Q), MaxPool2dRule, shape);
        x.Backend.MaxPool2d(shape, x.View, y.View);
        return y;
    }

    /// <summary>
    /// Cross-correlation without stride, max-pooling of its sums, bias and activation; x is N×C×H×W, w K×C×R×S, b K or null, the result N×K×P×Q; see
    /// <see cref="ConvMaxPool2dShape"/>. What is made of w may be kept in packed, which whoever changes w must empty.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes do not fit together, or the activation falls somewhere.</exception>
    public static Tensor ConvMaxPool2d(
        this Tensor x, Tensor w, Tensor? b, (int H, int W) padding, (int H, int W) dilation, Activation activation,
        (int H, int W) window, (int H, int W) stride, (int H, int W) poolDilation, PackedFilter? packed = null)
    {
        RequireRank(x, 4);
        RequireRank(w, 4);
        if (x.Shape[1] != w.Shape[1]) throw new ArgumentException($"the input {x.Shape} has not the channels of the filters {w.Shape}");
        Conv2dShape conv = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], w.Shape[0], w.Shape[2], w.Shape[3],
            padH: padding.H, padW: padding.W, dilationH: dilation.H, dilationW: dilation.W);
        ConvMaxPool2dShape shape = new(conv, window.H, window.W, stride.H, stride.W, poolDilation.H, poolDilation.W);
        Shape pooled = new(conv.N, conv.K, shape.Pool.P, shape.Pool.Q);
        TapeEntry? entry = x.Tape?.RecordKeeping(pooled, ConvMaxPool2dRule, (shape, activation), x, w, b);
        Tensor y = entry?.Output ?? Tensor.Allocate(x.Backend, pooled);
        x.Backend.ConvMaxPool2d(shape, x.View, w.View, b?.View, activation, y.View, entry?.Kept!.View, packed);
        return y;
    }

    /// <summary>Crop to the upper left corner; x is N×C×H×W, the result N×C×rows×columns.</summary>
    /// <exception cref="ArgumentException">The result would be larger than x.</exception>
    public static Tensor Crop2d(this Tensor x, int rows, int columns)
    {
        RequireRank(x, 4);
        (int n, int c, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]);
        Crop2dShape shape = x.Layout == BatchLayout.First ? new(n * c, h, w, rows, columns) : new(c, h, w * n, rows, columns * n);
        Tensor y = Result(x, new Shape(x.Shape[0], x.Shape[1], rows, columns), Crop2dRule, shape);
        x.Backend.Crop2d(shape, x.View, y.View);
        return y;
    }

    /// <summary>The same N×C×H×W with its samples laid out anew.</summary>
    public static Tensor ToLayout(this Tensor x, BatchLayout layout)
    {
        RequireRank(x, 4);
        if (x.Layout == layout) return x.Reshape(x.Shape);
        int samples = x.Shape[0], others = x.Shape.Length / samples;
        TransposeShape shape = layout == BatchLayout.Last ? new(samples, others) : new(others, samples);
        Tensor y = Result(x, x.Shape, TransposeRule, shape, layout: layout);
        x.Backend.Transpose(shape, x.View, y.View);
        return y;
    }

    /// <summary>
    /// Windowed Fourier transforms of overlapping frames of one signal; x has (frames − 1)·hop + size elements, window size, the result is
    /// frames×bins×2; see <see cref="RealFftShape"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public static Tensor RealFft(this Tensor x, Tensor window, int frames, int hop, int bins)
    {
        RequireNoGradient(x);
        RealFftShape shape = new(frames, window.Shape.Length, hop, bins);
        Tensor y = Tensor.Allocate(x.Backend, new Shape(frames, bins, 2));
        x.Backend.RealFft(shape, x.View, window.View, y.View);
        return y;
    }

    /// <summary>Absolute values of complex numbers; x is N×M×2, the result N×M.</summary>
    /// <exception cref="ArgumentException">x has not three axes, the last of size 2.</exception>
    public static Tensor Magnitude(this Tensor x)
    {
        RequireNoGradient(x);
        if (x.Shape.Rank != 3 || x.Shape[2] != 2) throw new ArgumentException($"not pairs of real and imaginary parts: {x.Shape}");
        Tensor y = Tensor.Allocate(x.Backend, new Shape(x.Shape[0], x.Shape[1]));
        x.Backend.Magnitude(x.View, y.View);
        return y;
    }

    /// <summary>ln(max(x, floor)); the result is shaped as x.</summary>
    public static Tensor LogFloor(this Tensor x, float floor)
    {
        RequireNoGradient(x);
        Tensor y = Tensor.Allocate(x.Backend, x.Shape);
        x.Backend.LogFloor(floor, x.View, y.View);
        return y;
    }

    /// <summary>A reshape on a tape: the result shares x's memory, its gradient is x's under the other shape.</summary>
    internal static Tensor RecordReshape(Tensor x, Shape shape) => x.Tape!.Record(shape, ReshapeRule, default(NoArguments), x, shares: x, layout: x.Layout);

    private static readonly BackwardRule<(Conv2dShape Shape, Activation Activation)> Conv2dRule = static (tape, entry) =>
    {
        (Conv2dShape shape, Activation activation) = entry.Arguments;
        UndoActivation(entry, activation);
        if (entry.X.RequiresGradient)
        {
            entry.Backend.Conv2dBackwardData(shape, entry.Dy, entry.W!.View, tape.BeginGradient(entry.X));
            tape.EndGradient(entry.X);
        }

        if (entry.WeightsRequireGradient)
        {
            entry.Backend.Conv2dBackwardFilter(shape, entry.X.View, entry.Dy, tape.BeginGradient(entry.W!), BeginBias(tape, entry));
            EndWeights(tape, entry);
        }
    };

    private static readonly BackwardRule<(ConvTranspose2dShape Shape, Activation Activation)> ConvTranspose2dRule = static (tape, entry) =>
    {
        (ConvTranspose2dShape shape, Activation activation) = entry.Arguments;
        UndoActivation(entry, activation);
        if (entry.X.RequiresGradient)
        {
            entry.Backend.ConvTranspose2dBackwardData(shape, entry.Dy, entry.W!.View, tape.BeginGradient(entry.X));
            tape.EndGradient(entry.X);
        }

        if (entry.WeightsRequireGradient)
        {
            entry.Backend.ConvTranspose2dBackwardFilter(shape, entry.X.View, entry.Dy, tape.BeginGradient(entry.W!), BeginBias(tape, entry));
            EndWeights(tape, entry);
        }
    };

    private static readonly BackwardRule<(DenseShape Shape, Activation Activation)> DenseRule = static (tape, entry) =>
    {
        (DenseShape shape, Activation activation) = entry.Arguments;
        UndoActivation(entry, activation);
        if (entry.X.RequiresGradient)
        {
            entry.Backend.DenseBackwardData(shape, entry.Dy, entry.W!.View, tape.BeginGradient(entry.X));
            tape.EndGradient(entry.X);
        }

        if (entry.WeightsRequireGradient)
        {
            entry.Backend.DenseBackwardFilter(shape, entry.X.View, entry.Dy, tape.BeginGradient(entry.W!), BeginBias(tape, entry));
            EndWeights(tape, entry);
        }
    };

    // Gamma's and beta's gradients fall out on the way to x's, so all three are worked out together.
    private static readonly BackwardRule<(BatchNormShape Shape, BatchStatistics Statistics, Activation Activation)> BatchNormRule = static (tape, entry) =>
    {
        (BatchNormShape shape, BatchStatistics statistics, Activation activation) = entry.Arguments;
        entry.Backend.BatchNormBackward(
            shape, entry.X.View, statistics.Mean.View, statistics.InverseStd.View, entry.W!.View, activation, entry.Output!.View,
            entry.Dy, tape.BeginGradient(entry.X), tape.BeginGradient(entry.W), tape.BeginGradient(entry.B!));
        tape.EndGradient(entry.X);
        tape.EndGradient(entry.W);
        tape.EndGradient(entry.B!);
    };

    private static readonly BackwardRule<Activation> ActivateRule = static (tape, entry) =>
    {
        entry.Backend.ActivateBackward(entry.Arguments, entry.Output!.View, entry.Dy, tape.BeginGradient(entry.X));
        tape.EndGradient(entry.X);
    };

    private static readonly BackwardRule<MaxPool2dShape> MaxPool2dRule = static (tape, entry) =>
    {
        entry.Backend.MaxPool2dBackward(entry.Arguments, entry.X.View, entry.Output!.View, entry.Dy, tape.BeginGradient(entry.X));
        tape.EndGradient(entry.X);
    };

    private static readonly BackwardRule<(ConvMaxPool2dShape Shape, Activation Activation)> ConvMaxPool2dRule = static (tape, entry) =>
    {
        (ConvMaxPool2dShape shape, Activation activation) = entry.Arguments;
        UndoActivation(entry, activation);
        View argmax = entry.Kept!.View;
        if (entry.X.RequiresGradient)
        {
            entry.Backend.ConvMaxPool2dBackwardData(shape, argmax, entry.Dy, entry.W!.View, tape.BeginGradient(entry.X));
            tape.EndGradient(entry.X);
        }

        if (entry.WeightsRequireGradient)
        {
            entry.Backend.ConvMaxPool2dBackwardFilter(
                shape, entry.X.View, argmax, entry.Dy, tape.BeginGradient(entry.W!), BeginBias(tape, entry));
            EndWeights(tape, entry);
        }
    };

    private static readonly BackwardRule<Crop2dShape> Crop2dRule = static (tape, entry) =>
    {
        entry.Backend.Crop2dBackward(entry.Arguments, entry.Dy, tape.BeginGradient(entry.X));
        tape.EndGradient(entry.X);
    };

    private static readonly BackwardRule<TransposeShape> TransposeRule = static (tape, entry) =>
    {
        entry.Backend.Transpose(entry.Arguments.Inverse, entry.Dy, tape.BeginGradient(entry.X));
        tape.EndGradient(entry.X);
    };

    private static readonly BackwardRule<(float Probability, ulong Seed)> DropoutRule = static (tape, entry) =>
    {
        entry.Backend.Dropout(entry.Arguments.Probability, entry.Arguments.Seed, entry.Dy, tape.BeginGradient(entry.X));
        tape.EndGradient(entry.X);
    };

    private static readonly BackwardRule<float> MeanSquaredErrorRule = static (tape, entry) =>
    {
        entry.Backend.MeanSquaredErrorBackward(entry.X.View, entry.W!.View, tape.BeginGradient(entry.X), entry.Arguments);
        tape.EndGradient(entry.X);
    };

    private static readonly BackwardRule<float> SigmoidCrossEntropyRule = static (tape, entry) =>
    {
        entry.Backend.SigmoidCrossEntropyBackward(entry.X.View, entry.W!.View, tape.BeginGradient(entry.X), entry.Arguments);
        tape.EndGradient(entry.X);
    };

    private static readonly BackwardRule<float> AddRule = static (tape, entry) =>
    {
        if (entry.X.RequiresGradient)
        {
            entry.Backend.Copy(entry.Dy, tape.BeginGradient(entry.X));
            tape.EndGradient(entry.X);
        }

        if (entry.W is not { RequiresGradient: true } y) return;
        View dy = tape.BeginGradient(y);
        entry.Backend.Fill(0, dy);
        entry.Backend.AddScaled(entry.Arguments, entry.Dy, dy);
        tape.EndGradient(y);
    };

    private static readonly BackwardRule<NoArguments> MultiplyRule = static (tape, entry) =>
    {
        if (entry.X.RequiresGradient)
        {
            entry.Backend.Multiply(entry.Dy, entry.W!.View, tape.BeginGradient(entry.X));
            tape.EndGradient(entry.X);
        }

        if (entry.W is not { RequiresGradient: true } y) return;
        entry.Backend.Multiply(entry.Dy, entry.X.View, tape.BeginGradient(y));
        tape.EndGradient(y);
    };

    private static readonly BackwardRule<NoArguments> ReshapeRule = static (tape, entry) =>
    {
        entry.Backend.Copy(entry.Dy, tape.BeginGradient(entry.X));
        tape.EndGradient(entry.X);
    };

    private static Tensor Result<TArguments>(
        Tensor x, Shape shape, BackwardRule<TArguments> rule, in TArguments arguments, Tensor? w = null, Tensor? b = null, BatchLayout? layout = null)
        where TArguments : struct =>
        x.Tape is { } tape ? tape.Record(shape, rule, arguments, x, w, b, layout: layout ?? x.Layout) : Tensor.Allocate(x.Backend, shape, layout ?? x.Layout);

    private static BatchNormShape BatchNormShapeOf(Tensor x)
    {
        if (x.Shape.Rank < 2) throw new ArgumentException($"batch normalisation needs channels: {x.Shape}");
        int channels = x.Shape[1];
        return x.Layout == BatchLayout.First
            ? new BatchNormShape(x.Shape[0], channels, x.Shape.Length / (x.Shape[0] * channels))
            : new BatchNormShape(1, channels, x.Shape.Length / channels);
    }

    // From the gradient of the activated output to that of the sum before it, in place.
    private static void UndoActivation(TapeEntry entry, Activation activation)
    {
        if (activation.Kind != ActivationKind.None) entry.Backend.ActivateBackward(activation, entry.Output!.View, entry.Dy, entry.Dy);
    }

    private static View? BeginBias(Tape tape, TapeEntry entry) => entry.B is { RequiresGradient: true } b ? tape.BeginGradient(b) : null;

    private static void EndWeights(Tape tape, TapeEntry entry)
    {
        tape.EndGradient(entry.W!);
        if (entry.B is { RequiresGradient: true } b) tape.EndGradient(b);
    }

    private static void RequireAlike(Tensor x, Tensor y)
    {
        if (x.Shape != y.Shape || x.Layout != y.Layout) throw new ArgumentException($"{x.Shape} with its batch {x.Layout} and {y.Shape} with it {y.Layout}");
        if (x.Tape is null && y.RequiresGradient) throw new ArgumentException("the second of two tensors requires a gradient, but the first is on no tape");
    }

    private static void RequireRank(Tensor tensor, int rank)
    {
        if (tensor.Shape.Rank != rank) throw new ArgumentException($"a tensor with {rank} axes is needed, not {tensor.Shape}");
    }

    private static void RequireBatchFirst(Tensor x, [CallerMemberName] string operation = "")
    {
        if (x.Layout != BatchLayout.First) throw new ArgumentException($"{operation} wants the batch first: {x.Shape} has it last");
    }

    // Better no answer than a gradient that silently stops here.
    private static void RequireNoGradient(
        Tensor x, [CallerMemberName] string operation = "", [CallerArgumentExpression(nameof(x))] string name = "")
    {
        if (x.RequiresGradient) throw new ArgumentException($"{operation} has no rule for the gradient of {name}");
    }

    private readonly record struct NoArguments;
}
