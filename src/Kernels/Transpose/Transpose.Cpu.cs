using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form works on tiles of 16×16. A tile reads 16 cache lines and writes 16, so every line moves once; it is transposed in registers. Parallel over
/// samples and bands of the longer side; memory bandwidth bounds it.
/// </content>
internal static unsafe partial class Transpose
{
    private const int Tile = 16;

    // The number of tiles along the longer side that make a task.
    private const int TilesPerTask = 8;

    /// <summary>y = xᵀ. Overwrites y.</summary>
    public static void Forward(CpuContext cpu, in TransposeShape shape, float* x, float* y)
    {
        Arguments arguments = new() { Shape = shape, X = x, Y = y };
        const int band = Tile * TilesPerTask;
        arguments.Bands = (Math.Max(shape.Rows, shape.Columns) + band - 1) / band;
        cpu.Run(shape.Samples * arguments.Bands, &RunBand, ref arguments);
    }

    /// <summary>Maps that lie N H W C, with the batch first: for what has no form of its own for them. The caller gives the memory back.</summary>
    public static HostBuffer ToBatchFirst(CpuContext cpu, int n, int channels, int pixels, float* maps)
    {
        TransposeShape shape = new(pixels, channels, n);
        HostBuffer turned = cpu.Memory.Rent(shape.Length);
        Forward(cpu, shape, maps, turned.Pointer);
        return turned;
    }

    /// <summary>The inverse: overwrites <paramref name="maps"/>, which lie N H W C.</summary>
    public static void ToChannelsLast(CpuContext cpu, int n, int channels, int pixels, float* batchFirst, float* maps) =>
        Forward(cpu, new TransposeShape(channels, pixels, n), batchFirst, maps);

    private static void RunBand(ref Arguments arguments, int task, int worker)
    {
        int rows = arguments.Shape.Rows, columns = arguments.Shape.Columns;
        int first = task % arguments.Bands * Tile * TilesPerTask, end = first + Tile * TilesPerTask;
        (int firstRow, int endRow) = rows > columns ? (first, Math.Min(rows, end)) : (0, rows);
        (int firstColumn, int endColumn) = rows > columns ? (0, columns) : (first, Math.Min(columns, end));
        long sample = (long)(task / arguments.Bands) * rows * columns;
        for (int i = firstRow; i < endRow; i += Tile)
        for (int j = firstColumn; j < endColumn; j += Tile)
        {
            int height = Math.Min(Tile, endRow - i), width = Math.Min(Tile, endColumn - j);
            Transposition.Run(arguments.X + sample + (long)i * columns + j, columns, height, width, arguments.Y + sample + (long)j * rows + i, rows);
        }
    }

    private struct Arguments
    {
        public TransposeShape Shape;
        public float* X;
        public float* Y;
        public int Bands;
    }
}
