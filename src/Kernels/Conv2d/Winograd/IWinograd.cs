using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// Winograd's (Toom and Cook's) minimal filtering F(m, r): m outputs of a filter of r taps, 2 or 3, from m + r − 1 products,
/// <code>y = Aᵀ·(G·g ⊙ Bᵀ·d)</code>
/// The vectors g, d and y are polynomials, evaluated at m + r − 2 numbers and at infinity, multiplied point by point and interpolated. In two dimensions the
/// transforms are done along the columns and then along the rows. Each transform takes vectors of channels, a step of floats apart.
/// </summary>
/// <remarks>Winograd, "Arithmetic complexity of computations", 1980; Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016.</remarks>
internal unsafe interface IWinograd
{
    /// <summary>m.</summary>
    static abstract int Outputs { get; }

    /// <summary>r.</summary>
    static abstract int Taps { get; }

    /// <summary>u = G·g: r taps to m + r − 1 points.</summary>
    static abstract void Filter<TV>(float* g, long gStep, float* u, long uStep)
        where TV : unmanaged, IVector<TV>;

    /// <summary>v = Bᵀ·d: m + r − 1 inputs to as many points.</summary>
    static abstract void Input<TV>(float* d, long dStep, float* v, long vStep)
        where TV : unmanaged, IVector<TV>;

    /// <summary>y = Aᵀ·p: m + r − 1 points to m outputs.</summary>
    static abstract void Output<TV>(float* p, long pStep, float* y, long yStep)
        where TV : unmanaged, IVector<TV>;
}

/// <summary>The transposes of two transforms, for the gradient of the filters.</summary>
internal unsafe interface IWinogradGradient : IWinograd
{
    /// <summary>p = A·dy: the gradient of m outputs to that of m + r − 1 points, the transpose of <see cref="IWinograd.Output"/>.</summary>
    static abstract void OutputGradient<TV>(float* dy, long yStep, float* p, long pStep)
        where TV : unmanaged, IVector<TV>;

    /// <summary>dg = Gᵀ·du: the gradient of m + r − 1 points to that of r taps, the transpose of <see cref="IWinograd.Filter"/>.</summary>
    static abstract void FilterGradient<TV>(float* du, long uStep, float* dg, long gStep)
        where TV : unmanaged, IVector<TV>;
}

/// <summary>
/// F(3, 3) at 0, 1, −1, 2 and infinity: 25 products in place of 81 for nine outputs, which are the cells of a 3×3 max-pool.
/// </summary>
internal readonly unsafe struct WinogradOf3 : IWinograd
{
    public static int Outputs => 3;

    public static int Taps => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter<TV>(float* g, long gStep, float* u, long uStep)
        where TV : unmanaged, IVector<TV>
    {
        TV half = TV.Broadcast(1f / 2), third = TV.Broadcast(1f / 3), sixth = TV.Broadcast(1f / 6);
        TV g0 = TV.Load(g), g1 = TV.Load(g + gStep), g2 = TV.Load(g + 2 * gStep);
        TV even = g0 + g2;
        TV.Store(half * g0, u);
        TV.Store(TV.Zero - half * (even + g1), u + uStep);
        TV.Store(sixth * (g1 - even), u + 2 * uStep);
        TV.Store(sixth * g0 + third * (g1 + g2 + g2), u + 3 * uStep);
        TV.Store(g2, u + 4 * uStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<TV>(float* d, long dStep, float* v, long vStep)
        where TV : unmanaged, IVector<TV>
    {
        TV d0 = TV.Load(d), d1 = TV.Load(d + dStep), d2 = TV.Load(d + 2 * dStep), d3 = TV.Load(d + 3 * dStep), d4 = TV.Load(d + 4 * dStep);
        TV two = TV.Broadcast(2);
        TV odd = d3 - d1;
        TV v0 = odd, v2 = d3 - d2, v4 = d4 - d2;
        TV.Fma(ref v0, two, d0 - d2);
        TV.Fma(ref v2, two, d1 - d2);
        TV.Fma(ref v4, TV.Broadcast(-2), odd);
        TV.Store(v0, v);
        TV.Store(odd - (d1 + d2), v + vStep);
        TV.Store(v2, v + 2 * vStep);
        TV.Store(odd, v + 3 * vStep);
        TV.Store(v4, v + 4 * vStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<TV>(float* p, long pStep, float* y, long yStep)
        where TV : unmanaged, IVector<TV>
    {
        TV p0 = TV.Load(p), p1 = TV.Load(p + pStep), p2 = TV.Load(p + 2 * pStep), p3 = TV.Load(p + 3 * pStep), p4 = TV.Load(p + 4 * pStep);
        TV even = p1 + p2, y1 = p1 - p2, y2 = even + p4;
        TV.Fma(ref y1, TV.Broadcast(2), p3);
        TV.Fma(ref y2, TV.Broadcast(4), p3);
        TV.Store(p0 + p3 + even, y);
        TV.Store(y1, y + yStep);
        TV.Store(y2, y + 2 * yStep);
    }
}

/// <summary>F(4, 3) at 0, 1, −1, 2, −2 and infinity: 36 products in place of 144 for sixteen outputs.</summary>
internal readonly unsafe struct WinogradOf4 : IWinogradGradient
{
    public static int Outputs => 4;

    public static int Taps => 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter<TV>(float* g, long gStep, float* u, long uStep)
        where TV : unmanaged, IVector<TV>
    {
        TV g0 = TV.Load(g), g1 = TV.Load(g + gStep), g2 = TV.Load(g + 2 * gStep);
        TV minusSixth = TV.Broadcast(-1f / 6), even = g0 + g2, far = TV.Broadcast(1f / 24) * g0 + TV.Broadcast(1f / 6) * g2;
        TV odd = TV.Broadcast(1f / 12) * g1;
        TV.Store(TV.Broadcast(1f / 4) * g0, u);
        TV.Store(minusSixth * (even + g1), u + uStep);
        TV.Store(minusSixth * (even - g1), u + 2 * uStep);
        TV.Store(far + odd, u + 3 * uStep);
        TV.Store(far - odd, u + 4 * uStep);
        TV.Store(g2, u + 5 * uStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<TV>(float* d, long dStep, float* v, long vStep)
        where TV : unmanaged, IVector<TV>
    {
        TV d0 = TV.Load(d), d1 = TV.Load(d + dStep), d2 = TV.Load(d + 2 * dStep);
        TV d3 = TV.Load(d + 3 * dStep), d4 = TV.Load(d + 4 * dStep), d5 = TV.Load(d + 5 * dStep);
        TV four = TV.Broadcast(4), minusFour = TV.Broadcast(-4), two = TV.Broadcast(2), minusTwo = TV.Broadcast(-2);
        TV nearEven = d4, nearOdd = d3, farEven = d4 - d2, farOdd = d3 - d1;
        TV.Fma(ref nearEven, minusFour, d2);
        TV.Fma(ref nearOdd, minusFour, d1);
        TV v0 = farEven, v3 = farEven, v4 = farEven, v5 = d5 - d3;
        TV.Fma(ref v0, four, d0 - d2);
        TV.Fma(ref v3, two, farOdd);
        TV.Fma(ref v4, minusTwo, farOdd);
        TV.Fma(ref v5, minusFour, farOdd);
        TV.Store(v0, v);
        TV.Store(nearEven + nearOdd, v + vStep);
        TV.Store(nearEven - nearOdd, v + 2 * vStep);
        TV.Store(v3, v + 3 * vStep);
        TV.Store(v4, v + 4 * vStep);
        TV.Store(v5, v + 5 * vStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<TV>(float* p, long pStep, float* y, long yStep)
        where TV : unmanaged, IVector<TV>
    {
        TV p0 = TV.Load(p), p1 = TV.Load(p + pStep), p2 = TV.Load(p + 2 * pStep);
        TV p3 = TV.Load(p + 3 * pStep), p4 = TV.Load(p + 4 * pStep), p5 = TV.Load(p + 5 * pStep);
        TV nearEven = p1 + p2, nearOdd = p1 - p2, farEven = p3 + p4, farOdd = p3 - p4;
        TV y1 = nearOdd, y2 = nearEven, y3 = nearOdd + p5;
        TV.Fma(ref y1, TV.Broadcast(2), farOdd);
        TV.Fma(ref y2, TV.Broadcast(4), farEven);
        TV.Fma(ref y3, TV.Broadcast(8), farOdd);
        TV.Store(p0 + nearEven + farEven, y);
        TV.Store(y1, y + yStep);
        TV.Store(y2, y + 2 * yStep);
        TV.Store(y3, y + 3 * yStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient<TV>(float* dy, long yStep, float* p, long pStep)
        where TV : unmanaged, IVector<TV>
    {
        TV y0 = TV.Load(dy), y1 = TV.Load(dy + yStep), y2 = TV.Load(dy + 2 * yStep), y3 = TV.Load(dy + 3 * yStep);
        TV two = TV.Broadcast(2), four = TV.Broadcast(4), nearEven = y0 + y2, nearOdd = y1 + y3, farEven = y0, farOdd = y1;
        TV.Fma(ref farEven, four, y2);
        TV.Fma(ref farOdd, four, y3);
        TV p3 = farEven, p4 = farEven;
        TV.Fma(ref p3, two, farOdd);
        TV.Fma(ref p4, TV.Broadcast(-2), farOdd);
        TV.Store(y0, p);
        TV.Store(nearEven + nearOdd, p + pStep);
        TV.Store(nearEven - nearOdd, p + 2 * pStep);
        TV.Store(p3, p + 3 * pStep);
        TV.Store(p4, p + 4 * pStep);
        TV.Store(y3, p + 5 * pStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterGradient<TV>(float* du, long uStep, float* dg, long gStep)
        where TV : unmanaged, IVector<TV>
    {
        TV u1 = TV.Load(du + uStep), u2 = TV.Load(du + 2 * uStep), u3 = TV.Load(du + 3 * uStep), u4 = TV.Load(du + 4 * uStep);
        TV minusSixth = TV.Broadcast(-1f / 6), near = minusSixth * (u1 + u2), far = u3 + u4;
        TV.Store(TV.Broadcast(1f / 4) * TV.Load(du) + near + TV.Broadcast(1f / 24) * far, dg);
        TV.Store(minusSixth * (u1 - u2) + TV.Broadcast(1f / 12) * (u3 - u4), dg + gStep);
        TV.Store(near + TV.Broadcast(1f / 6) * far + TV.Load(du + 5 * uStep), dg + 2 * gStep);
    }
}

/// <summary>F(4, 2) at 0, 1, −1, 2 and infinity: 25 products in place of 64 for sixteen outputs of a 2×2 filter.</summary>
internal readonly unsafe struct WinogradOf4With2Taps : IWinogradGradient
{
    public static int Outputs => 4;

    public static int Taps => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter<TV>(float* g, long gStep, float* u, long uStep)
        where TV : unmanaged, IVector<TV>
    {
        TV g0 = TV.Load(g), g1 = TV.Load(g + gStep), minusHalf = TV.Broadcast(-1f / 2), sixth = TV.Broadcast(1f / 6);
        TV.Store(TV.Broadcast(1f / 2) * g0, u);
        TV.Store(minusHalf * (g0 + g1), u + uStep);
        TV.Store(sixth * (g1 - g0), u + 2 * uStep);
        TV.Store(sixth * (g0 + g1 + g1), u + 3 * uStep);
        TV.Store(g1, u + 4 * uStep);
    }

    // The points are those of F(3, 3).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input<TV>(float* d, long dStep, float* v, long vStep)
        where TV : unmanaged, IVector<TV> => WinogradOf3.Input<TV>(d, dStep, v, vStep);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output<TV>(float* p, long pStep, float* y, long yStep)
        where TV : unmanaged, IVector<TV>
    {
        TV p0 = TV.Load(p), p1 = TV.Load(p + pStep), p2 = TV.Load(p + 2 * pStep), p3 = TV.Load(p + 3 * pStep), p4 = TV.Load(p + 4 * pStep);
        TV even = p1 + p2, odd = p1 - p2, y1 = odd, y2 = even, y3 = odd + p4;
        TV.Fma(ref y1, TV.Broadcast(2), p3);
        TV.Fma(ref y2, TV.Broadcast(4), p3);
        TV.Fma(ref y3, TV.Broadcast(8), p3);
        TV.Store(p0 + p3 + even, y);
        TV.Store(y1, y + yStep);
        TV.Store(y2, y + 2 * yStep);
        TV.Store(y3, y + 3 * yStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient<TV>(float* dy, long yStep, float* p, long pStep)
        where TV : unmanaged, IVector<TV>
    {
        TV y0 = TV.Load(dy), y1 = TV.Load(dy + yStep), y2 = TV.Load(dy + 2 * yStep), y3 = TV.Load(dy + 3 * yStep);
        TV even = y0 + y2, odd = y1 + y3, p3 = y0;
        TV.Fma(ref p3, TV.Broadcast(2), y1);
        TV.Fma(ref p3, TV.Broadcast(4), y2);
        TV.Fma(ref p3, TV.Broadcast(8), y3);
        TV.Store(y0, p);
        TV.Store(even + odd, p + pStep);
        TV.Store(even - odd, p + 2 * pStep);
        TV.Store(p3, p + 3 * pStep);
        TV.Store(y3, p + 4 * pStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterGradient<TV>(float* du, long uStep, float* dg, long gStep)
        where TV : unmanaged, IVector<TV>
    {
        TV u1 = TV.Load(du + uStep), u2 = TV.Load(du + 2 * uStep), u3 = TV.Load(du + 3 * uStep);
        TV half = TV.Broadcast(1f / 2), sixth = TV.Broadcast(1f / 6);
        TV.Store(half * (TV.Load(du) - u1) + sixth * (u3 - u2), dg);
        TV.Store(sixth * (u2 + u3 + u3) - half * u1 + TV.Load(du + 4 * uStep), dg + gStep);
    }
}
