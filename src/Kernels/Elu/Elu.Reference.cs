namespace Engine.Kernels;

/// <summary>y = x for x &gt; 0, else eˣ − 1 (the paper, section III.A).</summary>
internal static partial class Elu
{
    /// <summary>The definition, in double precision.</summary>
    public static double Reference(double x) => x > 0 ? x : ExpM1(x);

    // Kahan's: exact wherever eˣ − 1 cancels, because the rounding of eˣ is undone by its own logarithm.
    private static double ExpM1(double x)
    {
        double u = Math.Exp(x);
        if (u == 1) return x;
        return u - 1 == -1 ? -1 : (u - 1) * x / Math.Log(u);
    }
}
