using Engine.Kernels;

namespace Engine.Tensors;

/// <content>Sums over axes, and operations that repeat each tensor along its axes of size 1.</content>
public static partial class TensorOps
{
    /// <summary>
    /// x + scale·y by NumPy's rules: shapes are aligned at the last axis; along each axis the sizes are equal, or one of them is 1 and that tensor is
    /// repeated.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes do not fit together, layouts differ, or y requires a gradient and x is on no tape.</exception>
    public static Tensor Add(this Tensor x, Tensor y, float scale = 1)
    {
        RequireTapeFor(x, y);
        if (x.Shape == y.Shape && x.Layout == y.Layout)
        {
            OpResult<AddOp> sum = x.Begin<AddOp>(x.Shape);
            return sum.Run(new AddOp(x.View, y.View, scale, sum.View), x, y);
        }

        BroadcastShape shape = ShapeOf(x, y);
        OpResult<BroadcastAddOp> result = x.Begin<BroadcastAddOp>(WholeOf(shape, x, y));
        return result.Run(new BroadcastAddOp(shape, x.View, y.View, scale, result.View), x, y);
    }

    /// <summary>x − y by the rules of <see cref="Add"/>.</summary>
    /// <exception cref="ArgumentException">See <see cref="Add"/>.</exception>
    public static Tensor Subtract(this Tensor x, Tensor y) => x.Add(y, -1);

    /// <summary>x·y, element by element, by the rules of <see cref="Add"/>.</summary>
    /// <exception cref="ArgumentException">See <see cref="Add"/>.</exception>
    public static Tensor Multiply(this Tensor x, Tensor y)
    {
        RequireTapeFor(x, y);
        if (x.Shape == y.Shape && x.Layout == y.Layout)
        {
            OpResult<MultiplyOp> product = x.Begin<MultiplyOp>(x.Shape);
            return product.Run(new MultiplyOp(x.View, y.View, product.View), x, y);
        }

        BroadcastShape shape = ShapeOf(x, y);
        OpResult<BroadcastMultiplyOp> result = x.Begin<BroadcastMultiplyOp>(WholeOf(shape, x, y));
        return result.Run(new BroadcastMultiplyOp(shape, x.View, y.View, 1, result.View), x, y);
    }

    /// <summary>The sum of all elements: one number.</summary>
    public static Tensor Sum(this Tensor x) => x.Sum(1, []);

    /// <summary>Sums over some axes, which stay as axes of size 1. <see cref="Tensor.Reshape"/> removes them.</summary>
    /// <exception cref="ArgumentException">There is no such axis, one is named twice, or the batch is last.</exception>
    public static Tensor Sum(this Tensor x, params ReadOnlySpan<int> axes) => x.Sum(1, axes);

    /// <summary>The mean of all elements: one number.</summary>
    public static Tensor Mean(this Tensor x) => x.Mean([]);

    /// <summary>Means over some axes, which stay as axes of size 1. <see cref="Tensor.Reshape"/> removes them.</summary>
    /// <exception cref="ArgumentException">There is no such axis, one is named twice, or the batch is last.</exception>
    public static Tensor Mean(this Tensor x, params ReadOnlySpan<int> axes) =>
        x.Sum((float)((double)ReducedShape(x.Shape, axes).Length / x.Shape.Length), axes);

    /// <summary>1/√(x + ε), element by element; the result is shaped as x.</summary>
    public static Tensor InverseSqrt(this Tensor x, float epsilon = 0)
    {
        OpResult<InverseSqrtOp> y = x.Begin<InverseSqrtOp>(x.Shape);
        return y.Run(new InverseSqrtOp(epsilon, x.View, y.View), x);
    }

    /// <summary>
    /// weight times the mean over N rows of the cross-entropy of softmax(logits) and the targets, both N×C: one number. A row of targets holds the
    /// probabilities of C classes; <see cref="Tensor.OneHot"/> makes them of classes.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes differ, or the target requires a gradient.</exception>
    public static Tensor SoftmaxCrossEntropy(this Tensor logits, Tensor target, float weight = 1)
    {
        RequireNoGradient(target);
        RequireRank(logits, 2);
        RequireTarget(logits, target);
        OpResult<SoftmaxCrossEntropyOp> loss = logits.Begin<SoftmaxCrossEntropyOp>(new Shape(1));
        return loss.Run(new SoftmaxCrossEntropyOp(logits.Shape[0], logits.View, target.View, loss.View, weight), logits, target);
    }

    private static Tensor Sum(this Tensor x, float scale, ReadOnlySpan<int> axes)
    {
        RequireBatchFirst(x);
        Shape shape = ReducedShape(x.Shape, axes);
        OpResult<SumOverOp> sum = x.Begin<SumOverOp>(axes.IsEmpty ? new Shape(1) : shape);
        return sum.Run(new SumOverOp(AxesOf(shape), AxesOf(x.Shape), x.View, null, default, scale, sum.View), x);
    }

    // No axes means all of them.
    private static Shape ReducedShape(Shape shape, ReadOnlySpan<int> axes)
    {
        Span<int> sizes = stackalloc int[shape.Rank];
        sizes.Fill(axes.IsEmpty ? 1 : 0);
        foreach (int axis in axes)
        {
            if ((uint)axis >= (uint)shape.Rank) throw new ArgumentException($"{shape} has axes 0 to {shape.Rank - 1}, not {axis}");
            if (sizes[axis] == 1) throw new ArgumentException($"axis {axis} is named twice");
            sizes[axis] = 1;
        }

        for (int axis = 0; axis < sizes.Length; axis++) sizes[axis] = sizes[axis] == 1 ? 1 : shape[axis];
        return new Shape(sizes);
    }

    private static BroadcastShape ShapeOf(Tensor x, Tensor y)
    {
        RequireBatchFirst(x, "an operation that repeats a tensor");
        RequireBatchFirst(y, "an operation that repeats a tensor");
        return new BroadcastShape(AxesOf(x.Shape), AxesOf(y.Shape));
    }

    private static Shape WholeOf(in BroadcastShape shape, Tensor x, Tensor y)
    {
        Axes whole = shape.Whole;
        ReadOnlySpan<int> sizes = [whole.D0, whole.D1, whole.D2, whole.D3];
        return new Shape(sizes[(Shape.MaxRank - Math.Max(x.Shape.Rank, y.Shape.Rank))..]);
    }

    private static Axes AxesOf(Shape shape)
    {
        Span<int> sizes = stackalloc int[shape.Rank];
        for (int axis = 0; axis < sizes.Length; axis++) sizes[axis] = shape[axis];
        return Axes.Of(sizes);
    }
}
