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
/// Four loads are started before the first of them is stored, since a device's memory takes long to answer.
/// <para>Neighbouring threads read neighbouring floats. A gap follows every run of columns that 16 threads share, so that the next 16 threads read from the
/// other banks. One more float follows every line, so that writes down a column fall on different banks. The results pass through shared memory once more, so
/// that they are written in runs and the activation's code appears only once.</para>
/// </summary>
internal static class GpuProductKernel
{
    // Floats of shared memory: chunks of both factors with their tables, or the results.
    private const int LargeFloats = 8192;
    private const int SmallFloats = 4352;

    // The row of an element that lies outside whatever the other index contributes.
    private const int Outside = int.MinValue / 2;

    // Numbers in a table for each index: offset, row and column.
    private const int Entry = 3;

    /// <summary>Starts the kernel.</summary>
    public static void Launch(GpuContext gpu, in GpuProductArguments arguments)
    {
        GpuTiling tiling = arguments.Tiling;
        Index3D groups = new(tiling.ColumnTiles, tiling.RowTiles, tiling.Pieces * arguments.Product.Phases.Count);
        if (tiling.ThreadBits == GpuTiling.LargeBits) gpu.Launch(Large, groups, arguments);
        else gpu.Launch(Small, groups, arguments);
    }

    internal static void Large(GpuProductArguments arguments) => Run<Tile8>(arguments, SharedMemory.Allocate<float>(LargeFloats));

    internal static void Small(GpuProductArguments arguments) => Run<Tile4>(arguments, SharedMemory.Allocate<float>(SmallFloats));

    private static void Run<TTile>(GpuProductArguments arguments, ArrayView<float> shared)
        where TTile : struct, IThreadTile
    {
        TTile tile = default;
        int lineBits = arguments.Tiling.LineBits, chunkBits = arguments.Tiling.ChunkBits, chunk = 1 << chunkBits, runBits = tile.Bits + IThreadTile.ApartBits;
        int rowBits = tile.Bits + lineBits, columnBits = tile.Bits + GpuTiling.GroupBits - lineBits, rows = 1 << rowBits, columns = 1 << columnBits;
        int firstRow = Grid.IdxY << rowBits, firstColumn = Grid.IdxX << columnBits;
        int rowPitch = Pitch(rowBits, runBits), columnPitch = Pitch(columnBits, runBits);
        int phases = arguments.Product.Phases.Count, piece = Grid.IdxZ / phases, phase = Grid.IdxZ - piece * phases;
        int start = piece * arguments.Tiling.PieceDepth, end = IntrinsicMath.Min(arguments.Product.Depth, start + arguments.Tiling.PieceDepth);
        Operand left = arguments.Product.Phases.Filter(arguments.Product.Left, phase), right = arguments.Product.Phases.Image(arguments.Product.Right, phase);

        ArrayView<float> leftChunk = shared, rightChunk = shared.SubView(rowPitch << chunkBits);
        ArrayView<int> rowTable = shared.SubView((rowPitch + columnPitch) << chunkBits).Cast<int>(), columnTable = rowTable.SubView(Entry * rows);
        ArrayView<int> termTables = columnTable.SubView(Entry * columns);
        TabulateOuter(rowTable, left, arguments.Product.RowDigits, firstRow, arguments.Product.Rows, rows);
        TabulateOuter(columnTable, right, arguments.Product.ColumnDigits, firstColumn, arguments.Product.Columns, columns);
        TabulateTerms(termTables, left, right, arguments.Product.TermDigits, start, end, chunk);
        Group.Barrier();

        int line = Group.IdxX >> (GpuTiling.GroupBits - lineBits), lane = Group.IdxX & ((1 << (GpuTiling.GroupBits - lineBits)) - 1);
        int ownColumn = (lane >> IThreadTile.ApartBits << runBits) + (lane & (IThreadTile.Apart - 1));
        int parity = 0;
        for (int k = start; k < end; k += chunk)
        {
            ArrayView<int> terms = termTables.SubView(parity);
            Fill(leftChunk, left, rowTable, terms, rowBits, chunkBits, runBits);
            Fill(rightChunk, right, columnTable, terms.SubView(Entry * chunk), columnBits, chunkBits, runBits);
            Group.Barrier();
            parity = 2 * Entry * chunk - parity;
            TabulateTerms(termTables.SubView(parity), left, right, arguments.Product.TermDigits, k + chunk, end, chunk);
            for (int i = 0; i < chunk; i++)
            {
                tile.Add(leftChunk.SubView(i * rowPitch + (line << tile.Bits)), rightChunk.SubView(i * columnPitch + Padded(ownColumn, runBits)));
            }

            Group.Barrier();
        }

        tile.Store(shared.SubView((line << tile.Bits << columnBits) + ownColumn), columns);
        Group.Barrier();
        Write(arguments, shared, piece, phase, firstRow, firstColumn, rowBits, columnBits);
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
    private static void TabulateOuter(ArrayView<int> table, Operand factor, Digits digits, int first, int count, int size)
    {
        for (int j = Group.IdxX; j < size; j += GpuContext.GroupSize)
        {
            Put(table, j, size, factor, factor.Outer(digits.At(IntrinsicMath.Min(first + j, count - 1))), first + j < count);
        }
    }

    // What each term of a chunk contributes to a place in both factors, the left one's table before the right one's.
    private static void TabulateTerms(ArrayView<int> table, Operand left, Operand right, Digits digits, int k, int end, int chunk)
    {
        int i = Group.IdxX;
        if (i >= chunk) return;
        Triple term = digits.At(k + i);
        Put(table, i, chunk, left, left.Inner(term), k + i < end);
        Put(table.SubView(Entry * chunk), i, chunk, right, right.Inner(term), k + i < end);
    }

    private static void Put(ArrayView<int> table, int at, int size, Operand factor, Place place, bool isInside)
    {
        table[at] = place.Offset + place.Row * factor.Pitch + place.Column * factor.Step;
        table[size + at] = isInside ? place.Row : Outside;
        table[2 * size + at] = place.Column;
    }

    // Copies a chunk of a factor to shared memory, one line of 2^bits outer indices for each term. Neighbouring threads take neighbours in memory: each thread
    // keeps to one index and moves along the other. Elements outside the factor become 0.
    private static void Fill(ArrayView<float> to, Operand factor, ArrayView<int> outer, ArrayView<int> terms, int bits, int chunkBits, int runBits)
    {
        bool inward = factor.RunsInward != 0;
        int pitch = Pitch(bits, runBits), keptBits = inward ? chunkBits : bits, kept = 1 << keptBits, moving = inward ? 1 << bits : 1 << chunkBits;
        int step = IntrinsicMath.Max(1, GpuContext.GroupSize >> keptBits);
        ArrayView<int> keptTable = inward ? terms : outer, table = inward ? outer : terms;
        for (int f = Group.IdxX & (kept - 1); f < kept; f += GpuContext.GroupSize)
        {
            int offset = keptTable[f], row = keptTable[kept + f], column = keptTable[2 * kept + f];
            ArrayView<float> line = to.SubView(inward ? f * pitch : Padded(f, runBits));
            for (int m = Group.IdxX >> keptBits; m < moving; m += 4 * step)
            {
                float v0 = Load(factor, table, moving, m, offset, row, column), v1 = Load(factor, table, moving, m + step, offset, row, column);
                float v2 = Load(factor, table, moving, m + 2 * step, offset, row, column), v3 = Load(factor, table, moving, m + 3 * step, offset, row, column);
                line[inward ? Padded(m, runBits) : m * pitch] = v0;
                if (m + step < moving) line[inward ? Padded(m + step, runBits) : (m + step) * pitch] = v1;
                if (m + 2 * step < moving) line[inward ? Padded(m + 2 * step, runBits) : (m + 2 * step) * pitch] = v2;
                if (m + 3 * step < moving) line[inward ? Padded(m + 3 * step, runBits) : (m + 3 * step) * pitch] = v3;
            }
        }
    }

    private static float Load(Operand factor, ArrayView<int> table, int size, int at, int offset, int row, int column)
    {
        if (at >= size) return 0;
        row += table[size + at];
        column += table[2 * size + at];
        return (uint)row < (uint)factor.Height && (uint)column < (uint)factor.Width ? factor.Data[offset + table[at]] : 0;
    }

    // Where column j of a line of a chunk lies.
    private static int Padded(int j, int runBits) => j + (j >> runBits << IThreadTile.ApartBits);

    // Floats from one line of 2^bits columns to the next.
    private static int Pitch(int bits, int runBits) => Padded(1 << bits, runBits) + 1;
}
