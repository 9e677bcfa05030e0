namespace Engine.Kernels;

/// <summary>
/// How a product is cut. A group of 128 threads computes a tile of the result, 8×8 or 4×4 elements for each thread. The threads are arranged as Lines by
/// 128/Lines, so a tile is 64×128 for many rows and as flat as 8×1024 for few. The depth is cut into pieces.
/// </summary>
internal struct GpuTiling
{
    /// <summary>Log₂ of the threads of a group.</summary>
    public const int GroupBits = 7;

    /// <summary>Log₂ of the rows and columns of a thread of large tiles, and of small ones.</summary>
    public const int LargeBits = 3, SmallBits = 2;

    private const int MaxLineBits = 3;
    private const int MaxChunkBits = 4;

    // Sums shorter than this are not worth a piece of their own.
    private const int MinPieceDepth = 64;

    // With fewer groups of large tiles than this, most multiprocessors of a large device would have one or none.
    private const int FewGroups = 128;

    // Four groups for each of 132 multiprocessors, as many as one holds at a time: with fewer, one that has a group more than the others keeps them waiting.
    private const int EnoughGroups = 4 * 132;

    /// <summary>Log₂ of the rows and columns of a thread.</summary>
    public int ThreadBits;

    /// <summary>Log₂ of the lines of threads.</summary>
    public int LineBits;

    /// <summary>Log₂ of the terms that are in shared memory at a time.</summary>
    public int ChunkBits;

    /// <summary>Tiles down and across.</summary>
    public int RowTiles, ColumnTiles;

    /// <summary>Pieces of the depth, and the terms of one.</summary>
    public int Pieces, PieceDepth;

    /// <summary>Groups of all phases.</summary>
    public int Groups;

    /// <summary>The tiling of a product: large tiles, since those load less for each multiply-add, unless small ones keep more of a device busy.</summary>
    public static GpuTiling Of(int rows, int columns, int depth, int phases)
    {
        GpuTiling large = Of(rows, columns, depth, phases, LargeBits);
        if (large.Groups >= FewGroups) return large;
        GpuTiling small = Of(rows, columns, depth, phases, SmallBits);
        return small.Groups > large.Groups ? small : large;
    }

    // The form with the fewest tiles, and the squarer one of two.
    private static GpuTiling Of(int rows, int columns, int depth, int phases, int threadBits)
    {
        GpuTiling best = default;
        long fewest = long.MaxValue;
        for (int bits = 0; bits <= MaxLineBits; bits++)
        {
            int down = ((rows - 1) >> (threadBits + bits)) + 1, across = ((columns - 1) >> (threadBits + GroupBits - bits)) + 1;
            if ((long)down * across > fewest) continue;
            fewest = (long)down * across;
            best = new GpuTiling { ThreadBits = threadBits, LineBits = bits, RowTiles = down, ColumnTiles = across };
        }

        // Flat tiles have long tables, which leave less room in shared memory.
        best.ChunkBits = Math.Min(MaxChunkBits, 2 * best.LineBits + 1);
        int chunk = 1 << best.ChunkBits, pieces = (int)Math.Clamp(EnoughGroups / (fewest * phases), 1, Math.Max(1, depth / MinPieceDepth));
        best.PieceDepth = ((depth + pieces - 1) / pieces + chunk - 1) / chunk * chunk;

        // Whole chunks may need fewer pieces.
        best.Pieces = Math.Max(1, (depth + Math.Max(1, best.PieceDepth) - 1) / Math.Max(1, best.PieceDepth));
        best.Groups = (int)Math.Min(int.MaxValue, fewest * best.Pieces * phases);
        return best;
    }
}
