using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>What Winograd's form keeps of the 3×3 outputs of a tile.</summary>
internal enum WinogradPool
{
    /// <summary>All of them.</summary>
    None,

    /// <summary>The maximum of each row, for whole tiles: 1×3 pooling.</summary>
    Rows,

    /// <summary>The maximum, for whole tiles: 3×3 pooling.</summary>
    Tiles,
}

/// <content>
/// Winograd's form of the 3×3 convolution, see <see cref="IWinograd"/>: an α×α tile of the input, with α = m + 2, gives m×m outputs.
/// <code>y = Aᵀ·[Σ_c (G·w·Gᵀ) ⊙ (Bᵀ·x·B)]·A</code>
/// The sum over channels is, for each of the α² points, a matrix product of tiles with output channels: 25 multiplications in place of 81 (m = 3) or 36 in
/// place of 144 (m = 4). Lanes are channels: input channels in the first transform, output channels in the last. A task is a band of rows of one sample:
/// <list type="number">
/// <item>its pixels are transposed from channels×rows×columns to rows×columns×channels, with the zeros of the padding written out (maps that lie N H W C are
/// read in place; only tiles at the edge are copied; if the input is the result of a convolution of one channel, its rows are computed as they are
/// needed);</item>
/// <item>all its tiles are transformed: points × blocks of 16 channels × tiles × 16;</item>
/// <item>for every two vectors of output channels, the products of all points are computed and transformed back while they are in the cache;</item>
/// <item>bias and activation are applied, and the result is transposed back to channels×rows×columns unless the channels are last.</item>
/// </list>
/// Max-pooling whose windows are the tiles, or their rows, is done during the transform back, so the sums are never stored. With tiles of 4×4, three rows of
/// tiles hold four rows of windows, and the band's sums are pooled while they are in the cache. A dilation of the rows is only a
/// row stride: the tiles of one phase take every DilationH-th row, and a group of rows of tiles, one for each phase, covers m·DilationH output rows without
/// gaps. Parallel over samples and bands; a tile's result does not depend on the band that it falls in. Compute bounds the product, and the second-level cache
/// bounds the rest. The transformed tiles of a band take at most <see cref="TilesBytes"/> unless a single group takes more. The transforms cost some precision.
/// For sums of 576 terms, the largest error seen was 4.6e-7 (m = 3) and 1.3e-6 (m = 4) of the sum of the terms' absolute values, and of pooled sums 3.0e-7 and
/// 1.0e-6 of the window's largest such sum. Larger tiles would cost too much.
/// </content>
internal static unsafe partial class Conv2d
{
    // Rows and columns of the windows of a pool.
    private const int PoolSize = 3;

    // The most bytes of transformed tiles: five eighths of a second-level cache of 1 MB. The rest is for the products and for the filters, which are read once.
    private const int TilesBytes = 640 * 1024;

    /// <summary>Whether the bands of a shape that suits Winograd's form can compute their input, the result of a convolution, themselves.</summary>
    public static bool CanFollow(in Conv2dShape before, in Conv2dShape shape) =>
        before.Layout == BatchLayout.ChannelsLast && SuitsOneChannel(before) && shape is { IsPadded: false };

    /// <summary>
    /// y = activation(pool(x ⋆ w) + b) in Winograd's tiles, which are 3×3 if argmax is wanted. The shape must suit, see <see cref="SuitsWinograd"/>.
    /// Overwrites y and, unless it is null, argmax: with <see cref="WinogradPool.Tiles"/> argmax is the place of the first maximum in the tile, row · 3 +
    /// column. <paramref name="packed"/> is the result of <see cref="Pack"/>, or null. With <paramref name="before"/>, x is the result of that convolution,
    /// which each band computes for itself; see <see cref="CanFollow"/>.
    /// </summary>
    public static void ForwardWinograd<TV, TWinograd>(
        CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* b, Activation activation, float* y, float* packed,
        WinogradPool pool = WinogradPool.None, float* argmax = null, in OneChannel before = default)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        int m = TWinograd.Outputs, points = (m + 2) * (m + 2), columns = ChannelTile<TV>.Columns;
        int tileColumns = ((pool == WinogradPool.None ? shape.Q : shape.Q / PoolSize * PoolSize) + m - 1) / m;
        int tileRows = ((pool == WinogradPool.Tiles ? shape.P / PoolSize * PoolSize : shape.P) + m - 1) / m;

        // Rows of tiles that belong together: one for each phase of a dilation, or as many as have whole windows.
        int together = pool == WinogradPool.Tiles && m != PoolSize ? PoolSize : shape.DilationH, groupRows = m * together;
        int groups = pool == WinogradPool.Tiles ? (tileRows + together - 1) / together : (shape.P + groupRows - 1) / groupRows;
        int groupTiles = tileColumns * together;

        long fit = Math.Max(1, TilesBytes / ((long)sizeof(float) * points * shape.C * groupTiles));
        int bands = CountBands(cpu, shape.N, groups, fit);
        int bandGroups = (groups + bands - 1) / bands, tiles = RoundUp(bandGroups * groupTiles, ChannelTile<TV>.RowStep);
        bool isFused = before.X is not null, isInPlace = shape.Layout == BatchLayout.ChannelsLast && !isFused;
        int bandWidth = Math.Max(m * tileColumns + 2, isFused ? shape.W : 0);
        WinogradArguments arguments = new()
        {
            Shape = shape,
            X = x,
            Before = before,
            B = b,
            Activation = activation,
            Y = y,
            Argmax = argmax,
            Pool = pool,
            TileColumns = tileColumns,
            TileRows = tileRows,
            Together = together,
            Groups = groups,
            Bands = bands,
            Tiles = tiles,
            BandWidth = bandWidth,
            BandLength = Workspace.Aligned(
                isInPlace ? (long)points * shape.C : (long)(bandGroups * groupRows + 2 * shape.DilationH) * bandWidth * shape.C),
            InputLength = Workspace.Aligned(points * PointLength(shape.C, tiles)),
            ProductLength = Workspace.Aligned(points * PointLength(columns, tiles)),
            OutputLength = Workspace.Aligned((long)bandGroups * groupTiles * m * m * columns), // Pooled, there is room for argmax.
        };
        long filters = packed is null ? (long)points * shape.C * shape.K : 0;
        long scratch = arguments.BandLength + arguments.InputLength + arguments.ProductLength + arguments.OutputLength;
        cpu.Workspace.Begin(Workspace.Aligned(filters) + (isFused ? OneChannelLength(before) : 0), scratch);
        if (isFused) PackOneChannel<TV>(cpu, ref arguments.Before);
        arguments.U = packed is null ? cpu.Workspace.Take(filters) : packed;
        arguments.Scratch = cpu.Workspace.OfThreads;
        if (packed is null) TransformFilters<TV, TWinograd>(cpu, shape, w, arguments.U);
        cpu.Run(shape.N * arguments.Bands, &RunBand<TV, TWinograd>, ref arguments);
    }

    // The floats from one point to the next. The points of a tile would share a few lines of a first-level cache if this were a multiple of 4 KB.
    private static long PointLength(int channels, int tiles) => (long)channels * tiles + ChannelTile<V1>.DepthBlock;

    private static void TransformFilters<TV, TWinograd>(CpuContext cpu, in Conv2dShape shape, float* w, float* u)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        WinogradArguments arguments = new() { Shape = shape, W = w, U = u };
        cpu.Run(shape.K / ChannelTile<TV>.Columns * shape.C, &TransformFilter<TV, TWinograd>, ref arguments);
    }

    // One task is one input channel of two vectors of output channels: points × Columns of u, which lies [block of output channels][point][c][Columns].
    private static void TransformFilter<TV, TWinograd>(ref WinogradArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        int side = TWinograd.Outputs + 2, columns = ChannelTile<TV>.Columns, channels = arguments.Shape.C;
        int block = task / channels, c = task % channels;
        float* w = arguments.W + ((long)block * columns * channels + c) * 9;
        float* u = arguments.U + ((long)block * side * side * channels + c) * columns;
        float* room = stackalloc float[(9 * 2 + 3 * 6) * ChannelTile<TV>.DepthBlock + Workspace.Line];
        float* taps = Workspace.OnLine(room), half = taps + 9 * 2 * ChannelTile<TV>.DepthBlock;
        for (int k = 0; k < columns; k++)
        for (int tap = 0; tap < 9; tap++)
        {
            taps[tap * columns + k] = w[(long)k * channels * 9 + tap];
        }

        for (int lane = 0; lane < columns; lane += TV.Width)
        {
            for (int s = 0; s < 3; s++) TWinograd.Filter<TV>(taps + s * columns + lane, 3 * columns, half + s * TV.Width, 3 * TV.Width);
            for (int i = 0; i < side; i++)
            {
                TWinograd.Filter<TV>(half + 3 * i * TV.Width, TV.Width, u + (long)i * side * channels * columns + lane, (long)channels * columns);
            }
        }
    }

    private static void RunBand<TV, TWinograd>(ref WinogradArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int m = TWinograd.Outputs, side = m + 2, columns = ChannelTile<TV>.Columns, dilation = shape.DilationH;
        int n = task / arguments.Bands, part = task % arguments.Bands;
        int first = (int)((long)arguments.Groups * part / arguments.Bands), end = (int)((long)arguments.Groups * (part + 1) / arguments.Bands);
        int together = arguments.Together, firstRow = first * m * together;

        // In the last group, some phases may begin below the last output row.
        int lastRows = arguments.Pool == WinogradPool.Tiles ? arguments.TileRows - (end - 1) * together : shape.P - (end - 1) * m * dilation;
        int tileRows = (end - first - 1) * together + Math.Min(together, lastRows);
        float* band = arguments.Scratch.Of(worker);
        float* v = band + arguments.BandLength, products = v + arguments.InputLength, output = products + arguments.ProductLength;
        int bandWidth = arguments.BandWidth;

        // The pixels that remain of a tile, if its pool is its own, and the floats from one of their rows to the next.
        bool own = m == PoolSize;
        int tileHeight = own && arguments.Pool == WinogradPool.Tiles ? 1 : m, tileWidth = own && arguments.Pool != WinogradPool.None ? 1 : m;
        int pitch = tileWidth * arguments.TileColumns * columns, outputRows = tileRows * tileHeight;
        int height = arguments.Pool == WinogradPool.Tiles ? shape.P / PoolSize : shape.P;
        int width = arguments.Pool == WinogradPool.None ? shape.Q : shape.Q / PoolSize;
        float* where = arguments.Argmax is null ? null : output + (long)outputRows * pitch;
        float* image = arguments.X + (long)n * shape.C * shape.H * shape.W;
        bool channelsLast = shape.Layout == BatchLayout.ChannelsLast, isFused = arguments.Before.X is not null;
        if (!channelsLast) GatherBand(shape, image, firstRow, (end - first) * m * together + 2 * dilation, bandWidth, band);

        int tiles = RoundUp(tileRows * arguments.TileColumns, ChannelTile<TV>.RowStep);
        long pointLength = PointLength(shape.C, tiles), productLength = PointLength(columns, tiles);
        for (int j = 0, t = 0, computed = 0; j < tileRows; j++)
        {
            int row = j / dilation * m * dilation + j % dilation;
            for (int needed = row + (side - 1) * dilation + 1; isFused && computed < needed; computed++)
            {
                ComputeBandRow<TV>(arguments.Before, n, firstRow + computed, bandWidth, band + (long)computed * bandWidth * shape.C);
            }

            for (int i = 0; i < arguments.TileColumns; i++, t++)
            {
                float* corner = band + ((long)row * bandWidth + i * m) * shape.C;
                long rowStep = (long)dilation * bandWidth * shape.C;
                if (channelsLast && !isFused) corner = FindTile(shape, image, firstRow + row - shape.PadH, i * m - shape.PadW, side, band, out rowStep);
                TransformTile<TV, TWinograd>(corner, shape.C, rowStep, v + t * ChannelTile<TV>.DepthBlock, tiles, pointLength);
            }
        }

        for (int block = 0; block < shape.K / columns; block++)
        {
            for (int point = 0; point < side * side; point++)
            {
                ChannelTile<TV>.Run(
                    v + point * pointLength, (long)tiles * ChannelTile<TV>.DepthBlock, tiles,
                    arguments.U + ((long)block * side * side + point) * shape.C * columns, shape.C,
                    products + point * productLength, columns);
            }

            for (int t = 0; t < tileRows * arguments.TileColumns; t++)
            {
                float* tile = products + (long)t * columns;
                long corner = (long)(t / arguments.TileColumns) * tileHeight * pitch + t % arguments.TileColumns * tileWidth * columns;
                if (!own || arguments.Pool == WinogradPool.None) TransformBack<TV, TWinograd>(tile, productLength, output + corner, pitch);
                else if (arguments.Pool == WinogradPool.Rows) TransformBackRows<TV, TWinograd>(tile, productLength, output + corner, pitch);
                else TransformBackTile<TV, TWinograd>(tile, productLength, output + corner, where is null ? null : where + corner);
            }

            int channel = block * columns, rows = outputRows;
            if (!own && arguments.Pool != WinogradPool.None)
            {
                int window = arguments.Pool == WinogradPool.Tiles ? PoolSize : 1;
                rows = outputRows / window;
                for (int j = 0; j < rows; j++) PoolLine<TV>(output + (long)j * window * pitch, pitch, window, width, output + (long)j * pitch);
            }

            float* bias = arguments.B is null ? null : arguments.B + channel;
            if (!channelsLast) Activate<TV>(arguments.Activation, bias, output, rows * pitch / columns, output, columns);
            for (int j = 0; j < rows; j++)
            {
                int tileRow = j / tileHeight, p = firstRow / PoolSize + j;
                if (arguments.Pool != WinogradPool.Tiles) p = firstRow + tileRow / dilation * m * dilation + tileRow % dilation + j % m * dilation;
                if (p >= height) continue;
                if (channelsLast)
                {
                    long start = ((long)n * height + p) * width * shape.K + channel;
                    Activate<TV>(arguments.Activation, bias, output + (long)j * pitch, width, arguments.Y + start, shape.K);
                    if (where is not null) Activate<TV>(Activation.None, null, where + (long)j * pitch, width, arguments.Argmax + start, shape.K);
                    continue;
                }

                long at = (((long)n * shape.K + channel) * height + p) * width, plane = (long)height * width;
                Transposition.Run(output + (long)j * pitch, columns, width, columns, arguments.Y + at, plane);
                if (where is not null) Transposition.Run(where + (long)j * pitch, columns, width, columns, arguments.Argmax + at, plane);
            }
        }
    }

    // Copies with the channels last, and with zeros outside the image.
    private static void GatherBand(in Conv2dShape shape, float* image, int firstRow, int rows, int width, float* band)
    {
        int filled = Math.Min(shape.W, width - shape.PadW);
        for (int i = 0; i < rows; i++, band += (long)width * shape.C)
        {
            int h = firstRow + i - shape.PadH;
            if (h < 0 || h >= shape.H)
            {
                new Span<float>(band, width * shape.C).Clear();
                continue;
            }

            new Span<float>(band, shape.PadW * shape.C).Clear();
            Transposition.Run(image + (long)h * shape.W, (long)shape.H * shape.W, shape.C, filled, band + (long)shape.PadW * shape.C, shape.C);
            int right = shape.PadW + filled;
            new Span<float>(band + (long)right * shape.C, (width - right) * shape.C).Clear();
        }
    }

    // A row of the input, which is the result of the convolution before; with zeros outside it.
    private static void ComputeBandRow<TV>(in OneChannel before, int n, int row, int width, float* band)
        where TV : unmanaged, IVector<TV>
    {
        int filled = row < before.Shape.P ? before.Shape.Q : 0, channels = before.Shape.K;
        if (filled > 0) RunRow<TV>(before, n, row, band);
        new Span<float>(band + (long)filled * channels, (width - filled) * channels).Clear();
    }

    // The corner of a tile whose first pixel is (h, v): in the image, if the tile lies inside it, else in a copy that has zeros outside the image.
    private static float* FindTile(in Conv2dShape shape, float* image, int h, int v, int side, float* copy, out long rowStep)
    {
        int dilation = shape.DilationH, channels = shape.C;
        if (h >= 0 && v >= 0 && h + (side - 1) * dilation < shape.H && v + side <= shape.W)
        {
            rowStep = (long)dilation * shape.W * channels;
            return image + ((long)h * shape.W + v) * channels;
        }

        rowStep = side * channels;
        new Span<float>(copy, side * side * channels).Clear();
        int from = Math.Max(0, v), length = (Math.Min(shape.W, v + side) - from) * channels;
        for (int i = 0; i < side && length > 0; i++)
        {
            int row = h + i * dilation;
            if (row < 0 || row >= shape.H) continue;
            new Span<float>(image + ((long)row * shape.W + from) * channels, length)
                .CopyTo(new Span<float>(copy + i * rowStep + (from - v) * channels, length));
        }

        return copy;
    }

    [SkipLocalsInit]
    private static void TransformTile<TV, TWinograd>(float* corner, int channels, long rowStep, float* v, int tiles, long pointLength)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        int side = TWinograd.Outputs + 2;
        float* room = stackalloc float[6 * 6 * ChannelTile<TV>.DepthBlock + Workspace.Line], half = Workspace.OnLine(room);
        for (int c = 0; c < channels; c += TV.Width)
        {
            float* to = v + (long)(c / ChannelTile<TV>.DepthBlock) * tiles * ChannelTile<TV>.DepthBlock + c % ChannelTile<TV>.DepthBlock;
            for (int s = 0; s < side; s++) TWinograd.Input<TV>(corner + s * channels + c, rowStep, half + s * TV.Width, side * TV.Width);
            for (int i = 0; i < side; i++) TWinograd.Input<TV>(half + i * side * TV.Width, TV.Width, to + i * side * pointLength, pointLength);
        }
    }

    // The products of a tile's points lie a step apart.
    [SkipLocalsInit]
    private static void TransformBack<TV, TWinograd>(float* products, long step, float* corner, long rowLength)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        int m = TWinograd.Outputs, side = m + 2, columns = ChannelTile<TV>.Columns;
        float* room = stackalloc float[4 * 6 * ChannelTile<TV>.DepthBlock + Workspace.Line], half = Workspace.OnLine(room);
        for (int lane = 0; lane < columns; lane += TV.Width)
        {
            for (int s = 0; s < side; s++) TWinograd.Output<TV>(products + s * step + lane, side * step, half + s * TV.Width, side * TV.Width);
            for (int r = 0; r < m; r++) TWinograd.Output<TV>(half + r * side * TV.Width, TV.Width, corner + r * rowLength + lane, columns);
        }
    }

    // As above, but keeps only the maximum of each row.
    [SkipLocalsInit]
    private static void TransformBackRows<TV, TWinograd>(float* products, long step, float* corner, long rowLength)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        int columns = ChannelTile<TV>.Columns;
        float* room = stackalloc float[3 * 3 * 2 * ChannelTile<TV>.DepthBlock + Workspace.Line], sums = Workspace.OnLine(room);
        TransformBack<TV, TWinograd>(products, step, sums, 3 * columns);
        for (int lane = 0; lane < columns; lane += TV.Width)
        for (int r = 0; r < 3; r++)
        {
            float* row = sums + 3 * r * columns + lane;
            TV.Store(TV.Max(TV.Load(row + 2 * columns), TV.Max(TV.Load(row + columns), TV.Load(row))), corner + r * rowLength + lane);
        }
    }

    // As above, but keeps only the maximum of the tile and, unless `where` is null, its first place.
    [SkipLocalsInit]
    private static void TransformBackTile<TV, TWinograd>(float* products, long step, float* pixel, float* where)
        where TV : unmanaged, IVector<TV>
        where TWinograd : struct, IWinograd
    {
        int columns = ChannelTile<TV>.Columns;
        float* room = stackalloc float[3 * 3 * 2 * ChannelTile<TV>.DepthBlock + Workspace.Line], sums = Workspace.OnLine(room);
        TransformBack<TV, TWinograd>(products, step, sums, 3 * columns);
        for (int lane = 0; lane < columns; lane += TV.Width)
        {
            TV max = TV.Load(sums + lane), at = TV.Zero;
            for (int i = 1; i < 9; i++)
            {
                TV sum = TV.Load(sums + i * columns + lane);
                if (where is not null) at = TV.SelectPositive(sum - max, TV.Broadcast(i), at);
                max = TV.Max(sum, max);
            }

            TV.Store(max, pixel + lane);
            if (where is not null) TV.Store(at, where + lane);
        }
    }

    // The maxima of windows of some rows and three columns, side by side. They may overwrite the first of the rows.
    private static void PoolLine<TV>(float* rows, long pitch, int height, int windows, float* line)
        where TV : unmanaged, IVector<TV>
    {
        int columns = ChannelTile<TV>.Columns;
        for (int q = 0; q < windows; q++, rows += PoolSize * columns, line += columns)
        for (int lane = 0; lane < columns; lane += TV.Width)
        {
            TV max = TV.Load(rows + lane);
            for (int r = 0; r < height; r++)
            {
                float* row = rows + r * pitch + lane;
                max = TV.Max(TV.Load(row + 2 * columns), TV.Max(TV.Load(row + columns), TV.Max(TV.Load(row), max)));
            }

            TV.Store(max, line + lane);
        }
    }

    private struct WinogradArguments
    {
        public Conv2dShape Shape;
        public float* X;
        public OneChannel Before;
        public float* W;
        public float* B;
        public float* Y;
        public float* Argmax;
        public float* U;
        public WinogradPool Pool;
        public Activation Activation;
        public int TileColumns;
        public int TileRows;
        public int Together;
        public int Groups;
        public int Bands;
        public int Tiles;
        public ThreadScratch Scratch;
        public int BandWidth;
        public long BandLength;
        public long InputLength;
        public long ProductLength;
        public long OutputLength;
    }
}
