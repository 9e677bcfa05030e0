using Engine.Kernels.Simd;

namespace Engine.Kernels;

/// <content>
/// The form for few input channels and long rows. A sum then has so few terms that adding the bias, applying the activation and storing the result take as
/// long as the sum. Therefore each register tile (<see cref="RegisterTile{TV}"/>) lies within one output row: bias and activation go straight from the tile's
/// sums, which are still in the first-level cache, to y in whole vectors. The image is read in place. The last tile of a row ends with the row and computes
/// again what it shares with the tile before. A task is a band of output rows of one sample; it computes one block of output channels after the other.
/// Parallel over samples and bands. Writing y bounds it.
/// </content>
internal static unsafe partial class Conv2d
{
    private const int LineBandRows = 16;

    private static void ForwardFewChannels<TV>(CpuContext cpu, in Conv2dShape shape, float* x, float* w, float* b, Activation activation, float* y)
        where TV : unmanaged, IVector<TV>
    {
        int depth = shape.C * shape.R * shape.S;
        long packed = TiledProduct.PackedLength<TV>(shape.K, depth), sums = (long)RegisterTile<TV>.Rows * RegisterTile<TV>.Columns;
        cpu.Workspace.Begin(Workspace.Aligned(packed) + Workspace.Aligned(depth), sums);
        FewChannelsArguments arguments = new()
        {
            Shape = shape,
            X = x,
            B = b,
            Activation = activation,
            Y = y,
            Bands = CountBands(cpu, shape.N, shape.P, LineBandRows),
            A = cpu.Workspace.Take(packed),
            Offsets = (int*)cpu.Workspace.Take(depth),
            Scratch = cpu.Workspace.OfThreads,
        };
        int* offset = arguments.Offsets;
        for (int c = 0; c < shape.C; c++)
        for (int r = 0; r < shape.R; r++)
        for (int s = 0; s < shape.S; s++)
        {
            *offset++ = (c * shape.H + r * shape.DilationH) * shape.W + s * shape.DilationW;
        }

        for (int block = 0; block < shape.K / RegisterTile<TV>.Rows; block++) TiledProduct.PackRows<TV>(w, depth, null, shape.K, depth, block, arguments.A);
        cpu.Run(shape.N * arguments.Bands, &RunFewChannels<TV>, ref arguments);
    }

    private static void RunFewChannels<TV>(ref FewChannelsArguments arguments, int task, int worker)
        where TV : unmanaged, IVector<TV> => arguments.Activation.Accept<FewChannelsTask<TV>, Nothing>(new FewChannelsTask<TV>(ref arguments, task, worker));

    private static void RunFewChannels<TV, TOperator>(in FewChannelsArguments arguments, TOperator activation, int task, int worker)
        where TV : unmanaged, IVector<TV>
        where TOperator : struct, IUnaryOperator
    {
        ref readonly Conv2dShape shape = ref arguments.Shape;
        int height = RegisterTile<TV>.Rows, columns = RegisterTile<TV>.Columns, depth = shape.C * shape.R * shape.S;
        int n = task / arguments.Bands, part = task % arguments.Bands;
        int first = (int)((long)shape.P * part / arguments.Bands), end = (int)((long)shape.P * (part + 1) / arguments.Bands);
        float* image = arguments.X + (long)n * shape.C * shape.H * shape.W, sums = arguments.Scratch.Of(worker);
        long plane = (long)shape.P * shape.Q;
        for (int k = 0; k < shape.K; k += height)
        for (int p = first; p < end; p++)
        for (int column = 0; column < shape.Q; column += columns)
        {
            int q = Math.Min(column, shape.Q - columns);
            RegisterTile<TV>.Run(arguments.A + (long)k * depth, image + (long)p * shape.W + q, arguments.Offsets, depth, sums, false, columns);
            float* y = arguments.Y + ((long)n * shape.K + k) * plane + (long)p * shape.Q + q, sum = sums;
            for (int i = 0; i < height; i++, y += plane, sum += columns)
            {
                TV bias = arguments.B is null ? TV.Zero : TV.Broadcast(arguments.B[k + i]);
                TV.Store(activation.Apply(TV.Load(sum) + bias), y);
                TV.Store(activation.Apply(TV.Load(sum + TV.Width) + bias), y + TV.Width);
                TV.Store(activation.Apply(TV.Load(sum + 2 * TV.Width) + bias), y + 2 * TV.Width);
            }
        }
    }

    private readonly ref struct FewChannelsTask<TV>(ref FewChannelsArguments arguments, int task, int worker) : IActivationVisitor<Nothing>
        where TV : unmanaged, IVector<TV>
    {
        private readonly ref FewChannelsArguments _arguments = ref arguments;

        public Nothing Visit<TActivation>(TActivation activation)
            where TActivation : unmanaged, IActivation
        {
            RunFewChannels<TV, TActivation>(_arguments, activation, task, worker);
            return default;
        }
    }

    private struct FewChannelsArguments
    {
        public Conv2dShape Shape;
        public float* X;
        public float* B;
        public float* Y;
        public Activation Activation;
        public int Bands;
        public float* A;
        public int* Offsets;
        public ThreadScratch Scratch;
    }
}
