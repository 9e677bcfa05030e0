namespace Engine.Kernels;

/// <summary>Windowed Fourier transform of overlapping frames; see <see cref="RealFftShape"/> for the formula.</summary>
internal static partial class RealFft
{
    /// <summary>The definition, in double precision. Overwrites y.</summary>
    public static void ForwardReference(in RealFftShape shape, ReadOnlySpan<float> x, ReadOnlySpan<float> window, Span<float> y)
    {
        // e^(−2πi·j / Size); the product k·i is reduced first, so that no large angle loses digits.
        double[] cos = new double[shape.Size], sin = new double[shape.Size];
        for (int j = 0; j < shape.Size; j++) (sin[j], cos[j]) = Math.SinCos(-2 * Math.PI * j / shape.Size);
        for (int f = 0; f < shape.Frames; f++)
        for (int k = 0; k < shape.Bins; k++)
        {
            double re = 0, im = 0;
            for (int i = 0; i < shape.Size; i++)
            {
                double value = (double)x[f * shape.Hop + i] * window[i];
                int j = (int)((long)k * i % shape.Size);
                re += value * cos[j];
                im += value * sin[j];
            }

            y[(f * shape.Bins + k) * 2] = (float)re;
            y[(f * shape.Bins + k) * 2 + 1] = (float)im;
        }
    }
}
