using ILGPU;

namespace Engine.Kernels;

/// <summary>What a group of <see cref="GpuProductKernel"/> gets.</summary>
internal struct GpuProductArguments
{
    public GpuProduct Product;
    public GpuTiling Tiling;

    /// <summary>Where sums go if the depth is cut into pieces.</summary>
    public ArrayView<float> Sums;
}

/// <summary>
/// Computes a tile of a <see cref="GpuProduct"/>. Chunks of both factors are copied to shared memory, and every thread multiplies from there. Where an element
/// lies is the sum of what its outer and its inner index contribute; tables of both in shared memory spare threads from decoding indices for every element.
/// Four loads are started before the first of them is stored, since a device's memory takes long to answer. What is read from shared memory is read 128 bits at
/// a time: four numbers of a factor, or an entry of a table.
/// <para>Neighbouring threads read neighbouring floats. Every line is four floats longer than it need be, so that writes down a column fall on different banks.
/// The results pass through shared memory once more, so that they are written in runs and the activation's code appears only once.</para>
/// </summary>
internal static class GpuProductKernel
{
    // Floats of shared memory: chunks of both factors with their tables, or the results. The most that any tiling needs.
    private const int LargeFloats = 8192;
    private const int SmallFloats = 3360;

    // The row of an element that lies outside whatever the other index contributes.
    private const int Outside = int.MinValue / 2;

    /// <summary>Starts the kernel.</summary>
    public static void Launch(GpuContext gpu, in GpuProductArguments arguments)
    {
        GpuTiling tiling = arguments.Tiling;
        Index3D groups = new(tiling.ColumnTiles, tiling.RowTiles, tiling.Pieces * arguments.Product.Phases.Count);
        if (tiling.ThreadBits == GpuTiling.LargeBits) gpu.Launch(Large, groups, arguments);
        else gpu.Launch(Small, groups, arguments);
    }

    internal static void Large(GpuProductArguments arguments) => Run<Tile8>(arguments, SharedMemory.Allocate<Quad>(LargeFloats / 4));

    internal static void Small(GpuProductArguments arguments) => Run<Tile4>(arguments, SharedMemory.Allocate<Quad>(SmallFloats / 4));

    private static void Run<TTile>(GpuProductArguments arguments, ArrayView<Quad> shared)
        where TTile : struct, IThreadTile
    {
        TTile tile = default;
        int lineBits = arguments.Tiling.LineBits, chunkBits = arguments.Tiling.ChunkBits, chunk = 1 << chunkBits;
        int rowBits = tile.Bits + lineBits, columnBits = tile.Bits + GpuTiling.GroupBits - lineBits, rows = 1 << rowBits, columns = 1 << columnBits;
        int firstRow = Grid.IdxY << rowBits, firstColumn = Grid.IdxX << columnBits;
        int rowPitch = Pitch(rows), columnPitch = Pitch(columns);
        int phases = arguments.Product.Phases.Count, piece = Grid.IdxZ / phases, phase = Grid.IdxZ - piece * phases;
        int start = piece * arguments.Tiling.PieceDepth, end = IntrinsicMath.Min(arguments.Product.Depth, start + arguments.Tiling.PieceDepth);
        Operand left = arguments.Product.Phases.Filter(arguments.Product.Left, phase), right = arguments.Product.Phases.Image(arguments.Product.Right, phase);

        ArrayView<Quad> leftChunk = shared, rightChunk = shared.SubView(rowPitch << chunkBits);
        ArrayView<Entry> rowTable = shared.SubView((rowPitch + columnPitch) << chunkBits).Cast<Entry>(), columnTable = rowTable.SubView(rows);
        ArrayView<Entry> termTables = columnTable.SubView(columns);
        TabulateOuter(rowTable, left, arguments.Product.RowDigits, firstRow, arguments.Product.Rows, rows);
        TabulateOuter(columnTable, right, arguments.Product.ColumnDigits, firstColumn, arguments.Product.Columns, columns);
        TabulateTerms(termTables, left, right, arguments.Product.TermDigits, start, end, chunk);
        Group.Barrier();

        int line = Group.IdxX >> (GpuTiling.GroupBits - lineBits), lane = Group.IdxX & ((1 << (GpuTiling.GroupBits - lineBits)) - 1);
        int parity = 0;
        for (int k = start; k < end; k += chunk)
        {
            ArrayView<Entry> terms = termTables.SubView(parity);
            Fill(leftChunk.Cast<float>(), left, rowTable, terms, rowBits, chunkBits);
            Fill(rightChunk.Cast<float>(), right, columnTable, terms.SubView(chunk), columnBits, chunkBits);
            Group.Barrier();
            parity = 2 * chunk - parity;
            TabulateTerms(termTables.SubView(parity), left, right, arguments.Product.TermDigits, k + chunk, end, chunk);
            int inLeft = line << (tile.Bits - 2), inRight = (rowPitch << chunkBits) + tile.FirstQuad(lane);

            // Two terms in a turn of the loop, which counts places: worked out from i, they would cost more instructions.
            for (int i = 0; i < chunk; i += 2)
            {
                tile.Add(shared.SubView(inLeft), shared.SubView(inRight));
                tile.Add(shared.SubView(inLeft + rowPitch), shared.SubView(inRight + columnPitch));
                inLeft += 2 * rowPitch;
                inRight += 2 * columnPitch;
            }

            Group.Barrier();
        }

        tile.Store(shared.SubView((line << rowBits - lineBits + columnBits - 2) + tile.FirstQuad(lane)), columns / 4);
        Group.Barrier();
        Write(arguments, shared.Cast<float>(), piece, phase, firstRow, firstColumn, rowBits, columnBits);
    }

    private static void Write(
        GpuProductArguments arguments, ArrayView<float> results, int piece, int phase, int firstRow, int firstColumn, int rowBits, int columnBits)
    {
        int firstResult = (piece * arguments.Product.Phases.Count + phase) * arguments.Product.Rows;
        for (int j = Group.IdxX & ((1 << columnBits) - 1); j < 1 << columnBits; j += GpuContext.GroupSize)
        {
            int column = firstColumn + j;
            if (column >= arguments.Product.Columns) continue;
            Place inner = arguments.Product.Phases.Shift(arguments.Product.Result.Inner(arguments.Product.ColumnDigits.At(column)), phase);
            int step = IntrinsicMath.Max(1, GpuContext.GroupSize >> columnBits);
            for (int i = Group.IdxX >> columnBits; i < 1 << rowBits; i += step)
            {
                int row = firstRow + i;
                if (row >= arguments.Product.Rows) continue;
                float sum = results[(i << columnBits) + j];
                if (arguments.Tiling.Pieces > 1) arguments.Sums[(firstResult + row) * arguments.Product.Columns + column] = sum;
                else arguments.Product.Finish(row, inner, sum);
            }
        }
    }

    // What each outer index of a tile contributes to a place.
    private static void TabulateOuter(ArrayView<Entry> table, Operand factor, Digits digits, int first, int count, int size)
    {
        for (int j = Group.IdxX; j < size; j += GpuContext.GroupSize)
        {
            Put(table, j, factor, factor.Outer(digits.At(IntrinsicMath.Min(first + j, count - 1))), first + j < count);
        }
    }

    // What each term of a chunk contributes to a place in both factors, the left one's table before the right one's.
    private static void TabulateTerms(ArrayView<Entry> table, Operand left, Operand right, Digits digits, int k, int end, int chunk)
    {
        int i = Group.IdxX;
        if (i >= chunk) return;
        Indices term = digits.At(k + i);
        Put(table, i, left, left.Inner(term), k + i < end);
        Put(table.SubView(chunk), i, right, right.Inner(term), k + i < end);
    }

    private static void Put(ArrayView<Entry> table, int at, Operand factor, Place place, bool isInside) => table[at] = new Entry
    {
        Offset = place.Offset + place.Row * factor.Pitch + place.Column * factor.Step, Row = isInside ? place.Row : Outside, Column = place.Column,
    };

    // Copies a chunk of a factor to shared memory, one line of 2^bits outer indices for each term. Neighbouring threads take neighbours in memory: each thread
    // keeps to one index and moves along the other. Elements outside the factor become 0.
    private static void Fill(ArrayView<float> to, Operand factor, ArrayView<Entry> outer, ArrayView<Entry> terms, int bits, int chunkBits)
    {
        bool inward = factor.RunsInward != 0;
        int pitch = 4 * Pitch(1 << bits), keptBits = inward ? chunkBits : bits, kept = 1 << keptBits, moving = inward ? 1 << bits : 1 << chunkBits;
        int step = IntrinsicMath.Max(1, GpuContext.GroupSize >> keptBits), keptPitch = inward ? pitch : 1, movingPitch = inward ? 1 : pitch;
        ArrayView<Entry> keptTable = inward ? terms : outer, table = inward ? outer : terms;
        for (int f = Group.IdxX & (kept - 1); f < kept; f += GpuContext.GroupSize)
        {
            Entry own = keptTable[f];
            ArrayView<float> line = to.SubView(f * keptPitch);
            int m = Group.IdxX >> keptBits;
            for (; m + 3 * step < moving; m += 4 * step)
            {
                float v0 = Load(factor, table[m], own), v1 = Load(factor, table[m + step], own);
                float v2 = Load(factor, table[m + 2 * step], own), v3 = Load(factor, table[m + 3 * step], own);
                line[m * movingPitch] = v0;
                line[(m + step) * movingPitch] = v1;
                line[(m + 2 * step) * movingPitch] = v2;
                line[(m + 3 * step) * movingPitch] = v3;
            }

            for (; m < moving; m += step) line[m * movingPitch] = Load(factor, table[m], own);
        }
    }

    // For an element outside the factor the first one is loaded and not used, which is cheaper than a jump.
    private static float Load(Operand factor, Entry one, Entry other)
    {
        bool isInside = (uint)(one.Row + other.Row) < (uint)factor.Height & (uint)(one.Column + other.Column) < (uint)factor.Width;
        float value = factor.Data[isInside ? one.Offset + other.Offset : 0];
        return isInside ? value : 0;
    }

    // Quads from one line of a chunk to the next, one more than it needs, so that writes down a column fall on different banks.
    private static int Pitch(int indices) => indices / 4 + 1;

    /// <summary>What an index contributes to a place in a factor. It is as long as what a card loads at once.</summary>
    internal struct Entry
    {
        public int Offset;
        public int Row;
        public int Column;
        public int Unused;
    }
}
