namespace Engine.Kernels;

/// <summary>y = x for x &gt; 0, else slope · x.</summary>
internal static partial class LeakyRelu
{
    /// <summary>The definition, in double precision.</summary>
    public static double Reference(double x, float slope) => x > 0 ? x : slope * x;
}
