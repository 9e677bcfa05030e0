using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// The innermost loop of every product and convolution: a tile of the output held in registers.
/// <code>acc[m, j] (+)= Σ_k a[k, m] · b[offsets[k] + j]      m &lt; Rows, j &lt; 3 vectors</code>
/// Each step k loads three vectors of b, broadcasts Rows numbers of a and does 3·Rows multiply-adds. Rows is 4 if the processor has 16 vector registers (12
/// accumulators + 3 + 1 fill them) and 8 if it has 32 (24 + 3 + 1). Both keep enough multiply-adds in flight for two units with a latency of four. The rows of
/// b are found through a table of offsets. So one loop serves both matrix products (rows at a constant pitch) and convolutions (a row for each channel and
/// filter tap). Compute bounds it as long as a and b come from the first-level cache.
/// </summary>
/// <remarks>The idea is from Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008; XNNPACK's indirect convolution.</remarks>
internal static unsafe class RegisterTile<TV>
    where TV : unmanaged, IVector<TV>
{
    /// <summary>Output rows of a tile.</summary>
    public static int Rows => TV.HasManyRegisters ? 8 : 4;

    /// <summary>Output columns of a tile.</summary>
    public static int Columns => 3 * TV.Width;

    /// <summary>
    /// Computes one tile. <paramref name="a"/> is depth × Rows, <paramref name="acc"/> Rows × Columns without gaps; with <paramref name="accumulate"/> the sums
    /// are added to <paramref name="acc"/>; otherwise they overwrite it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(float* a, float* b, int* offsets, int depth, float* acc, bool accumulate)
    {
        if (TV.HasManyRegisters) Run8(a, b, offsets, depth, acc, accumulate);
        else Run4(a, b, offsets, depth, acc, accumulate);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run4(float* a, float* b, int* offsets, int depth, float* acc, bool accumulate)
    {
        TV c00 = TV.Zero, c01 = TV.Zero, c02 = TV.Zero;
        TV c10 = TV.Zero, c11 = TV.Zero, c12 = TV.Zero;
        TV c20 = TV.Zero, c21 = TV.Zero, c22 = TV.Zero;
        TV c30 = TV.Zero, c31 = TV.Zero, c32 = TV.Zero;
        int* end = offsets + depth;
        while (offsets < end)
        {
            float* row = b + *offsets;
            TV b0 = TV.Load(row), b1 = TV.Load(row + TV.Width), b2 = TV.Load(row + 2 * TV.Width);
            TV w = TV.Broadcast(a[0]);
            TV.Fma(ref c00, w, b0);
            TV.Fma(ref c01, w, b1);
            TV.Fma(ref c02, w, b2);
            w = TV.Broadcast(a[1]);
            TV.Fma(ref c10, w, b0);
            TV.Fma(ref c11, w, b1);
            TV.Fma(ref c12, w, b2);
            w = TV.Broadcast(a[2]);
            TV.Fma(ref c20, w, b0);
            TV.Fma(ref c21, w, b1);
            TV.Fma(ref c22, w, b2);
            w = TV.Broadcast(a[3]);
            TV.Fma(ref c30, w, b0);
            TV.Fma(ref c31, w, b1);
            TV.Fma(ref c32, w, b2);
            a += 4;
            offsets++;
        }

        StoreRow(acc, accumulate, c00, c01, c02);
        StoreRow(acc + 3 * TV.Width, accumulate, c10, c11, c12);
        StoreRow(acc + 6 * TV.Width, accumulate, c20, c21, c22);
        StoreRow(acc + 9 * TV.Width, accumulate, c30, c31, c32);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run8(float* a, float* b, int* offsets, int depth, float* acc, bool accumulate)
    {
        TV c00 = TV.Zero, c01 = TV.Zero, c02 = TV.Zero;
        TV c10 = TV.Zero, c11 = TV.Zero, c12 = TV.Zero;
        TV c20 = TV.Zero, c21 = TV.Zero, c22 = TV.Zero;
        TV c30 = TV.Zero, c31 = TV.Zero, c32 = TV.Zero;
        TV c40 = TV.Zero, c41 = TV.Zero, c42 = TV.Zero;
        TV c50 = TV.Zero, c51 = TV.Zero, c52 = TV.Zero;
        TV c60 = TV.Zero, c61 = TV.Zero, c62 = TV.Zero;
        TV c70 = TV.Zero, c71 = TV.Zero, c72 = TV.Zero;
        int* end = offsets + depth;
        while (offsets < end)
        {
            float* row = b + *offsets;
            TV b0 = TV.Load(row), b1 = TV.Load(row + TV.Width), b2 = TV.Load(row + 2 * TV.Width);
            TV w = TV.Broadcast(a[0]);
            TV.Fma(ref c00, w, b0);
            TV.Fma(ref c01, w, b1);
            TV.Fma(ref c02, w, b2);
            w = TV.Broadcast(a[1]);
            TV.Fma(ref c10, w, b0);
            TV.Fma(ref c11, w, b1);
            TV.Fma(ref c12, w, b2);
            w = TV.Broadcast(a[2]);
            TV.Fma(ref c20, w, b0);
            TV.Fma(ref c21, w, b1);
            TV.Fma(ref c22, w, b2);
            w = TV.Broadcast(a[3]);
            TV.Fma(ref c30, w, b0);
            TV.Fma(ref c31, w, b1);
            TV.Fma(ref c32, w, b2);
            w = TV.Broadcast(a[4]);
            TV.Fma(ref c40, w, b0);
            TV.Fma(ref c41, w, b1);
            TV.Fma(ref c42, w, b2);
            w = TV.Broadcast(a[5]);
            TV.Fma(ref c50, w, b0);
            TV.Fma(ref c51, w, b1);
            TV.Fma(ref c52, w, b2);
            w = TV.Broadcast(a[6]);
            TV.Fma(ref c60, w, b0);
            TV.Fma(ref c61, w, b1);
            TV.Fma(ref c62, w, b2);
            w = TV.Broadcast(a[7]);
            TV.Fma(ref c70, w, b0);
            TV.Fma(ref c71, w, b1);
            TV.Fma(ref c72, w, b2);
            a += 8;
            offsets++;
        }

        StoreRow(acc, accumulate, c00, c01, c02);
        StoreRow(acc + 3 * TV.Width, accumulate, c10, c11, c12);
        StoreRow(acc + 6 * TV.Width, accumulate, c20, c21, c22);
        StoreRow(acc + 9 * TV.Width, accumulate, c30, c31, c32);
        StoreRow(acc + 12 * TV.Width, accumulate, c40, c41, c42);
        StoreRow(acc + 15 * TV.Width, accumulate, c50, c51, c52);
        StoreRow(acc + 18 * TV.Width, accumulate, c60, c61, c62);
        StoreRow(acc + 21 * TV.Width, accumulate, c70, c71, c72);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow(float* row, bool accumulate, TV c0, TV c1, TV c2)
    {
        if (accumulate)
        {
            c0 += TV.Load(row);
            c1 += TV.Load(row + TV.Width);
            c2 += TV.Load(row + 2 * TV.Width);
        }

        TV.Store(c0, row);
        TV.Store(c1, row + TV.Width);
        TV.Store(c2, row + 2 * TV.Width);
    }
}
