using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// Transforms tiles of a block of maps whose batch is last, see <see cref="IWinograd"/>: along the columns, then along the rows. Columns that two
/// neighbouring tiles see are transformed once, and a row is read from one end to the other. Rows and columns outside the map are zeros.
/// </summary>
internal static unsafe class TileTransform
{
    /// <summary>Samples of a tile: a block.</summary>
    public const int Samples = BatchBlocks.Samples;

    /// <summary>The most tiles that are transformed together.</summary>
    public const int MostTiles = 6;

    // Room for tiles of the larger kind, which begin four pixels apart.
    private const int MaxSide = 6;
    private const int MaxColumns = (MostTiles - 1) * 4 + MaxSide;

    /// <summary>
    /// One channel of neighbouring tiles, to [point][tile][sample], the points a number of floats apart. <paramref name="plane"/> is the channel's first pixel,
    /// at the tiles' first sample.
    /// </summary>
    [SkipLocalsInit]
    public static void Run<TV, TTransform>(in Window window, float* plane, float* to, long pointLength)
        where TV : unmanaged, IVector<TV>
        where TTransform : struct, ITileTransform
    {
        int count = TTransform.Count, points = TTransform.Points, columns = window.Columns;
        float* room = stackalloc float[(MaxColumns + 1) * MaxSide * Samples + Workspace.Line];
        float* half = Workspace.OnLine(room), column = half + MaxColumns * MaxSide * Samples;
        for (int s = 0; s < columns; s++)
        for (int lane = 0; lane < Samples; lane += TV.Width)
        {
            float* at = plane + window.First + s * window.ColumnStep + lane, result = half + s * Samples + lane;
            if (s < window.Left || s >= window.Right)
            {
                for (int i = 0; i < points; i++) TV.Store(TV.Zero, result + i * columns * Samples);
                continue;
            }

            if (window.Bottom - window.Top == count)
            {
                TTransform.Run<TV>(at, window.RowStep, result, columns * Samples);
                continue;
            }

            for (int i = 0; i < count; i++)
            {
                TV.Store(i >= window.Top && i < window.Bottom ? TV.Load(at + i * window.RowStep) : TV.Zero, column + i * TV.Width);
            }

            TTransform.Run<TV>(column, TV.Width, result, columns * Samples);
        }

        for (int tile = 0; tile < window.Tiles; tile++)
        for (int r = 0; r < points; r++)
        for (int lane = 0; lane < Samples; lane += TV.Width)
        {
            float* row = half + (r * columns + tile * TTransform.Step) * Samples + lane;
            TTransform.Run<TV>(row, Samples, to + tile * Samples + lane + r * points * pointLength, pointLength);
        }
    }

    /// <summary>Which of the places first, first + stride, … lie from 0 to length − 1.</summary>
    public static void Inside(int first, int stride, int length, int count, out int from, out int to)
    {
        from = Math.Clamp((stride - 1 - first) / stride, 0, count);
        to = Math.Clamp((length - first + stride - 1) / stride, from, count);
    }

    /// <summary>Where neighbouring tiles lie in a channel, and which of their rows and columns are inside it.</summary>
    public readonly struct Window
    {
        private Window(int h, int w, int n, int stride, int row, int column, int rows, int columns, int tiles)
        {
            First = ((long)row * w + column) * n;
            RowStep = (long)stride * w * n;
            ColumnStep = (long)stride * n;
            Columns = columns;
            Tiles = tiles;
            Inside(row, stride, h, rows, out int top, out int bottom);
            Inside(column, stride, w, columns, out int left, out int right);
            (Top, Bottom, Left, Right) = (top, bottom, left, right);
        }

        public long First { get; }

        public long RowStep { get; }

        public long ColumnStep { get; }

        public int Columns { get; }

        public int Tiles { get; }

        public int Top { get; }

        public int Bottom { get; }

        public int Left { get; }

        public int Right { get; }

        /// <summary>Tiles of a map of h × w pixels of n samples, whose rows and columns lie a stride apart and begin at a row and a column.</summary>
        public static Window Of<TTransform>(int h, int w, int n, int stride, int row, int column, int tiles)
            where TTransform : struct, ITileTransform =>
            new(h, w, n, stride, row, column, TTransform.Count, (tiles - 1) * TTransform.Step + TTransform.Count, tiles);
    }

    /// <summary>The transform of the inputs of a convolution.</summary>
    public readonly struct Inputs<TWinograd> : ITileTransform
        where TWinograd : struct, IWinograd
    {
        public static int Count => TWinograd.Outputs + TWinograd.Taps - 1;

        public static int Points => Count;

        public static int Step => TWinograd.Outputs;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Run<TV>(float* from, long fromStep, float* to, long toStep)
            where TV : unmanaged, IVector<TV> => TWinograd.Input<TV>(from, fromStep, to, toStep);
    }

    /// <summary>The transform of the gradients of its outputs.</summary>
    public readonly struct Gradients<TWinograd> : ITileTransform
        where TWinograd : struct, IWinogradGradient
    {
        public static int Count => TWinograd.Outputs;

        public static int Points => TWinograd.Outputs + TWinograd.Taps - 1;

        public static int Step => TWinograd.Outputs;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Run<TV>(float* from, long fromStep, float* to, long toStep)
            where TV : unmanaged, IVector<TV> => TWinograd.OutputGradient<TV>(from, fromStep, to, toStep);
    }
}

/// <summary>The transform of a tile along one axis.</summary>
internal unsafe interface ITileTransform
{
    /// <summary>Pixels of a tile.</summary>
    static abstract int Count { get; }

    /// <summary>Points that they become.</summary>
    static abstract int Points { get; }

    /// <summary>Pixels from one tile to the next.</summary>
    static abstract int Step { get; }

    /// <summary>Vectors of pixels to vectors of points, each a step of floats apart.</summary>
    static abstract void Run<TV>(float* from, long fromStep, float* to, long toStep)
        where TV : unmanaged, IVector<TV>;
}
