using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// eˣ and eˣ − 1 of x ≤ 0 in float32 vectors. x = n·ln 2 + r with |r| ≤ ln 2 / 2, then eˣ − 1 = 2ⁿ·(eʳ − 1) + (2ⁿ − 1), where
/// eʳ − 1 = r + r²·p(r) is a polynomial and loses nothing near zero. For eˣ, ln 2 has two parts, so that r keeps its digits; an error of n·ln 2 does not show
/// in eˣ − 1, where 2ⁿ makes it small.
/// Largest error of eˣ − 1: 0.9 units in the last place (tests/Kernels.Tests/ActivationTests.cs measures it against double precision).
/// </summary>
/// <remarks>
/// The reduction is Cody and Waite's. The polynomial is Remez's of degree six, moved until the largest rounding error of the whole was smallest: its own error
/// is about 0.2 units, where the Taylor series to r⁶ has six.
/// </remarks>
internal static class Exponential
{
    private const float Log2E = 1.44269504f;
    private const float Ln2 = 0.693147182f;
    private const float Ln2High = 0.693145752f;
    private const float Ln2Low = 1.42860677e-6f;

    // Adding it rounds to an integer and leaves the integer in the low bits of the mantissa.
    private const float RoundToLowBits = 12582912f;

    // e^-87 is about the smallest normal number; eˣ − 1 is −1 long before.
    private const float SmallestExponent = -87f;

    /// <summary>eˣ − 1 for x ≤ 0, exact to the last places near zero. For x &gt; 0 it is any number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV ExpM1OfNegative<TV>(TV x)
        where TV : unmanaged, IVector<TV>
    {
        TV scale = PowerOfTwo(ref x, out TV n), r = x, result = scale - TV.Broadcast(1);
        TV.Fma(ref r, n, TV.Broadcast(-Ln2));
        TV.Fma(ref result, scale, Series(r));
        return result;
    }

    /// <summary>eˣ for x ≤ 0; below −87 it stays at e⁻⁸⁷.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV ExpOfNegative<TV>(TV x)
        where TV : unmanaged, IVector<TV>
    {
        TV scale = PowerOfTwo(ref x, out TV n), r = x, result = scale;
        TV.Fma(ref r, n, TV.Broadcast(-Ln2High));
        TV.Fma(ref r, n, TV.Broadcast(-Ln2Low));
        TV.Fma(ref result, scale, Series(r));
        return result;
    }

    // 2ⁿ of the integer n that is nearest to x / ln 2.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV PowerOfTwo<TV>(ref TV x, out TV n)
        where TV : unmanaged, IVector<TV>
    {
        x = TV.Max(TV.Broadcast(SmallestExponent), x);
        TV shifted = TV.Broadcast(RoundToLowBits);
        TV.Fma(ref shifted, x, TV.Broadcast(Log2E));
        n = shifted - TV.Broadcast(RoundToLowBits);
        return TV.ExponentFromLowBits(shifted);
    }

    // eʳ − 1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV Series<TV>(TV r)
        where TV : unmanaged, IVector<TV>
    {
        TV p = Step(TV.Broadcast(0.00138854131f), r, 0.00837358925f), series = r;
        p = Step(p, r, 0.0416677222f);
        p = Step(p, r, 0.166664615f);
        p = Step(p, r, 0.499999911f);
        TV.Fma(ref series, r * r, p);
        return series;
    }

    // c + p·x: one step of Horner's scheme.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV Step<TV>(TV p, TV x, float c)
        where TV : unmanaged, IVector<TV>
    {
        TV next = TV.Broadcast(c);
        TV.Fma(ref next, p, x);
        return next;
    }
}
