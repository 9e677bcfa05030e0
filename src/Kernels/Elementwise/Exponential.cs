using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// eˣ and eˣ − 1 of x ≤ 0 in float32 vectors. x = n·ln 2 + r with |r| ≤ ln 2 / 2 (ln 2 in two parts, so that r keeps its digits), then
/// eˣ − 1 = 2ⁿ·(eʳ − 1) + (2ⁿ − 1), where eʳ − 1 = r + r²·p(r) is a polynomial and loses nothing near zero.
/// Largest error of eˣ − 1: 0.9 units in the last place (tests/Kernels.Tests/ActivationTests.cs measures it against double precision).
/// </summary>
/// <remarks>The reduction is Cody and Waite's; the polynomial is the Taylor series to r⁷, whose remainder is below half a unit here.</remarks>
internal static class Exponential
{
    private const float Log2E = 1.44269504f;
    private const float Ln2High = 0.693145752f;
    private const float Ln2Low = 1.42860677e-6f;

    // Adding it rounds to an integer and leaves the integer in the low bits of the mantissa.
    private const float RoundToLowBits = 12582912f;

    // e^-87 is about the smallest normal number; eˣ − 1 is −1 long before.
    private const float SmallestExponent = -87f;

    /// <summary>eˣ − 1 for x ≤ 0, exact to the last places near zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV ExpM1OfNegative<TV>(TV x)
        where TV : unmanaged, IVector<TV>
    {
        Reduce(x, out TV scale, out TV series);
        TV result = scale - TV.Broadcast(1);
        TV.Fma(ref result, scale, series);
        return result;
    }

    /// <summary>eˣ for x ≤ 0; below −87 it stays at e⁻⁸⁷.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV ExpOfNegative<TV>(TV x)
        where TV : unmanaged, IVector<TV>
    {
        Reduce(x, out TV scale, out TV series);
        TV result = scale;
        TV.Fma(ref result, scale, series);
        return result;
    }

    // scale = 2ⁿ, series = eʳ − 1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Reduce<TV>(TV x, out TV scale, out TV series)
        where TV : unmanaged, IVector<TV>
    {
        x = TV.Max(TV.Broadcast(SmallestExponent), x);
        TV shifted = TV.Broadcast(RoundToLowBits);
        TV.Fma(ref shifted, x, TV.Broadcast(Log2E));
        TV n = shifted - TV.Broadcast(RoundToLowBits);
        TV r = x;
        TV.Fma(ref r, n, TV.Broadcast(-Ln2High));
        TV.Fma(ref r, n, TV.Broadcast(-Ln2Low));
        scale = TV.ExponentFromLowBits(shifted);

        TV p = Step(TV.Broadcast(1f / 5040), r, 1f / 720);
        p = Step(p, r, 1f / 120);
        p = Step(p, r, 1f / 24);
        p = Step(p, r, 1f / 6);
        p = Step(p, r, 1f / 2);
        series = r;
        TV.Fma(ref series, r * r, p);
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
