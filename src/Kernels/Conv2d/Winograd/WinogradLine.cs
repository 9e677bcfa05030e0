using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// Winograd's F(4, 4) along one axis, at 0, 1, −1, 1/2, −1/2, 2 and infinity: 7 products in place of 16 for four outputs of a filter of four taps. See
/// <see cref="IWinograd"/>; each transform takes vectors of channels, a step of floats apart.
/// </summary>
internal static unsafe class WinogradLine
{
    /// <summary>Outputs of a tile, and taps of a piece of the filter.</summary>
    public const int Outputs = 4;

    /// <summary>Inputs of a tile, and products.</summary>
    public const int Points = 7;

    /// <summary>u = G·g: four taps to 7 points.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter<TV>(float* g, long gStep, float* u, long uStep)
        where TV : unmanaged, IVector<TV>
    {
        TV g0 = TV.Load(g), g1 = TV.Load(g + gStep), g2 = TV.Load(g + 2 * gStep), g3 = TV.Load(g + 3 * gStep);
        TV half = TV.Broadcast(1f / 2), quarter = TV.Broadcast(1f / 4), two = TV.Broadcast(2), four = TV.Broadcast(4);
        TV even = g0 + g2, odd = g1 + g3, nearEven = g0 + quarter * g2, nearOdd = half * (g1 + quarter * g3);
        TV.Store(TV.Broadcast(-2) * g0, u);
        TV.Store(TV.Broadcast(-2f / 3) * (even + odd), u + uStep);
        TV.Store(TV.Broadcast(-2f / 9) * (even - odd), u + 2 * uStep);
        TV.Store(TV.Broadcast(16f / 9) * (nearEven + nearOdd), u + 3 * uStep);
        TV.Store(TV.Broadcast(16f / 15) * (nearEven - nearOdd), u + 4 * uStep);
        TV.Store(TV.Broadcast(2f / 45) * (g0 + four * g2 + two * (g1 + four * g3)), u + 5 * uStep);
        TV.Store(g3, u + 6 * uStep);
    }

    /// <summary>v = Bᵀ·d: 7 inputs to 7 points.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<TV>(float* d, long dStep, float* v, long vStep)
        where TV : unmanaged, IVector<TV>
    {
        TV d0 = TV.Load(d), d1 = TV.Load(d + dStep), d2 = TV.Load(d + 2 * dStep), d3 = TV.Load(d + 3 * dStep);
        TV d4 = TV.Load(d + 4 * dStep), d5 = TV.Load(d + 5 * dStep), d6 = TV.Load(d + 6 * dStep);
        TV minusTwo = TV.Broadcast(-2), half = TV.Broadcast(1f / 2), quarter = TV.Broadcast(1f / 4), fiveQuarters = TV.Broadcast(-5f / 4);

        // x⁴ − 5/4·x² + 1/4, which is 0 at ±1 and ±1/2, at three places.
        TV all0 = d4, all1 = d5, all2 = d6;
        TV.Fma(ref all0, fiveQuarters, d2);
        TV.Fma(ref all1, fiveQuarters, d3);
        TV.Fma(ref all2, fiveQuarters, d4);
        TV.Fma(ref all0, quarter, d0);
        TV.Fma(ref all1, quarter, d1);
        TV.Fma(ref all2, quarter, d2);
        TV v0 = all1, v6 = all2;
        TV.Fma(ref v0, minusTwo, all0);
        TV.Fma(ref v6, minusTwo, all1);
        TV.Store(v0, v);
        TV.Store(all1, v + 5 * vStep);
        TV.Store(v6, v + 6 * vStep);

        // x·(x − 2), at four places; x² − 1/4 and x² − 1 of it.
        TV far1 = d2, far2 = d3, far3 = d4, far4 = d5;
        TV.Fma(ref far1, minusTwo, d1);
        TV.Fma(ref far2, minusTwo, d2);
        TV.Fma(ref far3, minusTwo, d3);
        TV.Fma(ref far4, minusTwo, d4);
        TV one0 = far3, one1 = far4, half0 = half * (far3 - far1), half1 = far4 - far2, minusQuarter = TV.Broadcast(-1f / 4);
        TV.Fma(ref one0, minusQuarter, far1);
        TV.Fma(ref one1, minusQuarter, far2);
        TV.Store(one1 + one0, v + vStep);
        TV.Store(one1 - one0, v + 2 * vStep);
        TV.Store(half1 + half0, v + 3 * vStep);
        TV.Store(half1 - half0, v + 4 * vStep);
    }

    /// <summary>y = Aᵀ·p: 7 points to four outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<TV>(float* p, long pStep, float* y, long yStep)
        where TV : unmanaged, IVector<TV>
    {
        TV p0 = TV.Load(p), p1 = TV.Load(p + pStep), p2 = TV.Load(p + 2 * pStep), p3 = TV.Load(p + 3 * pStep);
        TV p4 = TV.Load(p + 4 * pStep), p5 = TV.Load(p + 5 * pStep), p6 = TV.Load(p + 6 * pStep);
        TV even = p1 + p2, odd = p1 - p2, halfEven = p3 + p4, halfOdd = p3 - p4;
        TV y1 = odd, y2 = even, y3 = odd + p6;
        TV.Fma(ref y1, TV.Broadcast(1f / 2), halfOdd);
        TV.Fma(ref y2, TV.Broadcast(1f / 4), halfEven);
        TV.Fma(ref y3, TV.Broadcast(1f / 8), halfOdd);
        TV.Fma(ref y1, TV.Broadcast(2), p5);
        TV.Fma(ref y2, TV.Broadcast(4), p5);
        TV.Fma(ref y3, TV.Broadcast(8), p5);
        TV.Store(p0 + p5 + even + halfEven, y);
        TV.Store(y1, y + yStep);
        TV.Store(y2, y + 2 * yStep);
        TV.Store(y3, y + 3 * yStep);
    }
}
