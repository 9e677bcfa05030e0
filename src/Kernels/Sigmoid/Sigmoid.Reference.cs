namespace Engine.Kernels;

/// <summary>y = 1 / (1 + e⁻ˣ).</summary>
internal static partial class Sigmoid
{
    /// <summary>The definition, in double precision.</summary>
    public static double Reference(double x) => 1 / (1 + Math.Exp(-x));
}
