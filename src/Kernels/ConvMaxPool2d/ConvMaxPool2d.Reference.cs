namespace Engine.Kernels;

/// <summary>Two-dimensional cross-correlation, max-pooling, bias and activation; see <see cref="ConvMaxPool2dShape"/> for the formula.</summary>
internal static partial class ConvMaxPool2d
{
    /// <summary>The definition, summed in double precision. Overwrites y and, unless it is empty, argmax; b may be empty.</summary>
    public static void ForwardReference(
        in ConvMaxPool2dShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> b, Activation activation,
        Span<float> y, Span<float> argmax)
    {
        MaxPool2dShape pool = shape.Pool;
        float[] sums = new float[pool.XLength];
        Conv2d.ForwardReference(shape.Conv, x, w, default, Activation.None, sums);
        MapStrides atSum = shape.Conv.YStrides, atY = shape.YStrides;
        for (int i = 0; i < y.Length; i++)
        {
            (int plane, int pixel) = Math.DivRem(i, pool.P * pool.Q);
            (int n, int k) = Math.DivRem(plane, pool.C);
            int first = 0;
            float max = float.NegativeInfinity;
            for (int at = 0; at < pool.R * pool.S; at++)
            {
                float sum = sums[atSum.At(n, k, SumOf(pool, i, at) % (pool.H * pool.W))];
                if (sum > max) (max, first) = (sum, at);
            }

            y[atY.At(n, k, pixel)] = (float)activation.Reference((double)max + (b.IsEmpty ? 0 : b[k]));
            if (!argmax.IsEmpty) argmax[atY.At(n, k, pixel)] = first;
        }
    }

    /// <summary>The definition of the gradient with respect to the input, from that of the pooled sums. Overwrites dx.</summary>
    public static void BackwardDataReference(
        in ConvMaxPool2dShape shape, ReadOnlySpan<float> argmax, ReadOnlySpan<float> dy, ReadOnlySpan<float> w, Span<float> dx) =>
        Conv2d.BackwardDataReference(shape.Conv, GradientOfSums(shape, argmax, dy), w, dx);

    /// <summary>
    /// The definition of the gradients with respect to the filters and, unless db is empty, the bias, from that of the pooled sums. Overwrites both.
    /// </summary>
    public static void BackwardFilterReference(
        in ConvMaxPool2dShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> argmax, ReadOnlySpan<float> dy, Span<float> dw, Span<float> db) =>
        Conv2d.BackwardFilterReference(shape.Conv, x, GradientOfSums(shape, argmax, dy), dw, db);

    // Overlapping windows that share their maximum add up.
    private static float[] GradientOfSums(in ConvMaxPool2dShape shape, ReadOnlySpan<float> argmax, ReadOnlySpan<float> dy)
    {
        MaxPool2dShape pool = shape.Pool;
        MapStrides atSum = shape.Conv.YStrides, atY = shape.YStrides;
        double[] sums = new double[pool.XLength];
        for (int i = 0; i < dy.Length; i++)
        {
            (int plane, int pixel) = Math.DivRem(i, pool.P * pool.Q);
            (int n, int k) = Math.DivRem(plane, pool.C);
            int at = atY.At(n, k, pixel);
            sums[atSum.At(n, k, SumOf(pool, i, (int)argmax[at]) % (pool.H * pool.W))] += dy[at];
        }

        return [.. sums.Select(sum => (float)sum)];
    }

    // The index, among the convolution's sums, of entry `at` of the window of output i.
    private static int SumOf(in MaxPool2dShape pool, int i, int at)
    {
        (int line, int q) = Math.DivRem(i, pool.Q);
        (int plane, int p) = Math.DivRem(line, pool.P);
        (int r, int s) = Math.DivRem(at, pool.S);
        return (plane * pool.H + p * pool.StrideH + r * pool.DilationH) * pool.W + q * pool.StrideW + s * pool.DilationW;
    }
}
