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
    /// Computes the first <paramref name="columns"/> of a tile. <paramref name="a"/> is depth × Rows, <paramref name="acc"/> Rows × Columns without gaps; with
    /// <paramref name="accumulate"/> the sums are added to <paramref name="acc"/>; otherwise they overwrite it. Vectors without such a column are left out.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(float* a, float* b, int* offsets, int depth, float* acc, bool accumulate, int columns)
    {
        if (columns > 2 * TV.Width) Run<Three>(a, b, offsets, depth, acc, accumulate);
        else if (columns > TV.Width) Run<Two>(a, b, offsets, depth, acc, accumulate);
        else Run<One>(a, b, offsets, depth, acc, accumulate);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Run<TVectors>(float* a, float* b, int* offsets, int depth, float* acc, bool accumulate)
        where TVectors : IExtent
    {
        if (TV.HasManyRegisters) Run8<TVectors>(a, b, offsets, depth, acc, accumulate);
        else Run4<TVectors>(a, b, offsets, depth, acc, accumulate);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run4<TVectors>(float* a, float* b, int* offsets, int depth, float* acc, bool accumulate)
        where TVectors : IExtent
    {
        TV c00 = TV.Zero, c01 = TV.Zero, c02 = TV.Zero;
        TV c10 = TV.Zero, c11 = TV.Zero, c12 = TV.Zero;
        TV c20 = TV.Zero, c21 = TV.Zero, c22 = TV.Zero;
        TV c30 = TV.Zero, c31 = TV.Zero, c32 = TV.Zero;
        int* end = offsets + depth;
        while (offsets < end)
        {
            float* row = b + *offsets;
            TV b0 = TV.Load(row), b1 = TVectors.Count > 1 ? TV.Load(row + TV.Width) : b0, b2 = TVectors.Count > 2 ? TV.Load(row + 2 * TV.Width) : b0;
            TV w = TV.Broadcast(a[0]);
            Step<TVectors>(w, b0, b1, b2, ref c00, ref c01, ref c02);
            w = TV.Broadcast(a[1]);
            Step<TVectors>(w, b0, b1, b2, ref c10, ref c11, ref c12);
            w = TV.Broadcast(a[2]);
            Step<TVectors>(w, b0, b1, b2, ref c20, ref c21, ref c22);
            w = TV.Broadcast(a[3]);
            Step<TVectors>(w, b0, b1, b2, ref c30, ref c31, ref c32);
            a += 4;
            offsets++;
        }

        StoreRow<TVectors>(acc, accumulate, c00, c01, c02);
        StoreRow<TVectors>(acc + 3 * TV.Width, accumulate, c10, c11, c12);
        StoreRow<TVectors>(acc + 6 * TV.Width, accumulate, c20, c21, c22);
        StoreRow<TVectors>(acc + 9 * TV.Width, accumulate, c30, c31, c32);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Run8<TVectors>(float* a, float* b, int* offsets, int depth, float* acc, bool accumulate)
        where TVectors : IExtent
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
            TV b0 = TV.Load(row), b1 = TVectors.Count > 1 ? TV.Load(row + TV.Width) : b0, b2 = TVectors.Count > 2 ? TV.Load(row + 2 * TV.Width) : b0;
            TV w = TV.Broadcast(a[0]);
            Step<TVectors>(w, b0, b1, b2, ref c00, ref c01, ref c02);
            w = TV.Broadcast(a[1]);
            Step<TVectors>(w, b0, b1, b2, ref c10, ref c11, ref c12);
            w = TV.Broadcast(a[2]);
            Step<TVectors>(w, b0, b1, b2, ref c20, ref c21, ref c22);
            w = TV.Broadcast(a[3]);
            Step<TVectors>(w, b0, b1, b2, ref c30, ref c31, ref c32);
            w = TV.Broadcast(a[4]);
            Step<TVectors>(w, b0, b1, b2, ref c40, ref c41, ref c42);
            w = TV.Broadcast(a[5]);
            Step<TVectors>(w, b0, b1, b2, ref c50, ref c51, ref c52);
            w = TV.Broadcast(a[6]);
            Step<TVectors>(w, b0, b1, b2, ref c60, ref c61, ref c62);
            w = TV.Broadcast(a[7]);
            Step<TVectors>(w, b0, b1, b2, ref c70, ref c71, ref c72);
            a += 8;
            offsets++;
        }

        StoreRow<TVectors>(acc, accumulate, c00, c01, c02);
        StoreRow<TVectors>(acc + 3 * TV.Width, accumulate, c10, c11, c12);
        StoreRow<TVectors>(acc + 6 * TV.Width, accumulate, c20, c21, c22);
        StoreRow<TVectors>(acc + 9 * TV.Width, accumulate, c30, c31, c32);
        StoreRow<TVectors>(acc + 12 * TV.Width, accumulate, c40, c41, c42);
        StoreRow<TVectors>(acc + 15 * TV.Width, accumulate, c50, c51, c52);
        StoreRow<TVectors>(acc + 18 * TV.Width, accumulate, c60, c61, c62);
        StoreRow<TVectors>(acc + 21 * TV.Width, accumulate, c70, c71, c72);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TVectors>(TV w, TV b0, TV b1, TV b2, ref TV c0, ref TV c1, ref TV c2)
        where TVectors : IExtent
    {
        TV.Fma(ref c0, w, b0);
        if (TVectors.Count > 1) TV.Fma(ref c1, w, b1);
        if (TVectors.Count > 2) TV.Fma(ref c2, w, b2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow<TVectors>(float* row, bool accumulate, TV c0, TV c1, TV c2)
        where TVectors : IExtent
    {
        Store(row, accumulate, c0);
        if (TVectors.Count > 1) Store(row + TV.Width, accumulate, c1);
        if (TVectors.Count > 2) Store(row + 2 * TV.Width, accumulate, c2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* sums, bool accumulate, TV sum) => TV.Store(accumulate ? sum + TV.Load(sums) : sum, sums);
}
