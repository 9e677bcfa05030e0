namespace Engine.Kernels;

/// <summary>Sums over some of four axes, with a factor perhaps; see <see cref="SumOverOp"/>.</summary>
internal static partial class SumOver
{
    /// <summary>The definition, in double precision. Overwrites y.</summary>
    public static void Reference(in SumOverOp op, ReadOnlySpan<float> x, ReadOnlySpan<float> factor, Span<float> y)
    {
        double[] sums = new double[y.Length];
        for (int i = 0; i < x.Length; i++)
        {
            double term = factor.IsEmpty ? x[i] : (double)x[i] * factor[Broadcast.Place(op.XAxes, op.FactorAxes, i)];
            sums[Broadcast.Place(op.XAxes, op.YAxes, i)] += term;
        }

        for (int i = 0; i < y.Length; i++) y[i] = (float)(op.Scale * sums[i]);
    }
}
