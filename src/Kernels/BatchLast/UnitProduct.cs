using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// The products of two matrices whose rows are channels and whose columns are units of 16 samples:
/// <code>sums[k, c] (+)= Σ_unit,n dy[k, unit, n] · x[c, unit, n]</code>
/// There are two forms.
/// <list type="bullet">
/// <item>Rows of x are transposed, so that lanes are input channels. Each step broadcasts a number of 8 rows of dy (4 with 16 registers) and multiplies and
/// adds it to two vectors of x, as in any matrix product.</item>
/// <item>Dot products of rows, 4 output channels (2 with 16 registers) by 4 input channels at a time, whose lanes are added at the end. It suits few channels
/// and many units.</item>
/// </list>
/// </summary>
internal readonly unsafe struct UnitProduct
{
    /// <summary>Both numbers of rows are multiples of this.</summary>
    public const int Together = 4;

    private const int Samples = TileTransform.Samples;

    // With fewer output channels, transposing takes as long or longer than adding up lanes.
    private const int LeastOutputs = 32;

    /// <summary>Rows of x, which lie <see cref="Step"/> apart.</summary>
    public float* X { get; init; }

    /// <summary>Rows of dy.</summary>
    public float* Dy { get; init; }

    /// <summary>Floats from one row to the next.</summary>
    public long Step { get; init; }

    /// <summary>A row of sums for each row of dy.</summary>
    public float* Sums { get; init; }

    /// <summary>Floats from one row of sums to the next.</summary>
    public long SumStep { get; init; }

    /// <summary>Rows of x.</summary>
    public int Inputs { get; init; }

    /// <summary>Rows of dy.</summary>
    public int Outputs { get; init; }

    /// <summary>Units of 16 samples in a row.</summary>
    public int Units { get; init; }

    /// <summary>Whether the products are added to the sums, or overwrite them.</summary>
    public bool IsFurther { get; init; }

    /// <summary>Whether a product suits the form with channels in the lanes: it has whole vectors at every width, and enough products for each transposed
    /// row.</summary>
    public static bool SuitsLanes(int inputs, int outputs) => inputs % Samples == 0 && outputs >= LeastOutputs;

    /// <summary>Floats that the form with channels in the lanes uses.</summary>
    public static long LanesLength<TV>(int units)
        where TV : unmanaged, IVector<TV> => 2L * TV.Width * units * Samples;

    /// <summary>The form with channels in the lanes. It uses <see cref="LanesLength{TV}"/> floats.</summary>
    public void AddWithChannelsInLanes<TV>(float* lanes)
        where TV : unmanaged, IVector<TV>
    {
        int together = TV.HasManyRegisters ? 8 : 4;
        for (int i = 0, columns; i < Inputs; i += columns)
        {
            columns = Math.Min(2 * TV.Width, Inputs - i);
            Transposition.Run(X + i * Step, Step, columns, Units * Samples, lanes, columns);
            for (int k = 0, rows; k < Outputs; k += rows)
            {
                rows = Math.Min(together, Outputs - k);
                float* dy = Dy + k * Step, sums = Sums + k * SumStep + i;
                if (rows == 8 && columns == 2 * TV.Width) AddLanes<TV, Eight, Two>(this, dy, lanes, sums);
                else if (rows == 8) AddLanes<TV, Eight, One>(this, dy, lanes, sums);
                else if (columns == 2 * TV.Width) AddLanes<TV, Four, Two>(this, dy, lanes, sums);
                else AddLanes<TV, Four, One>(this, dy, lanes, sums);
            }
        }
    }

    // Not inlined, so that each form keeps its accumulators in registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void AddLanes<TV, TRows, TVectors>(in UnitProduct product, float* dy, float* x, float* sums)
        where TV : unmanaged, IVector<TV>
        where TRows : IExtent
        where TVectors : IExtent
    {
        TV a0 = TV.Zero, a1 = TV.Zero, b0 = TV.Zero, b1 = TV.Zero, c0 = TV.Zero, c1 = TV.Zero, d0 = TV.Zero, d1 = TV.Zero;
        TV e0 = TV.Zero, e1 = TV.Zero, f0 = TV.Zero, f1 = TV.Zero, g0 = TV.Zero, g1 = TV.Zero, h0 = TV.Zero, h1 = TV.Zero;
        long step = product.Step;
        float* lower = dy + 4 * step;
        for (float* end = dy + product.Units * Samples; dy < end; dy++, lower++, x += TVectors.Count * TV.Width)
        {
            TV x0 = TV.Load(x), x1 = TVectors.Count > 1 ? TV.Load(x + TV.Width) : x0;
            MultiplyAdd<TV, TVectors>(TV.Broadcast(dy[0]), x0, x1, ref a0, ref a1);
            MultiplyAdd<TV, TVectors>(TV.Broadcast(dy[step]), x0, x1, ref b0, ref b1);
            MultiplyAdd<TV, TVectors>(TV.Broadcast(dy[2 * step]), x0, x1, ref c0, ref c1);
            MultiplyAdd<TV, TVectors>(TV.Broadcast(dy[3 * step]), x0, x1, ref d0, ref d1);
            if (TRows.Count == 4) continue;
            MultiplyAdd<TV, TVectors>(TV.Broadcast(lower[0]), x0, x1, ref e0, ref e1);
            MultiplyAdd<TV, TVectors>(TV.Broadcast(lower[step]), x0, x1, ref f0, ref f1);
            MultiplyAdd<TV, TVectors>(TV.Broadcast(lower[2 * step]), x0, x1, ref g0, ref g1);
            MultiplyAdd<TV, TVectors>(TV.Broadcast(lower[3 * step]), x0, x1, ref h0, ref h1);
        }

        long row = product.SumStep;
        bool isFurther = product.IsFurther;
        Add<TV, TVectors>(a0, a1, isFurther, sums);
        Add<TV, TVectors>(b0, b1, isFurther, sums + row);
        Add<TV, TVectors>(c0, c1, isFurther, sums + 2 * row);
        Add<TV, TVectors>(d0, d1, isFurther, sums + 3 * row);
        if (TRows.Count == 4) return;
        sums += 4 * row;
        Add<TV, TVectors>(e0, e1, isFurther, sums);
        Add<TV, TVectors>(f0, f1, isFurther, sums + row);
        Add<TV, TVectors>(g0, g1, isFurther, sums + 2 * row);
        Add<TV, TVectors>(h0, h1, isFurther, sums + 3 * row);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd<TV, TVectors>(TV dy, TV x0, TV x1, ref TV s0, ref TV s1)
        where TV : unmanaged, IVector<TV>
        where TVectors : IExtent
    {
        TV.Fma(ref s0, dy, x0);
        if (TVectors.Count > 1) TV.Fma(ref s1, dy, x1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TV, TVectors>(TV s0, TV s1, bool isFurther, float* sums)
        where TV : unmanaged, IVector<TV>
        where TVectors : IExtent
    {
        TV.Store(isFurther ? TV.Load(sums) + s0 : s0, sums);
        if (TVectors.Count > 1) TV.Store(isFurther ? TV.Load(sums + TV.Width) + s1 : s1, sums + TV.Width);
    }

    /// <summary>The form of dot products.</summary>
    public void AddDots<TV>()
        where TV : unmanaged, IVector<TV>
    {
        int rows = TV.HasManyRegisters ? 4 : 2, vectors = Units * Samples / TV.Width;
        for (int k = 0; k < Outputs; k += rows)
        for (int i = 0; i < Inputs; i += Together)
        {
            float* dy = Dy + k * Step, x = X + i * Step, sums = Sums + k * SumStep + i;
            if (TV.HasManyRegisters) Dots<TV, Four>(dy, x, Step, vectors, IsFurther, sums, SumStep);
            else Dots<TV, Two>(dy, x, Step, vectors, IsFurther, sums, SumStep);
        }
    }

    // Not inlined, so that each form keeps its accumulators in registers.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Dots<TV, TRows>(float* dy, float* x, long step, int vectors, bool isFurther, float* sums, long sumStep)
        where TV : unmanaged, IVector<TV>
        where TRows : IExtent
    {
        TV a0 = TV.Zero, a1 = TV.Zero, a2 = TV.Zero, a3 = TV.Zero;
        TV b0 = TV.Zero, b1 = TV.Zero, b2 = TV.Zero, b3 = TV.Zero;
        TV c0 = TV.Zero, c1 = TV.Zero, c2 = TV.Zero, c3 = TV.Zero;
        TV d0 = TV.Zero, d1 = TV.Zero, d2 = TV.Zero, d3 = TV.Zero;
        for (; vectors > 0; vectors--, dy += TV.Width, x += TV.Width)
        {
            TV x0 = TV.Load(x), x1 = TV.Load(x + step), x2 = TV.Load(x + 2 * step), x3 = TV.Load(x + 3 * step);
            MultiplyAdd(TV.Load(dy), x0, x1, x2, x3, ref a0, ref a1, ref a2, ref a3);
            MultiplyAdd(TV.Load(dy + step), x0, x1, x2, x3, ref b0, ref b1, ref b2, ref b3);
            if (TRows.Count == 2) continue;
            MultiplyAdd(TV.Load(dy + 2 * step), x0, x1, x2, x3, ref c0, ref c1, ref c2, ref c3);
            MultiplyAdd(TV.Load(dy + 3 * step), x0, x1, x2, x3, ref d0, ref d1, ref d2, ref d3);
        }

        AddUp(a0, a1, a2, a3, isFurther, sums);
        AddUp(b0, b1, b2, b3, isFurther, sums + sumStep);
        if (TRows.Count == 2) return;
        AddUp(c0, c1, c2, c3, isFurther, sums + 2 * sumStep);
        AddUp(d0, d1, d2, d3, isFurther, sums + 3 * sumStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddUp<TV>(TV s0, TV s1, TV s2, TV s3, bool isFurther, float* sums)
        where TV : unmanaged, IVector<TV>
    {
        Vector128<float> added = LaneSums.Of(s0, s1, s2, s3);
        (isFurther ? Vector128.Load(sums) + added : added).Store(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd<TV>(TV dy, TV x0, TV x1, TV x2, TV x3, ref TV s0, ref TV s1, ref TV s2, ref TV s3)
        where TV : unmanaged, IVector<TV>
    {
        TV.Fma(ref s0, dy, x0);
        TV.Fma(ref s1, dy, x1);
        TV.Fma(ref s2, dy, x2);
        TV.Fma(ref s3, dy, x3);
    }
}
