using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// The innermost loop of Winograd's convolution: for one point of the transform, the products of a few tiles with two vectors of output channels, held
/// in registers.
/// <code>p[t, k] = Σ_c v[t, c] · u[c, k]      t &lt; 12 or 6, k &lt; 2 vectors</code>
/// Each step c loads two vectors of u, broadcasts a number of each tile and does a multiply-add for each of both: 24 accumulators where the processor has
/// 32 registers, 12 where it has 16. v lies in blocks of <see cref="DepthBlock"/> channels, so that all tiles are found at constant distances from one
/// pointer.
/// </summary>
internal static unsafe class WinogradProduct<TV>
    where TV : unmanaged, IVector<TV>
{
    /// <summary>Channels that lie next to each other in v: the widest vector.</summary>
    public const int DepthBlock = 16;

    /// <summary>Tiles are computed in multiples of this.</summary>
    public const int TileStep = 6;

    /// <summary>Output channels computed at once.</summary>
    public static int Columns => 2 * TV.Width;

    /// <summary>
    /// Computes <paramref name="tiles"/>, a multiple of <see cref="TileStep"/>. v[t, c] lies at <c>v[c / 16 · vStride + t · 16 + c % 16]</c>, u is
    /// channels × <see cref="Columns"/> without gaps, p[t, k] at <c>p[t · pStride + k]</c>. Overwrites p.
    /// </summary>
    public static void Run(float* v, long vStride, int tiles, float* u, int channels, float* p, long pStride)
    {
        int t = 0, blocks = channels / DepthBlock;
        for (; TV.HasManyRegisters && t + 12 <= tiles; t += 12) Run12(v + t * DepthBlock, vStride, u, blocks, p + t * pStride, pStride);
        for (; t < tiles; t += 6) Run6(v + t * DepthBlock, vStride, u, blocks, p + t * pStride, pStride);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run12(float* v, long vStride, float* u, int blocks, float* p, long pStride)
    {
        TV c00 = TV.Zero, c01 = TV.Zero;
        TV c10 = TV.Zero, c11 = TV.Zero;
        TV c20 = TV.Zero, c21 = TV.Zero;
        TV c30 = TV.Zero, c31 = TV.Zero;
        TV c40 = TV.Zero, c41 = TV.Zero;
        TV c50 = TV.Zero, c51 = TV.Zero;
        TV c60 = TV.Zero, c61 = TV.Zero;
        TV c70 = TV.Zero, c71 = TV.Zero;
        TV c80 = TV.Zero, c81 = TV.Zero;
        TV c90 = TV.Zero, c91 = TV.Zero;
        TV c100 = TV.Zero, c101 = TV.Zero;
        TV c110 = TV.Zero, c111 = TV.Zero;
        for (; blocks > 0; blocks--)
        {
            for (float* end = v + DepthBlock; v < end; v++)
            {
                TV b0 = TV.Load(u), b1 = TV.Load(u + TV.Width);
                TV a = TV.Broadcast(v[0]);
                TV.Fma(ref c00, a, b0);
                TV.Fma(ref c01, a, b1);
                a = TV.Broadcast(v[1 * DepthBlock]);
                TV.Fma(ref c10, a, b0);
                TV.Fma(ref c11, a, b1);
                a = TV.Broadcast(v[2 * DepthBlock]);
                TV.Fma(ref c20, a, b0);
                TV.Fma(ref c21, a, b1);
                a = TV.Broadcast(v[3 * DepthBlock]);
                TV.Fma(ref c30, a, b0);
                TV.Fma(ref c31, a, b1);
                a = TV.Broadcast(v[4 * DepthBlock]);
                TV.Fma(ref c40, a, b0);
                TV.Fma(ref c41, a, b1);
                a = TV.Broadcast(v[5 * DepthBlock]);
                TV.Fma(ref c50, a, b0);
                TV.Fma(ref c51, a, b1);
                a = TV.Broadcast(v[6 * DepthBlock]);
                TV.Fma(ref c60, a, b0);
                TV.Fma(ref c61, a, b1);
                a = TV.Broadcast(v[7 * DepthBlock]);
                TV.Fma(ref c70, a, b0);
                TV.Fma(ref c71, a, b1);
                a = TV.Broadcast(v[8 * DepthBlock]);
                TV.Fma(ref c80, a, b0);
                TV.Fma(ref c81, a, b1);
                a = TV.Broadcast(v[9 * DepthBlock]);
                TV.Fma(ref c90, a, b0);
                TV.Fma(ref c91, a, b1);
                a = TV.Broadcast(v[10 * DepthBlock]);
                TV.Fma(ref c100, a, b0);
                TV.Fma(ref c101, a, b1);
                a = TV.Broadcast(v[11 * DepthBlock]);
                TV.Fma(ref c110, a, b0);
                TV.Fma(ref c111, a, b1);
                u += 2 * TV.Width;
            }

            v += vStride - DepthBlock;
        }

        StoreRow(p, c00, c01);
        StoreRow(p + pStride, c10, c11);
        StoreRow(p + 2 * pStride, c20, c21);
        StoreRow(p + 3 * pStride, c30, c31);
        StoreRow(p + 4 * pStride, c40, c41);
        StoreRow(p + 5 * pStride, c50, c51);
        StoreRow(p + 6 * pStride, c60, c61);
        StoreRow(p + 7 * pStride, c70, c71);
        StoreRow(p + 8 * pStride, c80, c81);
        StoreRow(p + 9 * pStride, c90, c91);
        StoreRow(p + 10 * pStride, c100, c101);
        StoreRow(p + 11 * pStride, c110, c111);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run6(float* v, long vStride, float* u, int blocks, float* p, long pStride)
    {
        TV c00 = TV.Zero, c01 = TV.Zero;
        TV c10 = TV.Zero, c11 = TV.Zero;
        TV c20 = TV.Zero, c21 = TV.Zero;
        TV c30 = TV.Zero, c31 = TV.Zero;
        TV c40 = TV.Zero, c41 = TV.Zero;
        TV c50 = TV.Zero, c51 = TV.Zero;
        for (; blocks > 0; blocks--)
        {
            for (float* end = v + DepthBlock; v < end; v++)
            {
                TV b0 = TV.Load(u), b1 = TV.Load(u + TV.Width);
                TV a = TV.Broadcast(v[0]);
                TV.Fma(ref c00, a, b0);
                TV.Fma(ref c01, a, b1);
                a = TV.Broadcast(v[1 * DepthBlock]);
                TV.Fma(ref c10, a, b0);
                TV.Fma(ref c11, a, b1);
                a = TV.Broadcast(v[2 * DepthBlock]);
                TV.Fma(ref c20, a, b0);
                TV.Fma(ref c21, a, b1);
                a = TV.Broadcast(v[3 * DepthBlock]);
                TV.Fma(ref c30, a, b0);
                TV.Fma(ref c31, a, b1);
                a = TV.Broadcast(v[4 * DepthBlock]);
                TV.Fma(ref c40, a, b0);
                TV.Fma(ref c41, a, b1);
                a = TV.Broadcast(v[5 * DepthBlock]);
                TV.Fma(ref c50, a, b0);
                TV.Fma(ref c51, a, b1);
                u += 2 * TV.Width;
            }

            v += vStride - DepthBlock;
        }

        StoreRow(p, c00, c01);
        StoreRow(p + pStride, c10, c11);
        StoreRow(p + 2 * pStride, c20, c21);
        StoreRow(p + 3 * pStride, c30, c31);
        StoreRow(p + 4 * pStride, c40, c41);
        StoreRow(p + 5 * pStride, c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow(float* row, TV c0, TV c1)
    {
        TV.Store(c0, row);
        TV.Store(c1, row + TV.Width);
    }
}
