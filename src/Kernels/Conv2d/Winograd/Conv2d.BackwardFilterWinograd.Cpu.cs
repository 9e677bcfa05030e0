using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// Winograd's form of the filter gradient of a 3×3 convolution. Each step of the forward form is replaced by its transpose:
/// <code>dw[k, c] = Gᵀ·[Σ_tile (A·dy[k, tile]·Aᵀ) ⊙ (Bᵀ·x[c, tile]·B)]·G</code>
/// The sum over tiles is, for each of the 36 points, a matrix product of input channels with output channels: 36 multiplications in place of 144. A piece of
/// the batch has sums of its own. It goes through the samples, a band of rows of tiles at a time:
/// <list type="number">
/// <item>x is transposed to rows × columns × channels, with the padding written out, and its tiles are transformed. Blocks of 16 tiles by 16 channels are
/// transposed, since <see cref="ChannelTile{TV}"/> broadcasts numbers of one channel. If x lies N H W C, its tiles are read in place.</item>
/// <item>For every two vectors of output channels, the same is done with dy, which needs no further transposition, and the products of all points are added to
/// the sums.</item>
/// </list>
/// At the end the sums of all pieces are added in order and transformed. Compute bounds the products; the second-level cache, which holds the tiles of a band
/// and the sums of two vectors of channels, bounds the rest. The largest error seen is in the test FilterGradientsInWinogradsTilesKeepTheirDigits.
/// </content>
internal static unsafe partial class Conv2d
{
    // Tiles of a band. Of 32 channels they take 295 KB.
    private const int GradientTiles = 64;

    // Each piece has sums for all filters, so there are fewer than in other forms.
    private const int WinogradPieces = 8;

    // With fewer tiles than this, the sums' transform is not negligible.
    private const int LeastGradientTiles = 512;

    /// <summary>Whether Winograd's form suits: whole vectors of channels at every width, and tiles that are mostly full.</summary>
    private static bool SuitsWinogradGradient(in Conv2dShape shape)
    {
        if (shape is not { R: 3, S: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1 } || shape.Layout == BatchLayout.Last) return false;
        long tiles = (long)((shape.P + 3) / 4) * ((shape.Q + 3) / 4);
        return shape.C % 16 == 0 && shape.K % 32 == 0 && shape.N * tiles >= LeastGradientTiles && 2 * 16 * tiles <= 3L * shape.P * shape.Q;
    }

    private static void BackwardFilterWinograd<TV>(CpuContext cpu, in Conv2dShape shape, float* x, float* dy, float* dw)
        where TV : unmanaged, IVector<TV>
    {
        int m = WinogradOf4.Outputs, side = m + 2, points = side * side, columns = ChannelTile<TV>.Columns;
        int tileRows = (shape.P + m - 1) / m, tileColumns = (shape.Q + m - 1) / m, bandRows = Math.Clamp(GradientTiles / tileColumns, 1, tileRows);
        int bands = (tileRows + bandRows - 1) / bandRows, tiles = RoundUp(bandRows * tileColumns, ChannelTile<TV>.DepthBlock);
        int rows = RoundUp(shape.C, ChannelTile<TV>.RowStep), pieces = Math.Min(shape.N, WinogradPieces);
        WinogradGradientArguments arguments = new()
        {
            Shape = shape,
            X = x,
            Dy = dy,
            Dw = dw,
            TileRows = tileRows,
            TileColumns = tileColumns,
            BandRows = bandRows,
            Bands = bands,
            Tiles = tiles,
            Pieces = pieces,
            BandLength = Workspace.Aligned((long)(m * bandRows + 2) * (m * tileColumns + 2) * Math.Max(shape.C, columns)),

            // The rows behind the last channel are read, too; what they give is not used.
            InputLength = Workspace.Aligned(points * PointLength(shape.C, tiles) + (rows - shape.C) * ChannelTile<TV>.DepthBlock),
            GradientLength = Workspace.Aligned(points * PointLength(columns, tiles)),
            PointSums = (long)rows * columns,
        };
        arguments.SumsLength = Workspace.Aligned(shape.K / columns * points * arguments.PointSums);
        long scratch = arguments.BandLength + arguments.InputLength + arguments.GradientLength;
        cpu.Workspace.Begin(pieces * arguments.SumsLength, scratch);
        arguments.Sums = cpu.Workspace.Take(pieces * arguments.SumsLength);
        arguments.Scratch = cpu.Workspace.OfThreads;
        cpu.Run(pieces, &SumTiles<TV>, ref arguments);
        cpu.Run(shape.K / columns * shape.C, &MergeTiles<TV>, ref arguments);
    }

    // One task is a piece of the batch.
    private static void SumTiles<TV>(ref WinogradGradientArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        Conv2dShape shape = arguments.Shape, few = new(1, ChannelTile<TV>.Columns, shape.P, shape.Q, 1, 1, 1);
        int m = WinogradOf4.Outputs, side = m + 2, points = side * side, columns = ChannelTile<TV>.Columns, block = ChannelTile<TV>.DepthBlock;
        bool channelsLast = shape.Layout == BatchLayout.ChannelsLast;
        int width = m * arguments.TileColumns, channels = shape.C, rows = RoundUp(channels, ChannelTile<TV>.RowStep);
        float* band = arguments.Scratch.Of(worker);
        float* v = band + arguments.BandLength, u = v + arguments.InputLength, sums = arguments.Sums + task * arguments.SumsLength;
        new Span<float>(sums, checked((int)arguments.SumsLength)).Clear();
        long first = (long)shape.N * task / arguments.Pieces * arguments.Bands, end = (long)shape.N * (task + 1) / arguments.Pieces * arguments.Bands;
        for (long unit = first; unit < end; unit++)
        {
            int n = (int)(unit / arguments.Bands), firstRow = (int)(unit % arguments.Bands) * arguments.BandRows;
            int tileRows = Math.Min(arguments.BandRows, arguments.TileRows - firstRow), count = tileRows * arguments.TileColumns, tiles = RoundUp(count, block);
            long pointLength = PointLength(channels, tiles), gradientLength = PointLength(columns, tiles);
            float* input = arguments.X + (long)n * channels * shape.H * shape.W;
            if (!channelsLast) GatherBand(shape, input, firstRow * m, tileRows * m + 2, width + 2, band);
            for (int t = 0; t < tiles; t++)
            {
                float* to = v + (long)(t / block) * channels * block + t % block * block;
                if (t < count)
                {
                    int row = t / arguments.TileColumns * m, column = t % arguments.TileColumns * m;
                    float* corner = band + ((long)row * (width + 2) + column) * channels;
                    long rowStep = (long)(width + 2) * channels;
                    if (channelsLast) corner = FindTile(shape, input, firstRow * m + row - shape.PadH, column - shape.PadW, side, band, out rowStep);
                    TransformTile<TV, WinogradOf4>(corner, channels, rowStep, to, block, pointLength);
                }
                else
                {
                    for (int point = 0; point < points; point++)
                    for (int c = 0; c < channels; c += block)
                    {
                        new Span<float>(to + point * pointLength + c * block, block).Clear();
                    }
                }
            }

            for (int point = 0; point < points; point++) TurnBlocks(v + point * pointLength, tiles * channels / (block * block));
            for (int k = 0; k < shape.K; k += columns)
            {
                float* image = arguments.Dy + (long)n * shape.K * shape.P * shape.Q;
                if (channelsLast) CopyBand<TV>(shape, image + k, firstRow * m, tileRows * m, width, band);
                else GatherBand(few, image + (long)k * shape.P * shape.Q, firstRow * m, tileRows * m, width, band);
                for (int t = 0; t < tiles; t++)
                {
                    float* corner = band + ((long)(t / arguments.TileColumns) * m * width + t % arguments.TileColumns * m) * columns;
                    float* to = u + (long)t * columns;
                    if (t < count) TransformGradient<TV>(corner, columns, (long)width * columns, to, gradientLength);
                    else
                    {
                        for (int point = 0; point < points; point++) new Span<float>(to + point * gradientLength, columns).Clear();
                    }
                }

                float* sum = sums + k / columns * points * arguments.PointSums;
                for (int point = 0; point < points; point++)
                {
                    ChannelTile<TV>.Run(
                        v + point * pointLength, (long)channels * block, rows, u + point * gradientLength, tiles, sum + point * arguments.PointSums, columns,
                        accumulate: true);
                }
            }
        }
    }

    // Copies rows of two vectors of output channels, which are last, with zeros outside the image.
    private static void CopyBand<TV>(in Conv2dShape shape, float* image, int firstRow, int rows, int width, float* band)
        where TV : unmanaged, IVector<TV>
    {
        for (int row = firstRow; row < firstRow + rows; row++)
        {
            float* from = image + (long)row * shape.Q * shape.K;
            int filled = row < shape.P ? Math.Min(width, shape.Q) : 0;
            for (int q = 0; q < filled; q++, from += shape.K, band += 2 * TV.Width)
            {
                TV.Store(TV.Load(from), band);
                TV.Store(TV.Load(from + TV.Width), band + TV.Width);
            }

            new Span<float>(band, (width - filled) * 2 * TV.Width).Clear();
            band += (width - filled) * 2 * TV.Width;
        }
    }

    // Transposes blocks of 16×16 where they are.
    [SkipLocalsInit]
    private static void TurnBlocks(float* blocks, int count)
    {
        const int block = ChannelTile<V1>.DepthBlock;
        float* room = stackalloc float[block * block + Workspace.Line], turned = Workspace.OnLine(room);
        for (int i = 0; i < count; i++, blocks += block * block)
        {
            Transposition.Run(blocks, block, block, block, turned, block);
            new Span<float>(turned, block * block).CopyTo(new Span<float>(blocks, block * block));
        }
    }

    // A·dy·Aᵀ of a tile of 4×4 gradients.
    [SkipLocalsInit]
    private static void TransformGradient<TV>(float* corner, int channels, long rowStep, float* u, long pointLength)
        where TV : unmanaged, IVector<TV>
    {
        int m = WinogradOf4.Outputs, side = m + 2;
        float* room = stackalloc float[4 * 6 * ChannelTile<TV>.DepthBlock + Workspace.Line], half = Workspace.OnLine(room);
        for (int c = 0; c < channels; c += TV.Width)
        {
            for (int s = 0; s < m; s++) WinogradOf4.OutputGradient<TV>(corner + s * channels + c, rowStep, half + s * TV.Width, m * TV.Width);
            for (int i = 0; i < side; i++) WinogradOf4.OutputGradient<TV>(half + i * m * TV.Width, TV.Width, u + i * side * pointLength + c, pointLength);
        }
    }

    // One task is an input channel and two vectors of output channels.
    [SkipLocalsInit]
    private static void MergeTiles<TV>(ref WinogradGradientArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        int channels = arguments.Shape.C, columns = ChannelTile<TV>.Columns, side = WinogradOf4.Outputs + 2, points = side * side;
        int block = task / channels, c = task % channels;
        float* room = stackalloc float[(36 + 18 + 9) * 2 * ChannelTile<TV>.DepthBlock + Workspace.Line];
        float* sums = Workspace.OnLine(room), half = sums + 36 * 2 * ChannelTile<TV>.DepthBlock, taps = half + 18 * 2 * ChannelTile<TV>.DepthBlock;
        for (int point = 0; point < points; point++)
        for (int lane = 0; lane < columns; lane += TV.Width)
        {
            float* from = arguments.Sums + (block * points + point) * arguments.PointSums + (long)c * columns + lane;
            TV sum = TV.Load(from);
            for (int piece = 1; piece < arguments.Pieces; piece++) sum += TV.Load(from + piece * arguments.SumsLength);
            TV.Store(sum, sums + point * columns + lane);
        }

        for (int lane = 0; lane < columns; lane += TV.Width)
        {
            for (int s = 0; s < side; s++) WinogradOf4.FilterGradient<TV>(sums + s * columns + lane, side * columns, half + s * columns + lane, side * columns);
            for (int r = 0; r < 3; r++) WinogradOf4.FilterGradient<TV>(half + r * side * columns + lane, columns, taps + 3 * r * columns + lane, columns);
        }

        for (int k = 0; k < columns; k++)
        for (int tap = 0; tap < 9; tap++)
        {
            arguments.Dw[((long)(block * columns + k) * channels + c) * 9 + tap] = taps[tap * columns + k];
        }
    }

    private struct WinogradGradientArguments
    {
        public Conv2dShape Shape;
        public float* X;
        public float* Dy;
        public float* Dw;
        public float* Sums;
        public ThreadScratch Scratch;
        public int TileRows;
        public int TileColumns;
        public int BandRows;
        public int Bands;
        public int Tiles;
        public int Pieces;
        public long BandLength;
        public long InputLength;
        public long GradientLength;
        public long PointSums;
        public long SumsLength;
    }
}
