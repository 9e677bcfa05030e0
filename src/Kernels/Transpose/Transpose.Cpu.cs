using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The CPU form works on tiles of 16×16. A tile reads 16 cache lines and writes 16, so every line moves once; it is transposed in registers. Parallel over
/// bands of the longer side; memory bandwidth bounds it.
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
        cpu.Run((Math.Max(shape.Rows, shape.Columns) + band - 1) / band, &RunBand, ref arguments);
    }

    /// <summary>The same for each of some matrices that lie one after the other.</summary>
    public static void Samples(CpuContext cpu, int samples, in TransposeShape shape, float* x, float* y)
    {
        long length = (long)shape.Rows * shape.Columns;
        for (int n = 0; n < samples; n++) Forward(cpu, shape, x + n * length, y + n * length);
    }

    private static void RunBand(ref Arguments arguments, int task, int worker)
    {
        int rows = arguments.Shape.Rows, columns = arguments.Shape.Columns;
        int first = task * Tile * TilesPerTask, end = first + Tile * TilesPerTask;
        (int firstRow, int endRow) = rows > columns ? (first, Math.Min(rows, end)) : (0, rows);
        (int firstColumn, int endColumn) = rows > columns ? (0, columns) : (first, Math.Min(columns, end));
        for (int i = firstRow; i < endRow; i += Tile)
        for (int j = firstColumn; j < endColumn; j += Tile)
        {
            int height = Math.Min(Tile, endRow - i), width = Math.Min(Tile, endColumn - j);
            Transposition.Run(arguments.X + (long)i * columns + j, columns, height, width, arguments.Y + (long)j * rows + i, rows);
        }
    }

    private struct Arguments
    {
        public TransposeShape Shape;
        public float* X;
        public float* Y;
    }
}
