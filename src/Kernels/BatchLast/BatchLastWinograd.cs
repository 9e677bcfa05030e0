using System.Runtime.CompilerServices;
using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <summary>
/// 3×3 convolutions of maps that lie C H W N in Winograd's tiles of 4×4 outputs, see <see cref="WinogradOf4"/>: 36 products in place of 144.
/// <code>y[k, tile, ·] = Aᵀ·[Σ_c (G·w[k, c]·Gᵀ) ⊙ (Bᵀ·x[c, tile, ·]·B)]·A</code>
/// A vector holds samples. A task is a row of tiles of 16 samples. First all its tiles are transformed, to points × channels × tiles. Then, for a few output
/// channels at a time, the sums over channels are computed, as one matrix product of <see cref="BatchLastProduct"/> for each point, and are transformed back
/// with bias and activation. A tile that extends beyond the input is filled up with zeros first. Parallel over rows of tiles and groups of samples. Compute
/// bounds it; with few channels the transforms do.
/// </summary>
/// <remarks>
/// The transforms cost some precision. For sums of 576 terms with padding, the largest error against float64 was 2.7e-6 of the sum of the terms' absolute
/// values; see the test WinogradWithTheBatchLastKeepsItsDigits.
/// </remarks>
internal static unsafe class BatchLastWinograd
{
    private const int Samples = 16;
    private const int Outputs = 4;
    private const int Side = Outputs + 2;
    private const int Points = Side * Side;

    // The number of output channels whose sums are computed at a time.
    private const int ChannelsPerPass = 16;

    // With this many pairs of channels or more, the products take longer than the transforms.
    private const int LeastPairs = 128;

    /// <summary>Whether a shape suits: it must have whole vectors of samples at every width and waste at most half of the tiles.</summary>
    public static bool Suits(in Conv2dShape shape) =>
        shape is { Layout: BatchLayout.Last, R: 3, S: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1 } && shape.N % Samples == 0
        && (long)shape.C * shape.K >= LeastPairs && 2L * Points * Tiles(shape.P) * Tiles(shape.Q) <= 9L * shape.P * shape.Q;

    /// <summary>Floats of the transformed filters.</summary>
    public static int PackedLength(in Conv2dShape shape) => checked((int)(Points * PointLength(shape.C, shape.K)));

    /// <summary>Transforms the filters: [point][k][c], the points <see cref="PointLength"/> apart.</summary>
    public static void Pack<TV>(CpuContext cpu, in Conv2dShape shape, float* w, float* packed)
        where TV : unmanaged, IVector<TV>
    {
        Arguments arguments = new() { Shape = shape, W = w, U = packed };
        cpu.Run((shape.C * shape.K + Samples - 1) / Samples, &TransformFilters<TV>, ref arguments);
    }

    /// <summary>y = activation(x ⋆ w + b). Overwrites y; <paramref name="packed"/> is the result of <see cref="Pack"/>, or null.</summary>
    public static void Run<TV>(
        CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* b, Activation activation, float* y, float* packed)
        where TV : unmanaged, IVector<TV>
    {
        int tiles = Tiles(shape.Q), filters = packed is null ? PackedLength(shape) : 0;
        Arguments arguments = new()
        {
            Shape = shape,
            X = x,
            B = b,
            Activation = activation,
            Y = y,
            TilesLength = Workspace.Aligned(Points * PointLength(shape.C, tiles * Samples)),
            ProductLength = Workspace.Aligned(Points * PointLength(ChannelsPerPass, tiles * Samples)),
        };
        cpu.Workspace.Begin(Workspace.Aligned(filters) + cpu.Threads * (arguments.TilesLength + arguments.ProductLength));
        arguments.U = packed is null ? cpu.Workspace.Take(filters) : packed;
        arguments.Scratch = cpu.Workspace.Take(cpu.Threads * (arguments.TilesLength + arguments.ProductLength));
        if (packed is null) Pack<TV>(cpu, shape, w, arguments.U);
        cpu.Run(Tiles(shape.P) * (shape.N / Samples), &RunRow<TV>, ref arguments);
    }

    // The floats from one point to the next. The points of a tile would share a few lines of a first-level cache if this were a multiple of 4 KB.
    private static long PointLength(int channels, int others) => (long)channels * others + Samples;

    private static int Tiles(int outputs) => (outputs + Outputs - 1) / Outputs;

    // One task is 16 pairs of channels, which lie in the lanes. The last task ends with the last pair and computes again what it shares with the task before.
    [SkipLocalsInit]
    private static void TransformFilters<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        int pairs = arguments.Shape.C * arguments.Shape.K, first = Math.Min(task * Samples, pairs - Samples);
        long pointLength = PointLength(arguments.Shape.C, arguments.Shape.K);
        float* room = stackalloc float[(9 + 3 * Side) * Samples + Workspace.Line];
        float* taps = Workspace.OnLine(room), half = taps + 9 * Samples;
        Transposition.Run(arguments.W + first * 9L, 9, Samples, 9, taps, Samples);
        for (int lane = 0; lane < Samples; lane += TV.Width)
        {
            float* u = arguments.U + first + lane;
            for (int s = 0; s < 3; s++) WinogradOf4.Filter<TV>(taps + s * Samples + lane, 3 * Samples, half + s * TV.Width, 3 * TV.Width);
            for (int i = 0; i < Side; i++) WinogradOf4.Filter<TV>(half + 3 * i * TV.Width, TV.Width, u + i * Side * pointLength, pointLength);
        }
    }

    private static void RunRow<TV>(ref Arguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV>
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int groups = shape.N / Samples, row = task / groups, sample = task % groups * Samples, pixels = Tiles(shape.Q) * Samples / TV.Width;
        float* v = arguments.Scratch + worker * (arguments.TilesLength + arguments.ProductLength), products = v + arguments.TilesLength;
        long pointLength = PointLength(shape.C, pixels * TV.Width), filterLength = PointLength(shape.C, shape.K);
        TransformTiles<TV>(shape, arguments.X + sample, row, pixels, v, pointLength);
        for (int first = 0; first < shape.K; first += ChannelsPerPass)
        {
            int channels = Math.Min(ChannelsPerPass, shape.K - first);
            long productLength = PointLength(channels, pixels * TV.Width);
            for (int point = 0; point < Points; point++)
            {
                BatchLastProduct.RunMatrix<TV>(
                    v + point * pointLength, shape.C, pixels, arguments.U + point * filterLength + (long)first * shape.C, channels,
                    products + point * productLength);
            }

            for (int k = 0; k < channels; k++)
            {
                float* y = arguments.Y + (long)(first + k) * shape.P * shape.Q * shape.N + sample;
                TransformBack<TV>(
                    shape, products + (long)k * pixels * TV.Width, productLength, row, pixels,
                    arguments.B is null ? 0 : arguments.B[first + k], arguments.Activation, y);
            }
        }
    }

    // To [point][c][tile][vector of samples]. Rows and columns outside the input are zeros.
    [SkipLocalsInit]
    private static void TransformTiles<TV>(in Conv2dShape shape, float* x, int row, int pixels, float* v, long pointLength)
        where TV : unmanaged, IVector<TV>
    {
        float* room = stackalloc float[(Points + Side) * Samples + Workspace.Line];
        float* half = Workspace.OnLine(room), column = half + Points * Samples;
        int h0 = row * Outputs - shape.PadH, vectors = Samples / TV.Width, top = Math.Max(0, -h0), bottom = Math.Min(Side, shape.H - h0);
        long rowStep = (long)shape.W * shape.N;
        for (int i = 0; i < Side; i++) TV.Store(TV.Zero, column + i * TV.Width);
        for (int c = 0; c < shape.C; c++)
        for (int pixel = 0; pixel < pixels; pixel++, v += TV.Width)
        {
            int w0 = pixel / vectors * Outputs - shape.PadW, left = Math.Max(0, -w0), right = Math.Min(Side, shape.W - w0);
            float* from = x + (((long)c * shape.H + h0) * shape.W + w0) * shape.N + pixel % vectors * TV.Width;
            for (int s = 0; s < left; s++) Clear<TV>(half + s * TV.Width);
            for (int s = left; s < right; s++)
            {
                float* at = from + (long)s * shape.N, to = half + s * TV.Width;
                if (bottom - top == Side)
                {
                    WinogradOf4.Input<TV>(at, rowStep, to, Side * TV.Width);
                    continue;
                }

                for (int i = top; i < bottom; i++) TV.Store(TV.Load(at + i * rowStep), column + i * TV.Width);
                WinogradOf4.Input<TV>(column, TV.Width, to, Side * TV.Width);
            }

            for (int s = right; s < Side; s++) Clear<TV>(half + s * TV.Width);
            for (int r = 0; r < Side; r++) WinogradOf4.Input<TV>(half + r * Side * TV.Width, TV.Width, v + r * Side * pointLength, pointLength);
        }
    }

    private static void Clear<TV>(float* column)
        where TV : unmanaged, IVector<TV>
    {
        for (int i = 0; i < Side; i++) TV.Store(TV.Zero, column + i * Side * TV.Width);
    }

    [SkipLocalsInit]
    private static void TransformBack<TV>(
        in Conv2dShape shape, float* products, long pointLength, int row, int pixels, float bias, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        float* room = stackalloc float[(Side + Outputs) * Outputs * Samples + Workspace.Line];
        float* half = Workspace.OnLine(room), outputs = half + Outputs * Side * Samples;
        int vectors = Samples / TV.Width, rows = Math.Min(Outputs, shape.P - row * Outputs);
        for (int pixel = 0; pixel < pixels; pixel++, products += TV.Width)
        {
            for (int s = 0; s < Side; s++)
            {
                WinogradOf4.Output<TV>(products + s * pointLength, Side * pointLength, half + s * TV.Width, Side * TV.Width);
            }

            for (int r = 0; r < Outputs; r++) WinogradOf4.Output<TV>(half + r * Side * TV.Width, TV.Width, outputs + r * Outputs * TV.Width, TV.Width);
            for (int i = 0; i < Outputs * Outputs; i++) TV.Store(TV.Load(outputs + i * TV.Width) + TV.Broadcast(bias), outputs + i * TV.Width);
            Elementwise.RunLine<TV>(activation, outputs, Outputs * Outputs * TV.Width);
            int q = pixel / vectors * Outputs, columns = Math.Min(Outputs, shape.Q - q);
            float* to = y + ((long)row * Outputs * shape.Q + q) * shape.N + pixel % vectors * TV.Width;
            for (int r = 0; r < rows; r++)
            for (int s = 0; s < columns; s++)
            {
                TV.Store(TV.Load(outputs + (r * Outputs + s) * TV.Width), to + ((long)r * shape.Q + s) * shape.N);
            }
        }
    }

    private struct Arguments
    {
        public Conv2dShape Shape;
        public float* X;
        public float* W;
        public float* B;
        public Activation Activation;
        public float* Y;
        public float* U;
        public float* Scratch;
        public long TilesLength;
        public long ProductLength;
    }
}
