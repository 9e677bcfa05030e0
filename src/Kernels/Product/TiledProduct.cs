using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// A product whose right-hand rows are found through offsets, with the places where its result goes:
/// <code>y[m, j] = activation(Σ_k a[m, k] · b[offsets[k] + j] + bias)</code>
/// Convolutions, transposed convolutions and matrix products all describe themselves in these terms and share this code. The columns j are cut into tiles of
/// <see cref="RegisterTile{TV}.Columns"/>; a tile goes through the depth in chunks of <see cref="DepthChunk"/>, and in each chunk through all rows m, so that
/// the chunk of b is read from the first-level cache once for every block of rows while a streams past. Parallel over tiles. The depth is always summed in the
/// same order.
/// </summary>
internal unsafe struct TiledProduct
{
    /// <summary>
    /// Rows of b that one pass takes: 128 × a tile's width × 4 bytes (12 KB at 256 bits, 24 KB at 512) stay in the first-level cache beside the
    /// packed rows of a.
    /// </summary>
    public const int DepthChunk = 128;

    /// <summary>
    /// With this many blocks of rows or more, the rows of a chunk of b are first copied next to each other. Otherwise rows that lie a power of two apart would
    /// evict each other from the cache between two blocks. With fewer blocks the copy costs more than it saves.
    /// </summary>
    private const int CopyFromBlocks = 16;

    /// <summary>The left-hand side as <see cref="PackRows"/> lays it out.</summary>
    public float* A;

    /// <summary>Rows of the left-hand side and of the result.</summary>
    public int Rows;

    /// <summary>Terms of each sum.</summary>
    public int Depth;

    /// <summary>The right-hand side; column j of row k is <c>B[Offsets[k] + j]</c>.</summary>
    public float* B;

    /// <summary>Where each row of the right-hand side starts.</summary>
    public int* Offsets;

    /// <summary>Columns of the right-hand side, including those that are dropped.</summary>
    public int Columns;

    /// <summary>One number for each row, or for each column with <see cref="BiasPerColumn"/>; null for none.</summary>
    public float* Bias;

    /// <summary>Whether the bias belongs to columns.</summary>
    public bool BiasPerColumn;

    /// <summary>What is applied to each sum.</summary>
    public Activation Activation;

    /// <summary>The result: row m, column j = line · <see cref="Pitch"/> + i at <c>Y[m · RowStride + line · LineStride + i · ColumnStride]</c>.</summary>
    public float* Y;

    /// <summary>Columns from one line to the next.</summary>
    public int Pitch;

    /// <summary>Columns of each line that are kept.</summary>
    public int Width;

    /// <summary>Floats from one row of the result to the next.</summary>
    public long RowStride;

    /// <summary>Floats from one line of a row to the next.</summary>
    public long LineStride;

    /// <summary>Floats from one kept column to the next.</summary>
    public long ColumnStride;

    /// <summary>Floats that <see cref="PackRows"/> writes.</summary>
    public static long PackedLength<TV>(int rows, int depth)
        where TV : unmanaged, IVector<TV> => (long)RowBlocks<TV>(rows) * RegisterTile<TV>.Rows * depth;

    /// <summary>Blocks of rows that a tile goes through.</summary>
    public static int RowBlocks<TV>(int rows)
        where TV : unmanaged, IVector<TV> => (rows + RegisterTile<TV>.Rows - 1) / RegisterTile<TV>.Rows;

    /// <summary>Tiles that the columns are cut into.</summary>
    public static int Tiles<TV>(int columns)
        where TV : unmanaged, IVector<TV> => (columns + RegisterTile<TV>.Columns - 1) / RegisterTile<TV>.Columns;

    /// <summary>Floats of scratch that a thread needs: the sums of one tile, and one chunk of b.</summary>
    public static long ScratchLength<TV>(int rows)
        where TV : unmanaged, IVector<TV> =>
        (long)RegisterTile<TV>.Columns * (RowBlocks<TV>(rows) * RegisterTile<TV>.Rows + DepthChunk);

    /// <summary>
    /// Packs a block of rows for the register tile: row block, then depth, then row within the block; rows past the end are zero.
    /// Element (m, k) of the source is <c>source[m · rowStride + index[k]]</c>, or <c>source[m · rowStride + k]</c> without an index.
    /// </summary>
    public static void PackRows<TV>(float* source, long rowStride, int* index, int rows, int depth, int block, float* packed)
        where TV : unmanaged, IVector<TV>
    {
        int height = RegisterTile<TV>.Rows;
        float* destination = packed + (long)block * height * depth;
        if (index is null && rows - block * height >= height)
        {
            Transposition.Run(source + block * height * rowStride, rowStride, height, depth, destination, height);
            return;
        }

        for (int i = 0; i < height; i++)
        {
            int m = block * height + i;
            float* row = source + m * rowStride;
            if (m >= rows) for (int k = 0; k < depth; k++) destination[k * height + i] = 0;
            else if (index is null) for (int k = 0; k < depth; k++) destination[k * height + i] = row[k];
            else for (int k = 0; k < depth; k++) destination[k * height + i] = row[index[k]];
        }
    }

    /// <summary>Computes one tile of columns for all rows. <paramref name="scratch"/> is this thread's own.</summary>
    public readonly void RunTile<TV>(int tile, float* scratch)
        where TV : unmanaged, IVector<TV>
    {
        int columns = RegisterTile<TV>.Columns, height = RegisterTile<TV>.Rows, blocks = RowBlocks<TV>(Rows), left = Columns - tile * columns;
        float* sums = scratch;
        float* panel = scratch + (long)blocks * height * columns;
        float* b = B + (long)tile * columns;

        bool copy = blocks >= CopyFromBlocks;
        int* ramp = stackalloc int[copy ? DepthChunk : 0];
        for (int k = 0; copy && k < DepthChunk; k++) ramp[k] = k * columns;
        for (int first = 0; first == 0 || first < Depth; first += DepthChunk)
        {
            int depth = Math.Min(DepthChunk, Depth - first);
            if (copy) CopyRows<TV>(b, Offsets + first, depth, panel);
            for (int block = 0; block < blocks; block++)
            {
                float* a = A + ((long)block * Depth + first) * height;
                float* acc = sums + (long)block * height * columns;
                if (copy) RegisterTile<TV>.Run(a, panel, ramp, depth, acc, first > 0, left);
                else RegisterTile<TV>.Run(a, b, Offsets + first, depth, acc, first > 0, left);
            }
        }

        Finish<TV>(tile, sums);
    }

    /// <summary>Writes the result of one tile of columns: bias and activation of its sums, rows × <see cref="RegisterTile{TV}.Columns"/>.</summary>
    public readonly void Finish<TV>(int tile, float* sums)
        where TV : unmanaged, IVector<TV> => Activation.Accept<TileEnd<TV>, Nothing>(new TileEnd<TV>(in this, tile, sums));

    /// <summary>Finds rows through offsets and copies one tile's width of each next to each other.</summary>
    public static void CopyRows<TV>(float* b, int* offsets, int depth, float* panel)
        where TV : unmanaged, IVector<TV>
    {
        for (int k = 0; k < depth; k++)
        {
            float* row = b + offsets[k];
            TV.Store(TV.Load(row), panel);
            TV.Store(TV.Load(row + TV.Width), panel + TV.Width);
            TV.Store(TV.Load(row + 2 * TV.Width), panel + 2 * TV.Width);
            panel += 3 * TV.Width;
        }
    }

    private readonly void Finish<TV, TOperator>(int tile, float* sums, TOperator activation)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        int columns = RegisterTile<TV>.Columns, first = tile * columns, end = Math.Min(Columns, first + columns);
        for (int j = first; j < end;)
        {
            int line = j / Pitch, i = j - line * Pitch, count = Math.Min(end - j, Width - i);
            float* y = Y + line * LineStride + i * ColumnStride;
            for (int m = 0; m < Rows && count > 0; m++)
            {
                float* sum = sums + (long)m * columns + (j - first);
                if (BiasPerColumn) FinishLine<TV, TOperator>(sum, Bias + j, 0, count, y + m * RowStride, ColumnStride, activation);
                else FinishLine<TV, TOperator>(sum, null, Bias is null ? 0 : Bias[m], count, y + m * RowStride, ColumnStride, activation);
            }

            j = Math.Min(end, (line + 1) * Pitch);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishLine<TV, TOperator>(
        float* sum, float* columnBias, float rowBias, int count, float* y, long stride, TOperator activation)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        if (stride == 1 && count >= TV.Width) FinishVectors<TV, TOperator>(sum, columnBias, rowBias, count, y, activation);
        else if (stride == 1 && count >= V128.Width) FinishVectors<V128, TOperator>(sum, columnBias, rowBias, count, y, activation);
        else
        {
            for (int j = 0; j < count; j++)
            {
                float bias = columnBias is null ? rowBias : columnBias[j];
                V1.Store(activation.Apply(V1.Broadcast(sum[j] + bias)), y + j * stride);
            }
        }
    }

    // The line holds at least one vector. The last vector ends with the line and computes again what it shares with the vector before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FinishVectors<TV, TOperator>(float* sum, float* columnBias, float rowBias, int count, float* y, TOperator activation)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        TV bias = TV.Broadcast(rowBias);
        for (int j = 0; j < count; j += TV.Width)
        {
            int at = Math.Min(j, count - TV.Width);
            if (columnBias is not null) bias = TV.Load(columnBias + at);
            TV.Store(activation.Apply(TV.Load(sum + at) + bias), y + at);
        }
    }

    private readonly ref struct TileEnd<TV>(ref readonly TiledProduct product, int tile, float* sums) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        private readonly ref readonly TiledProduct _product = ref product;

        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            _product.Finish<TV, TActivation>(tile, sums, activation);
            return default;
        }
    }
}
