namespace Engine.Kernels;

/// <summary>Two-dimensional cross-correlation; see <see cref="Conv2dShape"/> for the formula.</summary>
internal static partial class Conv2d
{
    /// <summary>The definition, summed in double precision. Overwrites y; b may be empty.</summary>
    public static void ForwardReference(
        in Conv2dShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> b, Activation activation, Span<float> y)
    {
        MapStrides atX = shape.XStrides, atY = shape.YStrides;
        for (int n = 0; n < shape.N; n++)
        for (int k = 0; k < shape.K; k++)
        for (int p = 0; p < shape.P; p++)
        for (int q = 0; q < shape.Q; q++)
        {
            double sum = b.IsEmpty ? 0 : b[k];
            for (int c = 0; c < shape.C; c++)
            for (int r = 0; r < shape.R; r++)
            for (int s = 0; s < shape.S; s++)
            {
                int h = p * shape.StrideH + r * shape.DilationH - shape.PadH;
                int v = q * shape.StrideW + s * shape.DilationW - shape.PadW;
                if (h < 0 || h >= shape.H || v < 0 || v >= shape.W) continue;
                sum += (double)x[atX.At(n, c, h * shape.W + v)] * w[((k * shape.C + c) * shape.R + r) * shape.S + s];
            }

            y[atY.At(n, k, p * shape.Q + q)] = (float)activation.Reference(sum);
        }
    }

    /// <summary>
    /// The definition of the gradient with respect to the input, gathered by input and summed in double precision. Overwrites dx; an input that no window
    /// reaches gets 0.
    /// </summary>
    public static void BackwardDataReference(in Conv2dShape shape, ReadOnlySpan<float> dy, ReadOnlySpan<float> w, Span<float> dx)
    {
        MapStrides atX = shape.XStrides, atY = shape.YStrides;
        for (int n = 0; n < shape.N; n++)
        for (int c = 0; c < shape.C; c++)
        for (int h = 0; h < shape.H; h++)
        for (int v = 0; v < shape.W; v++)
        {
            double sum = 0;
            for (int k = 0; k < shape.K; k++)
            for (int r = 0; r < shape.R; r++)
            for (int s = 0; s < shape.S; s++)
            {
                (int p, int restP) = Math.DivRem(h + shape.PadH - r * shape.DilationH, shape.StrideH);
                (int q, int restQ) = Math.DivRem(v + shape.PadW - s * shape.DilationW, shape.StrideW);
                if (restP != 0 || restQ != 0 || p < 0 || p >= shape.P || q < 0 || q >= shape.Q) continue;
                sum += (double)dy[atY.At(n, k, p * shape.Q + q)] * w[((k * shape.C + c) * shape.R + r) * shape.S + s];
            }

            dx[atX.At(n, c, h * shape.W + v)] = (float)sum;
        }
    }

    /// <summary>
    /// The definition of the gradients with respect to the filters and, unless db is empty, the bias, summed in double precision. Overwrites both.
    /// </summary>
    public static void BackwardFilterReference(in Conv2dShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dw, Span<float> db)
    {
        MapStrides atX = shape.XStrides, atY = shape.YStrides;
        for (int k = 0; k < shape.K; k++)
        for (int c = 0; c < shape.C; c++)
        for (int r = 0; r < shape.R; r++)
        for (int s = 0; s < shape.S; s++)
        {
            double sum = 0;
            for (int n = 0; n < shape.N; n++)
            for (int p = 0; p < shape.P; p++)
            for (int q = 0; q < shape.Q; q++)
            {
                int h = p * shape.StrideH + r * shape.DilationH - shape.PadH;
                int v = q * shape.StrideW + s * shape.DilationW - shape.PadW;
                if (h < 0 || h >= shape.H || v < 0 || v >= shape.W) continue;
                sum += (double)dy[atY.At(n, k, p * shape.Q + q)] * x[atX.At(n, c, h * shape.W + v)];
            }

            dw[((k * shape.C + c) * shape.R + r) * shape.S + s] = (float)sum;
        }

        for (int k = 0; k < db.Length; k++)
        {
            double sum = 0;
            for (int n = 0; n < shape.N; n++)
            for (int i = 0; i < shape.P * shape.Q; i++) sum += dy[atY.At(n, k, i)];
            db[k] = (float)sum;
        }
    }
}
