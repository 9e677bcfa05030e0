namespace Engine.Kernels;

/// <summary>Σ x[i]², which the L2 penalty is made of.</summary>
internal static partial class SumOfSquares
{
    /// <summary>The definition, in double precision.</summary>
    public static float Reference(ReadOnlySpan<float> x)
    {
        double sum = 0;
        foreach (float value in x) sum += (double)value * value;
        return (float)sum;
    }
}
