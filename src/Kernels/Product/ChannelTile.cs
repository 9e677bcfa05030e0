using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// The innermost loop of products whose lanes are output channels: a few rows times two vectors of channels, held in registers.
/// <code>y[t, k] (+)= Σ_c v[t, c] · u[c, k]      t &lt; 12 or 6, k &lt; 2 vectors</code>
/// Each step c loads two vectors of u, broadcasts one number of each row and multiplies and adds it to both: 24 accumulators if the processor has 32 registers,
/// 12 if it has 16. v is stored in blocks of <see cref="DepthBlock"/> entries, so that all rows are at constant distances from one pointer. Compute bounds it
/// as long as v comes from the first-level cache and u from the second.
/// </summary>
internal static unsafe class ChannelTile<TV>
    where TV : unmanaged, IVector<TV>
{
    /// <summary>Entries of a row that lie next to each other in v: as many floats as the widest vector.</summary>
    public const int DepthBlock = 16;

    /// <summary>Rows are computed in multiples of this.</summary>
    public const int RowStep = 6;

    /// <summary>Output channels computed at once.</summary>
    public static int Columns => 2 * TV.Width;

    /// <summary>
    /// Computes <paramref name="rows"/>, a multiple of <see cref="RowStep"/>. v[t, c] lies at <c>v[c / 16 · vStride + t · 16 + c % 16]</c>, u is depth × <see
    /// cref="Columns"/> without gaps, depth a multiple of 16, y[t, k] at <c>y[t · yStride + k]</c>. With <paramref name="accumulate"/> the sums are added to y;
    /// otherwise they overwrite it.
    /// </summary>
    public static void Run(float* v, long vStride, int rows, float* u, int depth, float* y, long yStride, bool accumulate = false)
    {
        int t = 0, blocks = depth / DepthBlock;
        for (; TV.HasManyRegisters && t + 12 <= rows; t += 12) Run12(v + t * DepthBlock, vStride, u, blocks, y + t * yStride, yStride, accumulate);
        for (; t < rows; t += 6) Run6(v + t * DepthBlock, vStride, u, blocks, y + t * yStride, yStride, accumulate);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run12(float* v, long vStride, float* u, int blocks, float* y, long yStride, bool accumulate)
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

        StoreRow(y, accumulate, c00, c01);
        StoreRow(y + yStride, accumulate, c10, c11);
        StoreRow(y + 2 * yStride, accumulate, c20, c21);
        StoreRow(y + 3 * yStride, accumulate, c30, c31);
        StoreRow(y + 4 * yStride, accumulate, c40, c41);
        StoreRow(y + 5 * yStride, accumulate, c50, c51);
        StoreRow(y + 6 * yStride, accumulate, c60, c61);
        StoreRow(y + 7 * yStride, accumulate, c70, c71);
        StoreRow(y + 8 * yStride, accumulate, c80, c81);
        StoreRow(y + 9 * yStride, accumulate, c90, c91);
        StoreRow(y + 10 * yStride, accumulate, c100, c101);
        StoreRow(y + 11 * yStride, accumulate, c110, c111);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run6(float* v, long vStride, float* u, int blocks, float* y, long yStride, bool accumulate)
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

        StoreRow(y, accumulate, c00, c01);
        StoreRow(y + yStride, accumulate, c10, c11);
        StoreRow(y + 2 * yStride, accumulate, c20, c21);
        StoreRow(y + 3 * yStride, accumulate, c30, c31);
        StoreRow(y + 4 * yStride, accumulate, c40, c41);
        StoreRow(y + 5 * yStride, accumulate, c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow(float* row, bool accumulate, TV c0, TV c1)
    {
        if (accumulate)
        {
            c0 += TV.Load(row);
            c1 += TV.Load(row + TV.Width);
        }

        TV.Store(c0, row);
        TV.Store(c1, row + TV.Width);
    }
}
