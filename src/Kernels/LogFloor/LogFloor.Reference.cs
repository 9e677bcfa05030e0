namespace Engine.Kernels;

/// <summary>The natural logarithm with a floor: y = ln(max(x, floor)).</summary>
internal static partial class LogFloor
{
    /// <summary>The definition, in double precision.</summary>
    public static double Reference(double x, float floor) => Math.Log(Math.Max(x, floor));
}
