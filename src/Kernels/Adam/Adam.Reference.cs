namespace Engine.Kernels;

/// <summary>
/// ADAM (Kingma and Ba 2015, the form at the end of its section 2), for weights w, gradient g and moments m, v:
/// <code>m ← β1·m + (1 − β1)·g,  v ← β2·v + (1 − β2)·g²,  w ← w − a·m/(√v + ε),  a = lr·√(1 − β2ᵗ)/(1 − β1ᵗ)</code>
/// Moments closer to zero than <see cref="Tiny"/> become 0. Otherwise a weight that gets no more gradient would keep the processor busy with denormal numbers,
/// which take a hundred times as long.
/// </summary>
internal static partial class Adam
{
    /// <summary>Moments below this in magnitude are set to zero.</summary>
    public const float Tiny = 1e-30f;

    /// <summary>The definition, in double precision. Updates w, m and v.</summary>
    public static void Reference(in AdamStep step, Span<float> w, ReadOnlySpan<float> g, Span<float> m, Span<float> v)
    {
        double rate = step.CorrectedRate;
        for (int i = 0; i < w.Length; i++)
        {
            double first = Flush((double)step.Beta1 * m[i] + (1.0 - step.Beta1) * g[i]);
            double second = Flush((double)step.Beta2 * v[i] + (1.0 - step.Beta2) * g[i] * g[i]);
            m[i] = (float)first;
            v[i] = (float)second;
            w[i] = (float)(w[i] - rate * first / (Math.Sqrt(second) + step.Epsilon));
        }
    }

    private static double Flush(double moment) => Math.Abs(moment) < Tiny ? 0 : moment;
}
