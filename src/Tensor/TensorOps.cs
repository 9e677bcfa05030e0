using System.Runtime.CompilerServices;
using Engine.Kernels;

namespace Engine.Tensors;

/// <summary>
/// The operations on tensors. Each computes the shape of its result, makes the result on the backend of its input and runs one <see cref="IOp"/>. Shapes are
/// N C H W for either <see cref="Tensor.Layout"/>; the operations' shapes say how weights lie. If the input is on a tape, the tape records the operation with
/// its gradient rule and owns the result; otherwise the caller owns the result and disposes it.
/// </summary>
public static partial class TensorOps
{
    /// <summary>Begins an operation whose result has this shape; see <see cref="OpResult{TOp}"/>. This is how to add an operation of one's own.</summary>
    /// <param name="x">The main input: the result is on its backend and on its tape.</param>
    /// <param name="shape">The shape of the result.</param>
    /// <param name="layout">Where the samples of the result lie; without it, as in <paramref name="x"/>.</param>
    /// <param name="keeps">The shape of a second result, if the gradient rule needs one.</param>
    public static OpResult<TOp> Begin<TOp>(this Tensor x, Shape shape, BatchLayout? layout = null, Shape? keeps = null)
        where TOp : struct, IDifferentiableOp =>
        x.Tape is { } tape ? new(tape.Begin<TOp>(x.Backend, shape, layout ?? x.Layout, keeps: keeps))
        : new(Tensor.Allocate(x.Backend, shape, layout ?? x.Layout));

    /// <summary>
    /// Cross-correlation; x is N×C×H×W, w K×C×R×S, b K or null, the result N×K×P×Q; see <see cref="Conv2dShape"/>. The packed filters may be kept in
    /// <paramref name="packed"/>, which the owner of w empties when w changes.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static Tensor Conv2d(
        this Tensor x, Tensor w, Tensor? b = null, (int H, int W)? stride = null, (int H, int W)? padding = null,
        (int H, int W)? dilation = null, Activation activation = default, PackedFilter? packed = null, (int H, int W)? output = null)
    {
        Conv2dShape shape = ShapeOf(x, w, stride ?? (1, 1), padding ?? (0, 0), dilation ?? (1, 1), output);
        OpResult<Conv2dOp> y = x.Begin<Conv2dOp>(new Shape(shape.N, shape.K, shape.P, shape.Q));
        return y.Run(new Conv2dOp(shape, x.View, w.View, b?.View, activation, y.View, packed), x, w, b);
    }

    /// <summary>Transposed convolution; x is N×C×H×W, w C×K×R×S, b K or null, the result N×K×P×Q; see <see cref="ConvTranspose2dShape"/>.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static Tensor ConvTranspose2d(
        this Tensor x, Tensor w, Tensor? b = null, (int H, int W)? stride = null, (int H, int W)? padding = null,
        (int H, int W)? dilation = null, Activation activation = default, (int H, int W)? output = null)
    {
        (int strideH, int strideW) = stride ?? (1, 1);
        (int padH, int padW) = padding ?? (0, 0);
        (int dilationH, int dilationW) = dilation ?? (1, 1);
        RequireRank(x, 4);
        RequireRank(w, 4);
        RequireEqual(x, 1, w, 0);
        ConvTranspose2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], w.Shape[1], w.Shape[2], w.Shape[3],
            strideH, strideW, padH, padW, dilationH, dilationW, x.Layout, output?.H, output?.W);
        OpResult<ConvTranspose2dOp> y = x.Begin<ConvTranspose2dOp>(new Shape(shape.N, shape.K, shape.P, shape.Q));
        return y.Run(new ConvTranspose2dOp(shape, x.View, w.View, b?.View, activation, y.View), x, w, b);
    }

    /// <summary>Matrix product; x is N×In, w In×Out, b Out or null, the result N×Out. Whether w is sparse changes the speed, never the result.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static Tensor Dense(this Tensor x, Tensor w, Tensor? b = null, Activation activation = default, bool sparse = false)
    {
        RequireRank(x, 2);
        RequireRank(w, 2);
        RequireEqual(x, 1, w, 0);
        DenseShape shape = new(x.Shape[0], x.Shape[1], w.Shape[1]);
        OpResult<DenseOp> y = x.Begin<DenseOp>(new Shape(shape.N, shape.Out));
        return y.Run(new DenseOp(shape, x.View, w.View, b?.View, activation, y.View, sparse), x, w, b);
    }

    /// <summary>Batch normalisation with given statistics, then the activation; x is N×C or N×C×H×W, the parameters have C elements.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit together, or x requires a gradient, which this operation does not have.</exception>
    public static Tensor BatchNorm(this Tensor x, Tensor mean, Tensor inverseStd, Tensor gamma, Tensor beta, Activation activation = default)
    {
        RequireNoGradient(x);
        Tensor y = Tensor.Allocate(x.Backend, x.Shape, x.Layout);
        x.Backend.Run(new BatchNormInferOp(BatchNormShapeOf(x), x.View, mean.View, inverseStd.View, gamma.View, beta.View, activation, y.View));
        return y;
    }

    /// <summary>
    /// Batch normalisation with the statistics of the batch itself, which also update the running ones, then the activation; x is N×C or N×C×H×W, gamma
    /// and beta have C elements, the result has the shape of x. See <see cref="BatchNormTrainOp"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static Tensor BatchNormTrain(
        this Tensor x, Tensor gamma, Tensor beta, BatchStatistics statistics, float momentum, float epsilon, Activation activation = default)
    {
        OpResult<BatchNormTrainOp> y = x.Begin<BatchNormTrainOp>(x.Shape);
        BatchNormTrainOp op = new(
            BatchNormShapeOf(x), x.View, gamma.View, beta.View, activation, y.View, statistics.Mean.View, statistics.InverseStd.View,
            statistics.RunningMean.View, statistics.RunningInverseStd.View, momentum, epsilon);
        return y.Run(op, x, gamma, beta);
    }

    /// <summary>Drops elements with a probability and scales the others by 1 / (1 − probability); the seed decides which. The result is shaped as x.</summary>
    /// <exception cref="ArgumentException">The probability does not lie in [0, 1), or the batch is last.</exception>
    public static Tensor Dropout(this Tensor x, float probability, ulong seed)
    {
        RequireBatchFirst(x);
        OpResult<DropoutOp> y = x.Begin<DropoutOp>(x.Shape);
        return y.Run(new DropoutOp(probability, seed, x.View, y.View), x);
    }

    /// <summary>
    /// weight times the mean of (x − target)² over all elements: one number.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes differ, or the target requires a gradient.</exception>
    public static Tensor MeanSquaredError(this Tensor x, Tensor target, float weight = 1)
    {
        RequireNoGradient(target);
        RequireTarget(x, target);
        OpResult<MeanSquaredErrorOp> loss = x.Begin<MeanSquaredErrorOp>(new Shape(1), BatchLayout.First);
        return loss.Run(new MeanSquaredErrorOp(x.View, target.View, loss.View, weight), x, target);
    }

    /// <summary>
    /// weight times the mean binary cross-entropy of σ(logits) and targets from 0 to 1 over all elements: one number.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes differ, or the target requires a gradient.</exception>
    public static Tensor SigmoidCrossEntropy(this Tensor logits, Tensor target, float weight = 1)
    {
        RequireNoGradient(target);
        RequireTarget(logits, target);
        OpResult<SigmoidCrossEntropyOp> loss = logits.Begin<SigmoidCrossEntropyOp>(new Shape(1), BatchLayout.First);
        return loss.Run(new SigmoidCrossEntropyOp(logits.View, target.View, loss.View, weight), logits, target);
    }

    /// <summary>A pointwise function; the result is shaped as x.</summary>
    public static Tensor Activate(this Tensor x, Activation activation)
    {
        OpResult<ActivateOp> y = x.Begin<ActivateOp>(x.Shape);
        return y.Run(new ActivateOp(activation, x.View, y.View), x);
    }

    /// <summary>Max-pooling; x is N×C×H×W, the result N×C×P×Q; see <see cref="MaxPool2dShape"/>.</summary>
    /// <exception cref="ArgumentException">The window does not fit, or the batch is last.</exception>
    public static Tensor MaxPool2d(this Tensor x, (int H, int W) window, (int H, int W) stride, (int H, int W)? dilation = null)
    {
        (int dilationH, int dilationW) = dilation ?? (1, 1);
        RequireRank(x, 4);
        RequireBatchFirst(x);
        MaxPool2dShape shape = new(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], window.H, window.W, stride.H, stride.W, dilationH, dilationW);
        OpResult<MaxPool2dOp> y = x.Begin<MaxPool2dOp>(new Shape(shape.N, shape.C, shape.P, shape.Q));
        return y.Run(new MaxPool2dOp(shape, x.View, y.View), x);
    }

    /// <summary>
    /// Cross-correlation, max-pooling of its sums, bias and activation; x is N×C×H×W, w K×C×R×S, b K or null, the result N×K×P×Q; see
    /// <see cref="ConvMaxPool2dShape"/>. The packed filters may be kept in <paramref name="packed"/>, which the owner of w empties when w changes.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes do not fit together, the batch is last, or the activation falls somewhere.</exception>
    public static Tensor ConvMaxPool2d(
        this Tensor x, Tensor w, Tensor? b, (int H, int W) stride, (int H, int W) padding, (int H, int W) dilation, Activation activation,
        (int H, int W) window, (int H, int W) poolStride, (int H, int W) poolDilation, PackedFilter? packed = null)
    {
        ConvMaxPool2dShape shape = new(
            ShapeOf(x, w, stride, padding, dilation), window.H, window.W, poolStride.H, poolStride.W, poolDilation.H, poolDilation.W);
        Shape result = new(shape.Conv.N, shape.Conv.K, shape.Pool.P, shape.Pool.Q);
        OpResult<ConvMaxPool2dOp> y = x.Begin<ConvMaxPool2dOp>(result, keeps: result);
        return y.Run(new ConvMaxPool2dOp(shape, x.View, w.View, b?.View, activation, y.View, y.Kept, packed), x, w, b);
    }

    /// <summary>
    /// x, which is N×C×H×W, in N×C×rows×columns zeros: its upper left corner lies at (top, left). What falls outside is cut off; see <see cref="Pad2dShape"/>.
    /// </summary>
    /// <exception cref="ArgumentException">Nothing of x is left.</exception>
    public static Tensor Pad2d(this Tensor x, int top, int left, int rows, int columns)
    {
        RequireRank(x, 4);
        RequireChannelsFirst(x);
        (int n, int c, int h, int w) = (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]);
        int together = BatchBlocks.SamplesOf(x.Layout, n);
        Pad2dShape shape = new(n / together * c, h, w * together, rows, columns * together, top, left * together);
        OpResult<Pad2dOp> y = x.Begin<Pad2dOp>(new Shape(n, c, rows, columns));
        return y.Run(new Pad2dOp(shape, x.View, y.View), x);
    }

    /// <summary>
    /// A mask of each sample's largest numbers, 1 for as many as <paramref name="counts"/> says and 0 for the others; x has N samples, counts N elements, the
    /// result is shaped as x. Its gradient is that of a sigmoid with this steepness; see <see cref="TopKMaskOp"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes do not fit together, the batch is not first, or the counts require a gradient.</exception>
    public static Tensor TopKMask(this Tensor x, Tensor counts, float steepness)
    {
        RequireNoGradient(counts);
        RequireBatchFirst(x);
        int rows = x.Shape[0];
        OpResult<TopKMaskOp> y = x.Begin<TopKMaskOp>(x.Shape, keeps: new Shape(rows));
        return y.Run(new TopKMaskOp(rows, steepness, x.View, counts.View, y.View, y.Kept), x, counts);
    }

    /// <summary>
    /// Cross-correlation, bias and activation, and then <see cref="ConvMaxPool2d"/> of the result, in one operation for inference; see
    /// <see cref="ConvConvMaxPool2dOp"/>. Neither convolution is padded. The packed filters of the second may be kept in <paramref name="packed"/>.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// The shapes do not fit together, the batch is last, the last activation falls somewhere, or x requires a gradient, which this operation does not have.
    /// </exception>
    public static Tensor ConvConvMaxPool2d(
        this Tensor x, Tensor firstW, Tensor? firstB, Activation firstActivation, Tensor w, Tensor? b, Activation activation,
        (int H, int W) window, (int H, int W) poolStride, PackedFilter? packed = null)
    {
        RequireNoGradient(x);
        Conv2dShape first = ShapeOf(x, firstW, (1, 1), (0, 0), (1, 1));
        RequireRank(w, 4);
        RequireEqual(firstW, 0, w, 1);
        Conv2dShape second = new(first.N, first.K, first.P, first.Q, w.Shape[0], w.Shape[2], w.Shape[3], layout: first.Layout);
        ConvConvMaxPool2dShape shape = new(first, new ConvMaxPool2dShape(second, window.H, window.W, poolStride.H, poolStride.W));
        Tensor y = Tensor.Allocate(x.Backend, new Shape(second.N, second.K, shape.Pooled.Pool.P, shape.Pooled.Pool.Q), x.Layout);
        x.Backend.Run(new ConvConvMaxPool2dOp(
            shape, x.View, firstW.View, firstB?.View, firstActivation, w.View, b?.View, activation, y.View, packed));
        return y;
    }

    /// <summary>The upper left corner; x is N×C×H×W, the result N×C×rows×columns.</summary>
    /// <exception cref="ArgumentException">The result would be larger than x.</exception>
    public static Tensor Crop2d(this Tensor x, int rows, int columns)
    {
        RequireRank(x, 4);
        if (rows > x.Shape[2] || columns > x.Shape[3]) throw new ArgumentException($"{x.Shape} cannot be cropped to {rows}×{columns}: that is larger");
        return Pad2d(x, 0, 0, rows, columns);
    }

    /// <summary>
    /// The same N×C×H×W laid out anew. Where the elements stay in their places, as with the batch of one sample, the result shares the memory.
    /// </summary>
    public static Tensor ToLayout(this Tensor x, BatchLayout layout)
    {
        RequireRank(x, 4);
        if (x.Layout == layout) return x.Reshape(x.Shape);
        int samples = x.Shape[0], channels = x.Shape[1], pixels = x.Shape[2] * x.Shape[3];
        if (layout == BatchLayout.ChannelsLast || x.Layout == BatchLayout.ChannelsLast)
        {
            if (layout == BatchLayout.Last || x.Layout == BatchLayout.Last)
            {
                using Tensor first = x.ToLayout(BatchLayout.First);
                return first.ToLayout(layout);
            }

            if (channels == 1 || pixels == 1) return x.Tape is null ? x.Alias(x.Shape, layout) : RecordAlias(x, x.Shape, layout);
            return Turn(x, layout == BatchLayout.ChannelsLast ? new(channels, pixels, samples) : new(pixels, channels, samples), layout);
        }

        if (samples == 1) return x.Reshape(x.Shape);
        int together = BatchBlocks.SamplesOf(BatchLayout.Last, samples), blocks = samples / together;
        return Turn(x, layout == BatchLayout.Last ? new(together, channels * pixels, blocks) : new(channels * pixels, together, blocks), layout);
    }

    private static Tensor Turn(Tensor x, in TransposeShape shape, BatchLayout layout)
    {
        OpResult<TransposeOp> y = x.Begin<TransposeOp>(x.Shape, layout);
        return y.Run(new TransposeOp(shape, x.View, y.View), x);
    }

    /// <summary>
    /// Windowed Fourier transforms of overlapping frames of one signal; x has (frames − 1)·hop + size elements, window size, the result is
    /// frames×bins×2; see <see cref="RealFftShape"/>.
    /// </summary>
    /// <exception cref="ArgumentException">The sizes do not fit together, or x requires a gradient, which this operation does not have.</exception>
    public static Tensor RealFft(this Tensor x, Tensor window, int frames, int hop, int bins)
    {
        RequireNoGradient(x);
        Tensor y = Tensor.Allocate(x.Backend, new Shape(frames, bins, 2));
        x.Backend.Run(new RealFftOp(new RealFftShape(frames, window.Shape.Length, hop, bins), x.View, window.View, y.View));
        return y;
    }

    /// <summary>Absolute values of complex numbers; x is N×M×2, the result N×M.</summary>
    /// <exception cref="ArgumentException">x does not have three axes, the last of size 2, or requires a gradient, for which there is no rule.</exception>
    public static Tensor Magnitude(this Tensor x)
    {
        RequireNoGradient(x);
        if (x.Shape.Rank != 3 || x.Shape[2] != 2) throw new ArgumentException($"not pairs of real and imaginary parts: {x.Shape}");
        Tensor y = Tensor.Allocate(x.Backend, new Shape(x.Shape[0], x.Shape[1]));
        x.Backend.Run(new MagnitudeOp(x.View, y.View));
        return y;
    }

    /// <summary>ln(max(x, floor)); the result is shaped as x.</summary>
    /// <exception cref="ArgumentException">x requires a gradient, which this operation does not have.</exception>
    public static Tensor LogFloor(this Tensor x, float floor)
    {
        RequireNoGradient(x);
        Tensor y = Tensor.Allocate(x.Backend, x.Shape);
        x.Backend.Run(new LogFloorOp(floor, x.View, y.View));
        return y;
    }

    /// <summary>A reshape on a tape: the result shares x's memory, its gradient is x's under the other shape and layout.</summary>
    internal static Tensor RecordAlias(Tensor x, Shape shape, BatchLayout layout)
    {
        TapeEntry<ReshapeRule> entry = x.Tape!.Begin<ReshapeRule>(x.Backend, shape, layout, shares: x);
        entry.Finish(default, [x]);
        return entry.Output!;
    }

    private static Conv2dShape ShapeOf(
        Tensor x, Tensor w, (int H, int W) stride, (int H, int W) padding, (int H, int W) dilation, (int H, int W)? output = null)
    {
        RequireRank(x, 4);
        RequireRank(w, 4);
        RequireEqual(x, 1, w, 1);
        return new Conv2dShape(
            x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], w.Shape[0], w.Shape[2], w.Shape[3], stride.H, stride.W, padding.H, padding.W, dilation.H,
            dilation.W, x.Layout, output?.H, output?.W);
    }

    private static BatchNormShape BatchNormShapeOf(Tensor x)
    {
        if (x.Shape.Rank < 2) throw new ArgumentException($"batch normalisation needs channels: {x.Shape}");
        RequireChannelsFirst(x);
        int channels = x.Shape[1], blocks = x.Shape[0] / BatchBlocks.SamplesOf(x.Layout, x.Shape[0]);
        return new BatchNormShape(blocks, channels, x.Shape.Length / (blocks * channels));
    }

    private static void RequireTarget(Tensor x, Tensor target)
    {
        if (x.Shape != target.Shape)
        {
            throw new ArgumentException($"the outputs are {x.Shape} and the target is {target.Shape}: give the target the shape of the outputs");
        }

        if (x.Layout != target.Layout) throw new ArgumentException($"the outputs have their batch {x.Layout} and the target has it {target.Layout}");
    }

    private static void RequireTapeFor(Tensor x, Tensor y)
    {
        if (x.Tape is null && y.RequiresGradient)
        {
            throw new ArgumentException(
                "the second of two tensors requires a gradient, but the first is on no tape: swap them, or call tape.Watch on the first");
        }
    }

    private static void RequireRank(Tensor tensor, int rank)
    {
        if (tensor.Shape.Rank != rank) throw new ArgumentException($"a tensor with {rank} axes is needed, not {tensor.Shape}");
    }

    private static void RequireEqual(Tensor x, int xAxis, Tensor w, int wAxis)
    {
        if (x.Shape[xAxis] == w.Shape[wAxis]) return;
        throw new ArgumentException($"axis {xAxis} of the input {x.Shape} must be as long as axis {wAxis} of the weights {w.Shape}");
    }

    private static void RequireBatchFirst(Tensor x, [CallerMemberName] string operation = "")
    {
        RequireChannelsFirst(x, operation);
        if (x.Layout != BatchLayout.First) throw new ArgumentException($"{operation} wants the batch first: {x.Shape} has it last");
    }

    private static void RequireChannelsFirst(Tensor x, [CallerMemberName] string operation = "")
    {
        if (x.Layout == BatchLayout.ChannelsLast) throw new ArgumentException($"{operation} wants the channels before the pixels: {x.Shape} has them last");
    }

    // An exception is better than a gradient that silently stops here.
    private static void RequireNoGradient(
        Tensor x, [CallerMemberName] string operation = "", [CallerArgumentExpression(nameof(x))] string name = "")
    {
        if (x.RequiresGradient) throw new ArgumentException($"{operation} has no rule for the gradient of {name}");
    }
}
