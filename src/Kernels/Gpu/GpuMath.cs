using ILGPU;

namespace Engine.Kernels;

/// <summary>
/// Functions of one float32 for which devices have only fast approximations, or different ones. They reduce their arguments as the CPU does, see
/// <see cref="Exponential"/>; eʳ is the Taylor series to r⁷. None uses double precision, which not every device has.
/// </summary>
internal static class GpuMath
{
    private const float Log2E = 1.44269504f;
    private const float Ln2High = 0.693145752f;
    private const float Ln2Low = 1.42860677e-6f;
    private const float RoundToLowBits = 12582912f;
    private const float SmallestExponent = -87f;
    private const int MantissaBits = 23;
    private const uint ExponentOfOne = 127u << MantissaBits;
    private const uint WithoutSign = 0x7FFFFFFF;
    private const uint Infinity = 0x7F800000;

    /// <summary>eˣ − 1 for x ≤ 0, exact to the last places near zero.</summary>
    public static float ExpM1OfNegative(float x)
    {
        float scale = Reduce(x, out float series);
        return scale * series + (scale - 1);
    }

    /// <summary>eˣ for x ≤ 0; below −87 it stays at e⁻⁸⁷.</summary>
    public static float ExpOfNegative(float x)
    {
        float scale = Reduce(x, out float series);
        return scale * series + scale;
    }

    /// <summary>
    /// ln x for normal x &gt; 0, accurate to one or two units in the last place. Infinity and NaN stay as they are. x = m·2ⁿ with √½ ≤ m &lt; √2, and a
    /// polynomial in m − 1 whose leading terms are exact, so nothing is lost near 1.
    /// </summary>
    /// <remarks>The coefficients are those of S. Moshier's Cephes library (logf), 1992.</remarks>
    public static float Log(float x)
    {
        const uint rootOfHalf = 0x3F3504F3;
        if (Interop.FloatAsInt(x) >= Infinity) return x;
        uint bits = Interop.FloatAsInt(x) - rootOfHalf;
        float n = (int)bits >> MantissaBits;
        float f = Interop.IntAsFloat((bits & ((1u << MantissaBits) - 1)) + rootOfHalf) - 1, square = f * f;
        float p = 7.0376836292e-2f * f - 1.1514610310e-1f;
        p = p * f + 1.1676998740e-1f;
        p = p * f - 1.2420140846e-1f;
        p = p * f + 1.4249322787e-1f;
        p = p * f - 1.6668057665e-1f;
        p = p * f + 2.0000714765e-1f;
        p = p * f - 2.4999993993e-1f;
        p = p * f + 3.3333331174e-1f;
        p = p * f * square + n * Ln2Low - 0.5f * square;
        return p + f + n * Ln2High;
    }

    /// <summary>Whether x is NaN. It looks at the bits, because the code that ILGPU generates for OpenCL gets comparisons with a NaN wrong.</summary>
    public static bool IsNaN(float x) => (Interop.FloatAsInt(x) & WithoutSign) > Infinity;

    /// <summary>The larger one; a NaN stays one.</summary>
    public static float Max(float x, float least) => IsNaN(x) || x > least ? x : least;

    /// <summary>Sets a number to zero if its magnitude is below a positive limit; a NaN stays one.</summary>
    public static float Flush(float x, float limit) => (Interop.FloatAsInt(x) & WithoutSign) < Interop.FloatAsInt(limit) ? 0 : x;

    // 2ⁿ, and eʳ − 1 with x = n·ln 2 + r.
    private static float Reduce(float x, out float series)
    {
        x = Max(x, SmallestExponent);
        float shifted = x * Log2E + RoundToLowBits, n = shifted - RoundToLowBits;
        float r = x - n * Ln2High - n * Ln2Low;
        float p = 1f / 5040 * r + 1f / 720;
        p = p * r + 1f / 120;
        p = p * r + 1f / 24;
        p = p * r + 1f / 6;
        p = p * r + 1f / 2;
        series = r * r * p + r;
        return Interop.IntAsFloat((Interop.FloatAsInt(shifted) << MantissaBits) + ExponentOfOne);
    }
}
